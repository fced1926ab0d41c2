// "Copy as curl", really run by a shell: a receiver shows that the same request arrives again.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { BANK, KEY, PEPS, serve } from './stage.js';

// The modules of the page read where the page is.
globalThis.location = new URL('http://127.0.0.1/__sandbox/');
globalThis.addEventListener ??= () => {};
const pages = '../../src/control/pages/inspector';
const { curl } = await import(`${pages}/curl.js`);
const { powershell } = await import(`${pages}/powershell.js`);
const { known } = await import(`${pages}/api.js`);

const CARDS = '/v0/identity/id_card_verifications';
const HOSTILE = [
  `it's "quoted" \\ and \\\\ with \\n`, 'two\nlines\r\nand a\ttab', '$HOME ${HOME} $(id) `id`', '!! !1 ^a^b', '漢字 é 👍🏽 ‘curly’', '-d @x',
  '--next', '@/etc/hostname', '</etc/hostname', '=ls', ';type=text/html', 'a;b,c', '"a', '  blanks  ', '#x %20 &y', '~ * ? [a] {b,c}', '\\', "'",
];

describe('copy as curl', () => {
  let sandbox;
  let receiver;
  let folder;
  let arrived;

  before(async () => {
    sandbox = await serve();
    folder = mkdtempSync(path.join(tmpdir(), 'curl-'));
    writeFileSync(path.join(folder, 'x'), 'a file that nobody asked for');
    receiver = http.createServer((request, response) => {
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        arrived = { method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(chunks) };
        response.end();
      });
    });
    await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  });

  after(async () => {
    receiver.close();
    rmSync(folder, { recursive: true });
    await sandbox.stop();
  });

  /** Sends a request to the sandbox; returns it as the journal has it. */
  async function kept(to, { method = 'POST', headers = {}, body } = {}) {
    const { port } = new URL(sandbox.url);
    const answer = await new Promise((resolve, reject) => {
      const request = http.request({ host: '127.0.0.1', port, path: to, method, headers: { authorization: `Basic ${btoa(`${KEY}:`)}`, ...headers } }, resolve);
      request.on('error', reject);
      request.end(body);
    });
    answer.resume();
    const trace = answer.headers['x-sandbox-trace'];
    const world = trace.startsWith('00000000-') ? 'strangers' : trace.split('-')[0];
    const { requests } = await (await fetch(`${sandbox.url}/__sandbox/requests?world=${world}&trace=${trace}`)).json();
    return requests[0];
  }

  /** Pastes the curl of a kept request, with the receiver in the place of the sandbox; returns what arrives. */
  async function pasted(request) {
    known.setup = { url: `http://127.0.0.1:${receiver.address().port}`, curl: 'curl -sS --max-time 20', api_key: KEY, world: request.world };
    arrived = null;
    const shell = promisify(execFile);
    const { stderr } = await shell('bash', ['-c', curl(request)], { cwd: folder, env: { PATH: process.env.PATH, HOME: folder } });
    assert.equal(stderr, '');
    assert.equal(arrived.headers.authorization, `Basic ${btoa(`${KEY}:`)}`);
    return arrived;
  }

  /** The fields of a multipart form, as the sandbox reads it. */
  async function received({ headers, body }) {
    return (await kept(CARDS, { headers: { 'content-type': headers['content-type'] }, body })).body;
  }

  test('a text body arrives as it is, whatever it begins with or holds', async () => {
    for (const text of HOSTILE) {
      const again = await pasted(await kept(PEPS, { body: text, headers: { 'content-type': 'text/plain' } }));
      assert.equal(again.body.toString(), text);
      assert.deepEqual([again.method, again.headers['content-type']], ['POST', 'text/plain'], text);
    }
  });

  test('JSON arrives as it is', async () => {
    const body = { given_names: HOSTILE.join('\n'), list: HOSTILE, nul: '\0' };
    const again = await pasted(await kept(PEPS, { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }));
    assert.deepEqual(JSON.parse(again.body), body);
  });

  test('the texts of a multipart form arrive as texts, and no local file is read', async () => {
    const form = new FormData();
    HOSTILE.forEach((text, index) => form.set(`field${index}`, text));
    form.set('object[key][inner]', '@x');
    ['@x', 'a;b'].forEach((text) => form.append('list[]', text));
    const sent = new Response(form);
    const request = await kept(CARDS, { headers: { 'content-type': sent.headers.get('content-type') }, body: Buffer.from(await sent.arrayBuffer()) });
    assert.equal(Object.keys(request.body).length, HOSTILE.length + 2);
    assert.deepEqual(await received(await pasted(request)), request.body);
  });

  test('a file arrives under its name, whatever the name holds', async () => {
    const names = ['selfie.png', 'a,b.png', 'a;b.png', 'a;type=text.png', `it's a "name".png`, 'a\\b.png', '-', '-x.png', '@x.png', ' a .png', '漢字 $HOME.png', '../up/a.png'];
    for (const name of names) {
      const content = Buffer.from(`the content of ${name}`);
      // Not with FormData, which changes some names.
      const head = `--b\r\nContent-Disposition: form-data; name="selfie"; filename="${name.replaceAll(/[\\"]/g, '\\$&')}"\r\nContent-Type: image/png\r\n\r\n`;
      const body = Buffer.concat([Buffer.from(head), content, Buffer.from('\r\n--b--\r\n')]);
      const request = await kept(CARDS, { headers: { 'content-type': 'multipart/form-data; boundary=b' }, body });
      const local = request.body.selfie.file_name.split(/[/\\]/).pop();
      writeFileSync(path.join(folder, local), content);
      const again = await received(await pasted(request));
      assert.deepEqual([again.selfie.sha256, again.selfie.file_name], [request.body.selfie.sha256, request.body.selfie.file_name]);
    }
  });

  test('headers arrive with their values, and an empty one arrives empty', async () => {
    const headers = { 'content-type': 'application/json', 'x-empty': '', 'x-quotes': `it's "a" \\ $HOME \`id\` !!`, 'x-file': '@x', 'x-end': 'a;' };
    const again = await pasted(await kept(PEPS, { headers, body: '{}' }));
    for (const [name, value] of Object.entries(headers)) assert.equal(again.headers[name], value, name);
  });

  test('a body without a content type gets none', async () => {
    const again = await pasted(await kept(PEPS, { body: 'a=b' }));
    assert.deepEqual([again.headers['content-type'], again.body.toString()], [undefined, 'a=b']);
  });

  test('the method, the path and the query arrive, also of a GET with a body', async () => {
    const to = `${BANK}/a%20b/../{c}/[1-3]?a=%27%22%5B1%5D&b=%24x&a=2`;
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'POST']) {
      for (const body of ['', '{"a":1}']) {
        const headers = body ? { 'content-type': 'application/json', 'content-length': body.length } : {};
        const request = await kept(to, { method, headers, body });
        const again = await pasted(request);
        assert.deepEqual([again.method, again.body.toString()], [method, body]);
        const [asked, query] = again.url.split('?');
        assert.equal(asked, to.split('?')[0]);
        assert.deepEqual(new URLSearchParams(query).getAll('a'), [`'"[1]`, '2']);
      }
    }
    assert.equal((await pasted(await kept(`${BANK}/x`, { method: 'HEAD' }))).method, 'HEAD');
  });

  test('files in JSON arrive in base64', async () => {
    const png = Buffer.alloc(2048);
    Buffer.from('89504e470d0a1a0a0000000d494844520000025800000258080200000000000000', 'hex').copy(png);
    const body = { note: `it's`, image1: png.toString('base64'), image2: png.toString('base64') };
    const request = await kept('/v1/identity/face_comparisons', { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    for (const name of ['image1.png', 'image2.png']) writeFileSync(path.join(folder, name), png);
    assert.deepEqual(JSON.parse((await pasted(request)).body), body);
  });
});

describe('copy as PowerShell', () => {
  const request = {
    world: 'w', method: 'POST', path: '/v0/a', query: { q: `it's` }, body: { a: `it's ‘$x’\n"y"` },
    headers: { host: 'h', 'content-type': 'application/json', 'x-a': ['1', '2'], 'x-empty': '' },
  };
  const setup = { url: 'http://127.0.0.1:4586', curl: 'curl', api_key: 'key', world: 'w' };
  const lines = (setup_, more) => {
    known.setup = { ...setup, ...setup_ };
    return powershell({ ...request, ...more }).split(' `\n    ');
  };
  const AUTHORIZATION = `authorization = 'Basic ' + [Convert]::ToBase64String(([Text.Encoding]::UTF8.GetBytes('key:')))`;

  test('quotes of every kind are doubled, and the body is sent as UTF-8', () => {
    assert.deepEqual(lines(), [
      `Invoke-WebRequest -SkipHttpErrorCheck -SkipHeaderValidation 'http://127.0.0.1:4586/v0/a?q=it%27s'`,
      `-Method 'POST'`,
      `-Headers @{ ${AUTHORIZATION}; 'x-a' = '1, 2'; 'x-empty' = '' }`,
      `-ContentType 'application/json'`,
      `-Body ([Text.Encoding]::UTF8.GetBytes('{"a":"it''s ‘‘$x’’\\n\\"y\\""}'))`,
    ]);
  });

  test('a form names its texts and files', () => {
    const upload = { sha256: 'a'.repeat(64), bytes: 1, width: 1, height: 1, type: 'image/png', file_name: `a;'b.png` };
    const form = lines({}, { headers: { 'content-type': 'multipart/form-data; boundary=b' }, body: { name: '@x', selfie: upload } });
    assert.deepEqual(form.slice(2), [
      `-Headers @{ ${AUTHORIZATION} }`,
      `-Form ([ordered]@{ 'name' = '@x'; 'selfie' = Get-Item -LiteralPath './a;''b.png' })`,
    ]);
  });

  test('the own key comes from the environment, and the sandbox certificate is accepted', () => {
    const own = lines({ world: 'other', url: 'https://localhost:4586' }, { method: 'PURGE', body: null, headers: {} });
    assert.deepEqual(own, [
      `Invoke-WebRequest -SkipHttpErrorCheck -SkipHeaderValidation 'https://localhost:4586/v0/a?q=it%27s'`,
      `-CustomMethod 'PURGE'`,
      `-Headers @{ authorization = 'Basic ' + [Convert]::ToBase64String(([Text.Encoding]::UTF8.GetBytes("\${env:ILUMA_API_KEY}:"))) }`,
      '-SkipCertificateCheck',
    ]);
  });

  test('files in JSON are read from where the shell is', () => {
    const upload = { sha256: 'a'.repeat(64), bytes: 1, width: 1, height: 1, type: 'image/png' };
    const [, , , , body] = lines({}, { body: { image: upload } });
    assert.equal(
      body,
      `-Body ([Text.Encoding]::UTF8.GetBytes('{"image":"' + [Convert]::ToBase64String([IO.File]::ReadAllBytes("$PWD/" + 'image.png')) + '"}'))`,
    );
  });
});
