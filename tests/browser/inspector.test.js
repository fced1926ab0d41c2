// The inspector as a developer uses it: in a real browser, against the real binary.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { BANK, KEY, PEPS, PERSON, findsNothingSerious, look, quit, serve } from './stage.js';

/** A reset took the request that the page wanted to be explained. */
const EXPLAINED_TOO_LATE = /404 .*\/__sandbox\/explain\//;
const MARKUP = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script>';

let folder;
let sandbox;
let tab;

/** Opens the page, and always closes it. Checks that the page called only the sandbox. */
async function looking(options, use) {
  tab = await look(options.at ?? sandbox, options);
  try {
    await use(tab);
    assert.deepEqual(tab.errors.filter((text) => !options.expects?.test(text)), [], 'the console says nothing');
    assert.deepEqual([...tab.hosts], [new URL((options.at ?? sandbox).url).host], 'no other host is asked');
  } finally {
    await tab.close();
  }
}

const control = (to, more) => sandbox.ask(`/__sandbox/${to}`, more);
const rows = () => tab.locator('#requests [role=option]');
const row = (trace) => tab.locator(`#requests-${trace}`);
const says = (text) => tab.locator('#says.shown', { hasText: text }).waitFor();
const detail = () => tab.locator('.detail');
const clipboard = () => tab.evaluate(() => navigator.clipboard.readText());
const query = () => new URLSearchParams(new URL(tab.url()).hash.split('?')[1] ?? '');

const accessible = (name) => findsNothingSerious(tab, name);

async function fitsTheScreen(name) {
  const [wide, seen] = await tab.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= seen, `${name}: ${wide} pixels in ${seen}`);
}

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'scenarios-'));
  sandbox = await serve('--scenarios', folder);
});
beforeEach(async () => {
  await control('reset', { method: 'POST' });
});
after(async () => {
  await quit();
  await sandbox.stop();
  rmSync(folder, { recursive: true });
});

describe('requests', () => {
  test('an empty page teaches the first curl, with the address and the key of this sandbox', () => looking({ hash: '#/requests' }, async () => {
    const curl = tab.locator('.curl pre').first();
    await curl.waitFor();
    const text = await curl.textContent();
    assert.match(text, new RegExp(`^curl ${sandbox.url}${PEPS} -u ${KEY}:`));
    await tab.locator('.curl button').first().click();
    assert.equal(await clipboard(), text);
  }));

  test('a request appears without a reload of the page, and its detail says why', () => looking({}, async () => {
    await tab.locator('.empty h2').waitFor();
    await tab.evaluate(() => (window.here = 'the same page'));
    const { trace } = await sandbox.ask(PEPS, { body: PERSON });
    await row(trace).click();
    assert.equal(await tab.evaluate(() => window.here), 'the same page');
    await detail().getByText('No rule holds; the dummy data decided.').waitFor();
    await detail().getByText('shipped:v0/individual_cft_peps.toml:', { exact: false }).first().waitFor();
    await detail().locator('.timeline', { hasText: 'COMPLETED_FOUND' }).waitFor();
    await detail().locator('summary', { hasText: 'Reply headers' }).click();
    await detail().locator('.headers', { hasText: trace }).waitFor();
    assert.equal(query().get('trace'), trace, 'the address bar keeps the selection');
    await tab.reload();
    await detail().getByText('No rule holds; the dummy data decided.').waitFor();
  }));

  test('personal fields are masked until they are clicked, keys and tokens always', () => looking({}, async () => {
    const { trace } = await sandbox.ask(PEPS, { body: { ...PERSON, given_names: 'Jane Roe', user_id: KEY } });
    await row(trace).click();
    const request = detail().getByRole('region', { name: 'Request body' });
    await request.waitFor();
    assert.doesNotMatch(await detail().textContent(), /Jane Roe/);
    await request.getByRole('button', { name: 'Show given_names' }).click();
    assert.match(await request.textContent(), /"given_names": "Jane Roe"/);
    await detail().getByRole('button', { name: 'Show personal fields' }).click();
    assert.equal(await detail().locator('.mask').count(), 0);
    await detail().locator('summary', { hasText: 'Request headers' }).click();
    const shown = await tab.evaluate(() => document.body.innerText);
    assert.ok(!shown.includes(KEY.slice(-20)), 'no key is shown');
  }));

  test('values on the dummy lists are shown, and all other personal values stay masked', () => looking({}, async () => {
    const body = () => detail().getByRole('region', { name: 'Request body' });
    const asked = async (fields) => {
      const { trace } = await sandbox.ask(PEPS, { body: { ...PERSON, ...fields } });
      await row(trace).click();
      await detail().getByTitle('x-sandbox-trace').getByText(trace, { exact: true }).waitFor();
    };
    await asked({ given_names: 'eko hadi SALIM', date_of_birth: '1943-03-11', email: 'jane@roe.example' });
    await body().getByText('"eko hadi SALIM"').waitFor();
    await body().getByText('"1943-03-11"').waitFor();
    await body().getByText('"ID"').waitFor();
    await body().getByRole('button', { name: 'Show email' }).waitFor();
    await asked({ given_names: 'Jane Roe', date_of_birth: '1943-03-11' });
    await body().getByText('"ID"').waitFor();
    await body().getByRole('button', { name: 'Show given_names' }).waitFor();
    await body().getByRole('button', { name: 'Show date_of_birth' }).waitFor(); // alone, a date may be anybody's
    await detail().getByText('The nearest on the list:').waitFor();
    const account = await sandbox.ask(BANK, { body: { bank_account_number: '0000000404', bank_code: 'BCA' } });
    await row(account.trace).click();
    await body().getByText('"0000000404"').waitFor();
  }));

  test('the newest request is selected until the reader chooses or works with one', () => looking({ width: 1400 }, async () => {
    const shown = (trace) => detail().getByTitle('x-sandbox-trace').getByText(trace, { exact: true }).waitFor();
    const first = await sandbox.magic(BANK, 'COMPLETED_FOUND');
    await shown(first.trace);
    const second = await sandbox.magic(BANK, 'COMPLETED_NOT_FOUND');
    await shown(second.trace);
    assert.equal(query().get('trace'), null);
    await tab.locator(`#requests-${second.trace}[aria-selected=true]`).waitFor();
    await detail().locator('summary', { hasText: 'Request headers' }).click();
    const third = await sandbox.magic(BANK, 'PENDING');
    await row(third.trace).waitFor();
    await shown(second.trace);
    assert.equal(query().get('trace'), second.trace, 'the address bar keeps what the reader works with');
    await tab.keyboard.press('Escape');
    await shown(third.trace);
  }));

  test('every time says whether it is of the machine, of the world, or relative', () => looking({ width: 1400 }, async () => {
    await sandbox.ask('/v1/callback/urls', { body: { type: 'NAME_VALIDATOR_REQUEST', url: `${sandbox.url}/__sandbox/inbox/times` } });
    const { trace } = await sandbox.magic(BANK, 'PENDING_THEN_COMPLETED_FOUND');
    await control('clock/advance', { body: { by: '1d' } });
    await row(trace).click();
    await tab.locator('.head-row', { hasText: 'machine time' }).waitFor();
    const facts = await detail().locator('.facts').textContent();
    assert.match(facts, /\d\d:\d\d:\d\d\.\d{3} machine time · \d+ s ago/);
    const life = detail().locator('.life');
    await life.getByText('callback', { exact: true }).waitFor();
    const { now } = (await control('clock')).json();
    assert.match(await life.textContent(), /machine timecreated.*\+1sbecomes.*2026-01-01 00:00:00\.000 world timecallback.*\+1\.0 s 200 took \d+ ms, \d+ s ago/);
    await tab.getByRole('link', { name: 'World', exact: true }).click();
    await tab.getByRole('heading', { name: 'Clock world time' }).waitFor();
    await tab.locator('#now', { hasText: now }).waitFor();
  }));

  test('a span of the timeline filters the list', () => looking({ width: 1400 }, async () => {
    const { trace } = await sandbox.ask(PEPS, { body: PERSON });
    await sandbox.magic(BANK, 'SERVER_ERROR');
    await sandbox.ask(PEPS, { body: {} });
    const graph = tab.locator('.graph svg');
    for (const [kind, many] of [['good', /1 requests well/], ['warn', /1 requests refused/], ['bad', /1 requests failed/]]) {
      await graph.locator(`rect.${kind} title`, { hasText: many }).waitFor({ state: 'attached' });
    }
    assert.match(await graph.getAttribute('aria-label'), /Requests: 1 well, 1 refused or retried, 1 failed or broken\. Callback attempts: no attempts/);
    const { x, y, width, height } = await graph.boundingBox();
    await tab.mouse.move(x + width * 0.2, y + height / 2);
    await tab.mouse.down();
    await tab.mouse.move(x + width * 0.5, y + height / 2);
    await tab.mouse.up();
    await tab.locator('#count', { hasText: '0 of 3' }).waitFor();
    await tab.getByText(/Only \d\d:\d\d:\d\d to .* machine time/).waitFor();
    await accessible('with a span');
    await tab.getByRole('button', { name: '× all times' }).click();
    await row(trace).waitFor();
    await tab.getByRole('slider', { name: 'First moment shown' }).focus();
    await tab.keyboard.press('ArrowRight');
    await tab.waitForFunction(() => location.hash.includes('span='));
    await row(trace).waitFor();
    const span = query().get('span').split('-').map(Number);
    const { requests } = (await control('requests')).json();
    assert.ok(requests.every(({ at }) => Date.parse(at) >= span[0] && Date.parse(at) < span[1]));
    await tab.reload();
    await tab.locator('#count', { hasText: '3 requests' }).waitFor();
  }));

  test('the requests and callbacks of a trace are listed together, and the filter finds them', () => looking({ width: 1400 }, async () => {
    await sandbox.ask('/v1/callback/urls', { body: { type: 'NAME_VALIDATOR_REQUEST', url: `${sandbox.url}/__sandbox/inbox/mine` } });
    const headers = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', 'x-request-id': 'checkout-7', 'x-magic-reply': 'COMPLETED_FOUND' };
    const first = await sandbox.ask(BANK, { method: 'POST', headers });
    const second = await sandbox.ask(BANK, { method: 'POST', headers: { ...headers, traceparent: headers.traceparent.replace('b7-01', 'b8-01') } });
    await sandbox.ask('/health');
    await control('idle?wait=5s');
    await tab.locator('#filter').fill('4bf92f3577b34da6a3ce929d0e0e4736');
    await row(second.trace).waitFor();
    assert.equal(await rows().count(), 2);
    await row(first.trace).click();
    const trace = detail().locator('ol.timeline', { hasText: 'this one' });
    await trace.getByText('delivered').first().waitFor();
    assert.match(await trace.locator('li').first().innerText(), /POST .*200 COMPLETED_FOUND this one/s);
    assert.equal(await trace.locator('li').count(), 4);
    assert.match(await detail().innerText(), /traceparent\s+00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01/);
    await trace.getByRole('link', { name: 'callback' }).first().click();
    await detail().getByText('checkout-7').first().waitFor();
    await detail().locator('ol.timeline li', { hasText: 'this one' }).waitFor();
    assert.equal(await detail().locator('ol.timeline li').count(), 4);
  }));

  test('markup in a name stays text', () => looking({}, async () => {
    const { trace } = await sandbox.ask(`${PEPS}?${encodeURIComponent(MARKUP)}=1`, { body: { ...PERSON, given_names: MARKUP, user_id: MARKUP }, headers: { 'x-note': MARKUP } });
    const stranger = await sandbox.ask(`/${MARKUP.replaceAll('/', '')}`.replaceAll(' ', '%20').replaceAll('"', '%22').replaceAll('<', '%3C').replaceAll('>', '%3E'));
    await row(stranger.trace).click();
    await detail().locator('h2').waitFor();
    await row(trace).click();
    await detail().getByRole('button', { name: 'Show personal fields' }).click();
    await detail().locator('summary', { hasText: 'Request headers' }).click();
    await detail().getByText(MARKUP, { exact: false }).first().waitFor();
    assert.equal(await tab.evaluate(() => window.hurt), undefined);
    assert.equal(await tab.locator('main img, main script').count(), 0);
  }));

  test('copy as curl gives a command that asks the same', () => looking({}, async () => {
    const body = { ...PERSON, user_id: "it's" };
    const { trace, text } = await sandbox.ask(PEPS, { body, headers: { 'x-note': 'a b' } });
    await row(trace).click();
    await detail().getByRole('button', { name: 'Copy as curl' }).click();
    await says('curl copied');
    const curl = await clipboard();
    assert.equal(curl, [`curl ${sandbox.url}${PEPS}`, `-u ${KEY}:`, `-H 'content-type: application/json'`, `-H 'x-note: a b'`,
      `--data-raw '${JSON.stringify(body).replace("'", "'\\''")}'`].join(' \\\n    ').replace('curl ', 'curl '));
    const { execFileSync } = await import('node:child_process');
    assert.deepEqual(Object.keys(JSON.parse(execFileSync('sh', ['-c', `${curl} -s`]))), Object.keys(JSON.parse(text)));
  }));

  test('copy as PowerShell gives a command for the same request', () => looking({}, async () => {
    const { trace } = await sandbox.ask(PEPS, { body: PERSON });
    await row(trace).click();
    await detail().getByRole('button', { name: 'Copy as PowerShell' }).click();
    await says('PowerShell copied');
    const command = await clipboard();
    assert.ok(command.startsWith(`Invoke-WebRequest -SkipHttpErrorCheck -SkipHeaderValidation '${sandbox.url}${PEPS}' \`\n    -Method 'POST' \`\n`), command);
    assert.ok(command.includes(`GetBytes('${JSON.stringify(PERSON)}')`), command);
  }));

  test('a curl begins as the sandbox says that one does', () => looking({}, async () => {
    const { trace } = await sandbox.ask(PEPS, { body: PERSON });
    await tab.route('**/__sandbox/setup', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), curl: 'curl --cacert ca.pem' } });
    });
    await tab.reload();
    await row(trace).click();
    await detail().getByRole('button', { name: 'Copy as curl' }).click();
    await says('curl copied');
    assert.ok((await clipboard()).startsWith(`curl --cacert ca.pem ${sandbox.url}${PEPS}`));
  }));

  test('send again asks the same once more, and shows the new one', () => looking({}, async () => {
    const first = await sandbox.ask(PEPS, { body: PERSON });
    await row(first.trace).click();
    await detail().getByRole('button', { name: 'Send again' }).click();
    await says('Sent again: 200 COMPLETED_FOUND');
    await tab.waitForFunction((trace) => !location.hash.includes(trace), first.trace);
    const { requests } = (await control('requests?limit=2')).json();
    assert.deepEqual(requests[0].body, requests[1].body);
    assert.equal(query().get('trace'), requests[0].trace);
    await row(requests[0].trace).waitFor();
  }));

  test('a body that looks like the facts of an upload is shown as what it is', () => looking({}, async () => {
    const hash = 'a'.repeat(64);
    for (const body of [
      { sha256: '', bytes: 1, width: 1 },
      { sha256: 'no hash', bytes: 1, width: 1, height: 1 },
      { sha256: hash, bytes: [1], width: {}, height: null },
      { sha256: hash, bytes: 1, width: -1, height: 'x' },
      { sha256: hash, bytes: 1, width: 1, height: 1, type: { a: 1 }, file_name: [1] },
    ]) {
      const { trace } = await sandbox.ask(PEPS, { body });
      await row(trace).click();
      await detail().getByRole('region', { name: 'Request body' }).filter({ hasText: '"sha256"' }).waitFor();
      assert.equal(await detail().getByRole('button', { name: 'Send again' }).isDisabled(), false);
    }
    const facts = { sha256: hash, bytes: 1, width: 1e9, height: 0, type: '\ue000', file_name: '\ue000' };
    const { trace } = await sandbox.ask(PEPS, { body: { ...facts, note: '\ue000', more: { ...facts } } });
    await row(trace).click();
    await detail().getByRole('region', { name: 'Request body' }).waitFor();
    await detail().getByRole('button', { name: 'Copy as curl' }).click();
    await says('curl copied');
  }));

  test('send again asks this sandbox, whatever the path looks like', () => looking({ expects: / 40[0-9] / }, async () => {
    const { port, hostname } = new URL(sandbox.url);
    const raw = (target) => new Promise((resolve, reject) => {
      const sent = request({ host: hostname, port, path: target, headers: { authorization: `Basic ${btoa(`${KEY}:`)}` } }, (answer) => {
        answer.resume();
        resolve(answer.headers['x-sandbox-trace']);
      });
      sent.on('error', reject).end();
    });
    for (const target of ['/http://other.example/a', '//other.example/a', '///other.example', '/https:other.example?b=//c']) {
      const trace = await raw(target);
      await row(trace).click();
      await detail().locator('h2').waitFor();
      await detail().getByRole('button', { name: 'Send again' }).click();
      await says('Sent again: 404');
      await tab.waitForFunction((former) => !location.hash.includes(former), trace);
      const { requests } = (await control('requests?limit=1&world=strangers')).json();
      assert.equal(requests[0].path, target.split('?')[0]);
    }
    const trace = await raw('/v1/%2e%2e/__sandbox/reset');
    if (!trace) return; // the sandbox itself has answered
    await row(trace).click();
    await detail().locator('h2').waitFor();
    await detail().getByRole('button', { name: 'Send again' }).click();
    await says('A browser would change this path');
  }));

  test('a number keeps its digits where it is shown, copied and sent again', () => looking({}, async () => {
    writeFileSync(path.join(folder, 'sums.toml'), `path = "/v9/sums"
[request.properties]
sum = { type = "number" }
[outcomes.SUM]
default = true
body = { sum = "{{input.sum}}" }
`);
    await control('requests?limit=1'); // the world exists
    const sent = '{"sum":12345678901234567891}';
    let first;
    do first = await sandbox.ask('/v9/sums', { body: sent });
    while (first.status === 404); // until the file is read
    assert.equal(first.text, sent);
    await row(first.trace).click();
    for (const name of ['Request body', 'Reply body']) {
      const shown = detail().getByRole('region', { name });
      await shown.filter({ hasText: '"sum": 12345678901234567891' }).waitFor();
    }
    await detail().getByRole('button', { name: 'Copy as curl' }).click();
    await says('curl copied');
    assert.ok((await clipboard()).includes(`--data-raw '${sent}'`));
    await detail().getByRole('button', { name: 'Send again' }).click();
    await says('Sent again: 200 SUM');
    const again = await control('requests?limit=1&endpoint=sums');
    assert.ok(again.text.includes(`"body":${sent}`) && again.text.includes(`"reply":${sent}`), again.text);
    rmSync(path.join(folder, 'sums.toml'));
  }));

  test('what else could it answer: one click queues it, and the next call gets it', () => looking({}, async () => {
    const { trace } = await sandbox.ask(BANK, { body: { bank_account_number: '1234567890', bank_code: 'BCA' } });
    await row(trace).click();
    await detail().getByRole('button', { name: 'Queue COMPLETED_NOT_FOUND' }).click();
    await detail().locator('.queued', { hasText: 'COMPLETED_NOT_FOUND' }).waitFor();
    const next = await sandbox.ask(BANK, { body: { bank_account_number: '1234567890', bank_code: 'BCA' } });
    assert.equal(next.json().result.is_found, false);
    await row(next.trace).getByText('COMPLETED_NOT_FOUND').waitFor();
  }));

  test('a selection stays put while new ones arrive', () => looking({ height: 500, hash: `#/requests?q=bank_account` }, async () => {
    for (let count = 0; count < 40; count += 1) await sandbox.magic(BANK, 'COMPLETED_FOUND');
    await tab.locator('#count', { hasText: /^40 / }).waitFor();
    const chosen = rows().nth(12);
    await chosen.click();
    const id = await chosen.getAttribute('id');
    const place = () => tab.evaluate((one) => document.getElementById(one).getBoundingClientRect().y, id);
    const before_ = await place();
    for (let count = 0; count < 7; count += 1) await sandbox.magic(BANK, 'COMPLETED_FOUND');
    await tab.locator('.fresh', { hasText: '7 new' }).waitFor();
    assert.equal(await place(), before_);
    assert.equal(await tab.locator(`#${id}`).getAttribute('aria-selected'), 'true');
    await tab.locator('.fresh').click();
    await tab.locator('#requests [aria-posinset="1"]').waitFor();
  }));

  test('filters by text, endpoint, status and world, which the address bar keeps', () => looking({ expects: / 40[0-9] / }, async () => {
    const { api_key: key, world } = (await control('worlds', { body: { name: 'the other', reset: true } })).json();
    await sandbox.ask(PEPS, { body: PERSON });
    await sandbox.ask(PEPS, { body: {} });
    await sandbox.magic(BANK, 'FAILED', { key });
    await sandbox.ask('/nothing/here');
    const counts = async (text) => tab.locator('#count', { hasText: text }).waitFor();
    await tab.getByRole('searchbox').fill('bank_account failed');
    await counts('1 of ');
    assert.equal(query().get('q'), 'bank_account failed');
    await tab.getByRole('searchbox').fill('');
    await tab.getByLabel('Endpoint').selectOption('v0/individual_cft_peps');
    await tab.getByLabel('Status').selectOption('refused');
    await counts('1 of ');
    await tab.reload();
    await counts('1 of ');
    assert.equal(await tab.getByLabel('Status').inputValue(), 'refused');
    await tab.getByLabel('Endpoint').selectOption('');
    await tab.getByLabel('Status').selectOption('unmatched');
    await rows().getByText('/nothing/here').first().waitFor();
    await tab.getByLabel('Status').selectOption('');
    await tab.getByRole('combobox', { name: 'World' }).selectOption(world);
    await counts('1 of ');
    await rows().getByText('FAILED').first().waitFor();
  }));

  test('an upload is shown as type, size and a pattern of its hash', () => looking({}, async () => {
    const form = new FormData();
    form.set('name', 'penito kristian');
    form.set('id_card_number', '3275031210930027');
    const png = Buffer.alloc(204800);
    Buffer.from('89504e470d0a1a0a0000000d494844520000025800000258080200000000000000', 'hex').copy(png);
    form.set('selfie', new Blob([png], { type: 'image/png' }), 'selfie.png');
    const { trace } = await sandbox.ask('/v0/identity/id_card_verifications', { body: form });
    await row(trace).click();
    await detail().getByText('image/png · 204.8 kB · 600 × 600').waitFor();
    assert.equal(await pattern().count(), 1);
    assert.ok(await detail().getByRole('button', { name: 'Send again' }).isDisabled());
    await detail().getByRole('button', { name: 'Copy as curl' }).click();
    assert.match(await clipboard(), /-F selfie=@selfie\.png/);
  }));

  const drawn = (kind) => tab.evaluate((type) => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [300, 200];
    const draw = canvas.getContext('2d');
    draw.fillStyle = 'rgb(200 30 30)';
    draw.fillRect(0, 0, 300, 200);
    return canvas.toDataURL(type).split(',')[1];
  }, kind);
  const both = async () => ({ image1: await drawn('image/png'), image2: await drawn('image/jpeg') });
  const FACES = '/v1/identity/face_comparisons';
  const CARDS = '/v1/identity/id_card_images';
  const show = () => detail().getByRole('button', { name: 'Show the picture' });
  const picture = () => detail().getByRole('img', { name: 'thumbnail of the upload' });
  const pattern = () => detail().getByRole('img', { name: `pattern of the file's hash` });
  /** Width, height, and the pixel at 5, 5. */
  const seen = (canvas) => canvas.evaluate((one) => [one.width, one.height, ...one.getContext('2d').getImageData(5, 5, 1, 1).data]);

  test('pictures that come while the page is open are drawn small, shown when they are clicked, and their curl works', () => looking({}, async () => {
    const pictures = await both();
    const { trace } = await sandbox.ask(FACES, { body: pictures });
    await row(trace).click();
    await show().nth(1).waitFor();
    assert.equal(await pattern().count(), 0);
    await detail().getByText(/^image\/png · .* · 300 × 200/).waitFor();
    await accessible('thumbnails');
    await show().first().click();
    assert.equal(await picture().count(), 1);
    assert.deepEqual(await seen(picture()), [64, 43, 200, 30, 30, 255]);
    await detail().getByRole('button', { name: 'Show personal fields' }).click();
    assert.equal(await picture().count(), 2);
    const [width, height, red, green, blue] = await seen(picture().nth(1));
    assert.deepEqual([width, height], [64, 43]);
    assert.ok(Math.abs(red - 200) < 6 && Math.abs(green - 30) < 6 && Math.abs(blue - 30) < 6, `${red} ${green} ${blue}`);
    assert.ok(await detail().getByRole('button', { name: 'Send again' }).isDisabled());
    await detail().getByRole('button', { name: 'Copy as curl' }).click();
    await says('curl copied');
    const curl = await clipboard();
    assert.ok(curl.startsWith(`printf %s '{"image1":"' "$(base64 < image1.png | tr -d '\\n')" '","image2":"' "$(base64 < image2.jpg | tr -d '\\n')" '"}' |\n  curl `), curl);
    const there = mkdtempSync(path.join(tmpdir(), 'pictures-'));
    try {
      writeFileSync(path.join(there, 'image1.png'), Buffer.from(pictures.image1, 'base64'));
      writeFileSync(path.join(there, 'image2.jpg'), Buffer.from(pictures.image2, 'base64'));
      const answer = JSON.parse(await new Promise((resolve, reject) => {
        execFile('sh', ['-c', curl], { cwd: there }, (error, stdout) => (error ? reject(error) : resolve(stdout)));
      }));
      assert.equal(answer.match_percentage, 97);
      const { requests } = (await control(`requests?endpoint=${encodeURIComponent(FACES)}`)).json();
      assert.deepEqual(requests[0].body, requests[1].body, 'the same files were sent');
    } finally {
      rmSync(there, { recursive: true });
    }
  }));

  test('a picture that is drawn after its request is shown appears all the same', () => looking({}, async () => {
    let release;
    const released = new Promise((resolve) => (release = resolve));
    await tab.route('**/uploads?*', async (route) => {
      await released;
      await route.continue();
    });
    const { trace } = await sandbox.ask(FACES, { body: await both() });
    await row(trace).click();
    await pattern().nth(1).waitFor();
    release();
    await show().nth(1).waitFor();
    assert.equal(await pattern().count(), 0);
  }));

  test('a page that opens later shows the facts of an upload, and so does one after a reset or with --no-thumbnails', async () => {
    const fetched = [];
    const countFetches = () => tab.on('request', (request) => new URL(request.url()).pathname.endsWith('/uploads') && fetched.push(request.url()));
    await looking({ expects: EXPLAINED_TOO_LATE }, async () => {
      const { trace } = await sandbox.ask(FACES, { body: await both() });
      await row(trace).click();
      await show().nth(1).waitFor();
      countFetches();
      await tab.reload();
      await pattern().nth(1).waitFor();
      assert.equal(await show().count(), 0);
      const again = await sandbox.ask(FACES, { body: await both() });
      await row(again.trace).click();
      await show().nth(1).waitFor();
      assert.equal(fetched.length, 2);
      await control('reset', { method: 'POST' });
      await row(again.trace).waitFor({ state: 'detached' });
      const left = await tab.evaluate(async (which) => (await import('./inspector/uploads.js')).drawnOf(which), again.trace);
      assert.deepEqual(left, {});
    });
    const without = await serve('--no-thumbnails');
    try {
      await looking({ at: without }, async () => {
        countFetches();
        const { trace } = await without.ask(FACES, { body: await both() });
        await row(trace).click();
        await pattern().nth(1).waitFor();
        const refused = await without.ask(`/__sandbox/requests/${trace}/uploads?at=/image1`);
        assert.equal(refused.status, 404);
        assert.equal(fetched.length, 2, 'nothing more was fetched');
      });
    } finally {
      await without.stop();
    }
  });

  test('a picture that claims too much is not fetched, one that is broken is not drawn, and the next one is', () => looking({}, async () => {
    const claims = (width, height) => {
      const png = Buffer.alloc(400);
      Buffer.from('89504e470d0a1a0a0000000d49484452000000000000000008020000000000', 'hex').copy(png);
      png.writeUInt32BE(width, 16);
      png.writeUInt32BE(height, 20);
      return png.toString('base64');
    };
    const fetched = [];
    tab.on('response', (response) => new URL(response.url()).pathname.endsWith('/uploads') && fetched.push(response.url()));
    const traces = [];
    for (const image of [claims(5001, 5000), claims(100_000, 100_000), claims(0, 0), claims(600, 500), await drawn('image/png')]) {
      traces.push((await sandbox.ask(CARDS, { body: { image, type: 'KTP' } })).trace);
    }
    await row(traces.at(-1)).click();
    await show().waitFor(); // they are drawn one after the other
    assert.deepEqual(fetched.map((url) => new URL(url).pathname.split('/').at(-2)), traces.slice(3));
    for (const trace of traces.slice(0, 4)) {
      await row(trace).click();
      await detail().getByTitle('x-sandbox-trace').getByText(trace, { exact: true }).waitFor();
      await pattern().waitFor();
      assert.equal(await show().count(), 0);
    }
  }));

  test('a thin picture, one that is smaller than its thumbnail, and one that shows through keep their form', () => looking({}, async () => {
    const sized = (width, height) => tab.evaluate(([w, h]) => {
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [w, h];
      const draw = canvas.getContext('2d');
      draw.fillStyle = 'rgb(30 30 200)';
      draw.fillRect(w / 2, 0, w, h);
      return canvas.toDataURL().split(',')[1];
    }, [width, height]);
    for (const [given, expected] of [[[4000, 1], [64, 1]], [[1, 4000], [1, 64]], [[16, 12], [16, 12]], [[500, 1000], [32, 64]]]) {
      const { trace } = await sandbox.ask(CARDS, { body: { image: await sized(...given), type: 'KTP' } });
      await row(trace).click();
      await detail().getByTitle('x-sandbox-trace').getByText(trace, { exact: true }).waitFor();
      await show().click();
      const pixels = await picture().evaluate((one) => {
        const at = (x) => [...one.getContext('2d').getImageData(x, 0, 1, 1).data];
        return [one.width, one.height, at(0), at(one.width - 1)];
      });
      assert.deepEqual(pixels.slice(0, 2), expected, String(given));
      if (expected[0] > 1) assert.deepEqual(pixels.slice(2), [[255, 255, 255, 255], [30, 30, 200, 255]], String(given));
    }
  }));

  test('the world of a key that the page does not know can be asked all the same', () => looking({}, async () => {
    const { api_key: key, world } = (await control('worlds', { body: { name: 'unknown key', reset: true } })).json();
    const { trace } = await sandbox.magic(BANK, 'COMPLETED_FOUND', { key });
    await row(trace).click();
    await detail().getByRole('button', { name: 'Send again' }).click();
    await says('Sent again: 200 COMPLETED_FOUND');
    const { requests } = (await control(`requests?world=${world}`)).json();
    assert.deepEqual(requests.map((one) => one.outcome), Array(2).fill('v1.1/bank_account_data_requests/COMPLETED_FOUND'));
    await detail().getByRole('button', { name: 'Copy as curl' }).click();
    await says('curl copied');
    assert.match(await clipboard(), /-u "\$ILUMA_API_KEY:"/);
  }));

  test('10,000 requests over many worlds scroll smoothly, and only what is seen is in the page', async () => {
    const many = await serve();
    try {
      const ask = async (world) => {
        const key = `iluma_development_${String(world).padStart(40, 'x')}`;
        for (let count = 0; count < 900; count += 1) await many.ask('/v1.2/bank/available_bank_codes', { key });
      };
      await Promise.all([...Array(12).keys()].map(ask));
      await looking({ at: many }, async () => {
        await tab.locator('#count', { hasText: '10,000 requests' }).waitFor();
        assert.ok(await tab.locator('[role=option]').count() < 80);
        const slowest = await tab.evaluate(async () => {
          const list = document.querySelector('#requests');
          let slow = 0;
          for (let step = 0; step < 60; step += 1) {
            const began = performance.now();
            list.scrollTop = (list.scrollHeight * step) / 60;
            await new Promise((resolve) => { requestAnimationFrame(() => setTimeout(resolve)); });
            slow = Math.max(slow, performance.now() - began);
          }
          return slow;
        });
        assert.ok(slowest < 500, `a step took ${slowest} ms`);
        assert.ok(await tab.locator('[role=option]').count() < 80);
        await tab.locator('#requests').press('End');
        await tab.locator('[role=option][aria-posinset="10000"][aria-selected=true]').waitFor();
      });
    } finally {
      await many.stop();
    }
  });
});

describe('callbacks', () => {
  const inbox = () => `${sandbox.url}/__sandbox/inbox/browser`;
  const calledBack = async () => {
    await sandbox.ask('/v1/callback/urls', { body: { type: 'NAME_VALIDATOR_REQUEST', url: inbox() } });
    await sandbox.magic(BANK, 'COMPLETED_FOUND');
    await control('idle?wait=10s');
  };

  test('a delivery is shown with its attempts, and redelivered', () => looking({ hash: '#/callbacks' }, async () => {
    await tab.locator('.empty .curl').first().waitFor();
    await calledBack();
    await tab.locator('#deliveries-dlv_1').click();
    const attempt = detail().locator('.attempts > li').first();
    await attempt.getByText('200', { exact: true }).waitFor();
    await attempt.getByText('x-callback-token').waitFor(); // the headers of the last attempt are open
    assert.match(await attempt.textContent(), /2026-01-01 00:00:00\.000 world time \+0 ms.* machine time \d+ s ago.*tried127\.0\.0\.1:\d+ reached/);
    await tab.locator('#deliveries-dlv_1 .c-url', { hasText: inbox() }).waitFor();
    const { callback_token: token } = (await control('world')).json();
    assert.ok(!(await tab.evaluate(() => document.body.innerText)).includes(token));
    await detail().getByRole('button', { name: 'Redeliver' }).click();
    await says('Sent again as dlv_2');
    await detail().getByText('redelivery of dlv_1').waitFor();
    await tab.locator('#deliveries-dlv_2', { hasText: 'delivered' }).waitFor();
  }));

  test('an attempt shows the addresses, the host map, where a redirect leads, and the line of its answer', async () => {
    const receiver = createServer((asked, reply) => {
      asked.resume();
      const isTest = !asked.headers['x-callback-token'] || answered++ === 0;
      reply.writeHead(isTest ? 200 : 302, { location: '/<b>moved</b>' }).end('<i>elsewhere</i>\nmore');
    });
    let answered = 0;
    await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const { port } = receiver.address();
    const mapped = await serve('--callback-host-map', 'receiver.test=127.0.0.1', '--callback-retries', 'none');
    try {
      await looking({ at: mapped, hash: '#/callbacks' }, async () => {
        const url = `http://receiver.test:${port}/a/rather/long/path?tenant=${'x'.repeat(150)}`;
        const { status, text } = await mapped.ask('/v1/callback/urls', { body: { type: 'NAME_VALIDATOR_REQUEST', url } });
        assert.equal(status, 200, text);
        await mapped.magic(BANK, 'COMPLETED_FOUND');
        await mapped.ask('/__sandbox/idle?wait=10s');
        await tab.locator('#deliveries-dlv_1').click();
        await detail().getByText('redirect refused').first().waitFor();
        const shown = await detail().textContent();
        for (const part of [url, `127.0.0.1:${port} reached`, 'receiver.test=127.0.0.1', '/<b>moved</b>', '<i>elsewhere</i>']) assert.ok(shown.includes(part), `${part} in ${shown}`);
      });
    } finally {
      await mapped.stop();
      receiver.close();
    }
  });

  test('a type without a URL does not look registered', () => looking({ hash: '#/callbacks?tab=urls' }, async () => {
    const card = tab.getByRole('region', { name: 'NAME_VALIDATOR_REQUEST' });
    await card.getByText('not registered', { exact: true }).waitFor();
    assert.equal(await card.getByLabel('URL for NAME_VALIDATOR_REQUEST').inputValue(), '');
    assert.equal(await card.getByRole('button', { name: 'Trigger' }).isDisabled(), true);
    await card.getByRole('button', { name: 'Fill in the inbox' }).click();
    await card.getByText('not registered', { exact: true }).waitFor();
    await card.getByRole('button', { name: 'Register' }).click();
    await card.getByText('registered', { exact: true }).waitFor();
  }));

  test('URLs are registered by type and triggered, and the inbox shows what came', () => looking({ hash: '#/callbacks?tab=urls' }, async () => {
    const card = tab.getByRole('region', { name: 'NAME_VALIDATOR_REQUEST' });
    await card.getByLabel('URL for NAME_VALIDATOR_REQUEST').fill(`${inbox()}-2`);
    await card.getByRole('button', { name: 'Register' }).click();
    await card.getByText('registered').waitFor();
    await card.getByRole('button', { name: 'Trigger' }).click();
    await tab.locator('#deliveries-dlv_1', { hasText: 'delivered' }).waitFor();
    await tab.getByRole('link', { name: 'Inbox' }).click();
    const box = tab.getByRole('region', { name: 'Inbox browser-2' });
    await box.locator('details', { hasText: '#2' }).first().waitFor();
    await box.locator('summary').first().click();
    const { callback_token: token } = (await control('world')).json();
    assert.ok(!(await tab.evaluate(() => document.body.innerText)).includes(token));
    await box.getByRole('button', { name: 'Clear browser-2' }).click();
    await box.waitFor({ state: 'detached' });
  }));
});

describe('scenarios', () => {
  test('a broken file is told on every view with its caret, until it is mended', () => looking({ hash: '#/scenarios' }, async () => {
    const file = path.join(folder, 'v1', 'broken.toml');
    const { mkdirSync } = await import('node:fs');
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, 'name = "Broken"\npath = 12\n');
    const banner = tab.getByRole('alert');
    await banner.waitFor();
    assert.match(await banner.textContent(), /broken\.toml:2:8[^]*path = 12[^]*\^\^/);
    for (const view of ['Requests', 'Callbacks', 'World', 'Scenarios']) {
      await tab.getByRole('link', { name: view, exact: true }).click();
      await banner.waitFor();
    }
    await accessible('with a broken file');
    await banner.locator('summary').click();
    assert.equal(await banner.locator('pre').isVisible(), false);
    await tab.getByRole('link', { name: 'World', exact: true }).click();
    writeFileSync(file, 'name = "Broken"\npath = 13\n');
    await banner.getByText('path = 13').waitFor({ state: 'attached' });
    assert.equal(await banner.locator('pre').isVisible(), false, 'it stays collapsed until the file is correct');
    assert.match(await banner.locator('summary').innerText(), /broken\.toml:\d/);
    await tab.getByRole('link', { name: 'Scenarios', exact: true }).click();
    rmSync(file);
    await banner.waitFor({ state: 'detached' });
    await tab.locator('#files', { hasText: 'all files are correct' }).waitFor();
    await tab.locator('#files', { hasText: 'reloads, the last' }).waitFor();
  }));

  test('an outcome of your own shows its file, its line and its rule', () => looking({}, async () => {
    writeFileSync(path.join(folder, 'own.toml'), `extends = "v1.1/bank_account_data_requests"
[outcomes.OWN_REVIEW]
when = { "input.bank_account_number" = "7000000001" }
body.result = { is_found = true }
`);
    let answer;
    do answer = await sandbox.ask(BANK, { body: { bank_account_number: '7000000001', bank_code: 'BCA' } });
    while (!answer.text.includes('"result":{"is_found":true}')); // until the file is read
    await tab.evaluate((to) => (location.hash = to), '#/scenarios?endpoint=v1.1%2Fbank_account_data_requests');
    const own = detail().getByRole('row', { name: /OWN_REVIEW/ });
    await own.waitFor();
    assert.match(await own.textContent(), /yours .*own\.toml:2when input\.bank_account_number is "7000000001"/);
    assert.equal(await detail().getByRole('row', { name: /^COMPLETED_FOUND/ }).getByText('yours').count(), 0);
    rmSync(path.join(folder, 'own.toml'));
  }));

  test('try it sends a request with the values of the sample', () => looking({ hash: '#/scenarios?endpoint=v0%2Findividual_cft_peps' }, async () => {
    await detail().locator('summary', { hasText: 'Try it' }).click();
    await detail().getByLabel('given_names', { exact: false }).last().waitFor();
    await detail().getByRole('button', { name: 'Send', exact: true }).click();
    await detail().locator('.told .status', { hasText: '200' }).waitFor();
    await detail().getByRole('link', { name: 'see why' }).click();
    await detail().getByText('No rule holds; the dummy data decided.').waitFor();
  }));

  test('what was entered in try it stays when a file changes, and a new outcome can be chosen', () => looking({ hash: '#/scenarios?endpoint=v0%2Findividual_cft_peps' }, async () => {
    await detail().locator('summary', { hasText: 'Try it' }).click();
    await detail().getByRole('textbox', { name: 'given_names *', exact: true }).fill('Somebody Else');
    writeFileSync(path.join(folder, 'own.toml'), 'extends = "v0/individual_cft_peps"\n[outcomes.OWN_OUTCOME]\nbody.result = {}\n');
    await detail().getByRole('row', { name: /OWN_OUTCOME/ }).waitFor();
    assert.equal(await detail().getByRole('textbox', { name: 'given_names *', exact: true }).inputValue(), 'Somebody Else');
    await detail().getByLabel('x-magic-reply').selectOption('OWN_OUTCOME');
    rmSync(path.join(folder, 'own.toml'));
    await detail().getByRole('row', { name: /OWN_OUTCOME/ }).waitFor({ state: 'detached' });
    assert.equal(await detail().getByLabel('x-magic-reply').inputValue(), '');
  }));

  test('what a field of try it is called is its own name, and whether it is sent is asked beside it', () => looking({ hash: '#/scenarios?endpoint=v0%2Fid_card_verifications' }, async () => {
    await detail().locator('summary', { hasText: 'Try it' }).click();
    await detail().getByRole('textbox', { name: 'birthplace', exact: true }).waitFor();
    assert.equal(await detail().getByLabel('selfie *', { exact: true }).getAttribute('type'), 'file');
    assert.equal(await detail().getByRole('checkbox', { name: 'Send selfie', exact: true }).isChecked(), true);
  }));

  test('try it fits every endpoint: uploads, paths, what has no fields', async () => {
    const { endpoints } = (await control('catalog')).json();
    await looking({ hash: '#/scenarios', expects: / 40[04] / }, async () => {
      for (const { id } of endpoints) {
        await tab.evaluate((to) => (location.hash = to), `#/scenarios?endpoint=${encodeURIComponent(id)}`);
        await detail().locator('summary', { hasText: 'Try it' }).click();
        await detail().getByRole('button', { name: 'Send', exact: true }).click();
        const status = detail().locator('.told .status');
        await status.waitFor();
        assert.equal(await status.textContent(), '200', `${id} ${await detail().locator('.told').textContent()}`);
      }
    });
  });
});

describe('world', () => {
  test('the clock is advanced, faults stand and end, outcomes queue, and a reset empties it all', () => looking({ hash: '#/world' }, async () => {
    const started = (await control('clock')).json().now;
    await tab.locator('#now', { hasText: started }).waitFor();
    await tab.getByLabel('Advance by').fill('36h');
    await tab.getByRole('button', { name: 'Advance', exact: true }).click();
    await tab.waitForFunction((text) => document.querySelector('#now')?.textContent !== text, started);
    const { now, advanced_ms: advanced } = (await control('clock')).json();
    assert.equal(advanced, 36 * 3600 * 1000);
    assert.equal(await tab.locator('#now').textContent(), now);

    const faults = tab.getByRole('region', { name: 'Faults' });
    await faults.getByRole('button', { name: 'Add' }).click();
    await says('Choose a fault or enter a delay first');
    await faults.getByLabel('Fault', { exact: true }).selectOption('status(503)');
    await faults.getByLabel('time to live').fill('90s');
    await faults.getByRole('button', { name: 'Add' }).click();
    await faults.locator('#ttl', { hasText: 'end in' }).waitFor();
    assert.equal((await sandbox.ask(PEPS, { body: PERSON })).status, 503);
    await faults.getByRole('button', { name: 'Remove now' }).click();
    await faults.getByText('None: responses of this world are complete').waitFor();
    assert.equal((await sandbox.ask(PEPS, { body: PERSON })).status, 200);

    const queue = tab.getByRole('region', { name: 'Queue' });
    await queue.getByLabel('Endpoint').selectOption('v1.1/bank_account_data_requests');
    await queue.getByLabel('Outcome').selectOption('PENDING');
    await queue.getByRole('button', { name: 'Queue', exact: true }).click();
    await queue.getByText('PENDING v1.1/', { exact: false }).waitFor();

    await tab.getByRole('region', { name: 'Coverage' }).locator('h2', { hasText: /[1-9]\d* of \d+/ }).waitFor();

    await tab.getByRole('button', { name: 'Reset', exact: true }).click();
    await tab.getByRole('button', { name: 'Reset it' }).click();
    await says('The world is empty');
    await tab.waitForFunction((text) => document.querySelector('#now')?.textContent === text, started);
    assert.deepEqual((await control('next')).json().waiting, []);
    await tab.getByRole('link', { name: 'Requests' }).click();
    assert.equal((await control('requests')).json().matched, 0);
  }));
});

describe('eight tabs', () => {
  /** A way to the sandbox that counts the streams that are open. */
  async function counted(to) {
    const open = new Set();
    const server = createServer((asked, reply) => {
      const sent = request({ host: '127.0.0.1', port: new URL(to.url).port, path: asked.url, method: asked.method, headers: asked.headers }, (answer) => {
        reply.writeHead(answer.statusCode, answer.headers);
        answer.pipe(reply);
        if (!asked.url.startsWith('/__sandbox/events') || answer.statusCode !== 200) return;
        open.add(reply);
        most = Math.max(most, open.size);
        reply.on('close', () => {
          open.delete(reply);
          sent.destroy();
        });
      });
      sent.on('error', () => reply.destroy());
      asked.pipe(sent);
    });
    let most = 0;
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${server.address().port}`;
    const until = async (count) => {
      const began = Date.now();
      while (open.size !== count) {
        if (Date.now() - began > 40_000) throw new Error(`${open.size} streams are open, not ${count}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    return { ...to, url, page: `${url}/__sandbox/`, until, most: () => most, close: () => server.close() };
  }

  const see = (one, state) => one.evaluate((visibility) => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => visibility });
    document.dispatchEvent(new Event('visibilitychange'));
  }, state);
  const shows = (one, trace) => one.locator(`#requests-${trace}`).waitFor();
  const traces = (one) => one.evaluate(async () => (await import('./inspector/store.js')).store.entries.map((entry) => entry.trace));
  const journal = async (of) => (await of.ask('/__sandbox/requests?limit=1000')).json().requests.map((one) => one.trace);

  test('share one stream; it goes on when tabs are closed, frozen or crash, and ends when all are hidden', async () => {
    const own = await serve();
    const way = await counted(own);
    const tabs = [];
    try {
      for (let count = 0; count < 8; count += 1) tabs.push(await look(way));
      await way.until(1);
      assert.equal(way.most(), 1);
      const first = await own.magic(BANK, 'COMPLETED_FOUND');
      await Promise.all(tabs.map((one) => shows(one, first.trace)));

      await tabs.shift().close();
      await tabs.shift().goto('chrome://crash').catch(() => {});
      const frozen = tabs.shift();
      const session = await frozen.context().newCDPSession(frozen);
      await session.send('Page.setWebLifecycleState', { state: 'frozen' });
      await see(tabs[0], 'hidden');
      const [hidden, ...rest] = tabs;
      for (let count = 0; count < 30; count += 1) await own.magic(BANK, 'COMPLETED_FOUND');
      const last = await own.magic(BANK, 'COMPLETED_NOT_FOUND');
      await Promise.all(rest.map((one) => shows(one, last.trace)));
      assert.deepEqual(await traces(hidden), [first.trace], 'a hidden tab hears nothing');
      await see(hidden, 'visible');
      await shows(hidden, last.trace);
      const all = await journal(own);
      for (const one of tabs) assert.deepEqual(await traces(one), all, 'no gap, nothing twice');
      await session.send('Page.setWebLifecycleState', { state: 'active' });
      await shows(frozen, last.trace);
      assert.deepEqual(await traces(frozen), all);
      await way.until(1);
      assert.equal(way.most(), 1);

      for (const one of [...tabs, frozen]) await see(one, 'hidden');
      await way.until(0); // the crashed tab is missed by its silence
      const meanwhile = await own.magic(BANK, 'COMPLETED_FOUND');
      await see(hidden, 'visible');
      await shows(hidden, meanwhile.trace);
      assert.deepEqual(await traces(hidden), await journal(own));
      await way.until(1);
    } finally {
      for (const one of [...tabs]) await one.close();
      way.close();
      await own.stop();
    }
  });

  test('a restart of the sandbox leaves no entry of the former one in any tab', async () => {
    const former = await serve();
    const port = new URL(former.url).port;
    const tabs = [await look(former), await look(former)];
    try {
      const { trace } = await former.magic(BANK, 'COMPLETED_FOUND');
      await former.magic(BANK, 'PENDING');
      await Promise.all(tabs.map((one) => shows(one, trace)));
      await former.stop();
      await Promise.all(tabs.map((one) => one.locator('#live.off').waitFor()));
      const next = await serve('--port', port);
      try {
        const again = await next.magic(BANK, 'COMPLETED_NOT_FOUND');
        assert.equal(again.trace, trace, 'it counts from 1 again');
        for (const one of tabs) {
          await one.locator('#live.on').waitFor();
          await one.locator(`#requests-${trace}`, { hasText: 'COMPLETED_NOT_FOUND' }).waitFor();
          assert.deepEqual(await traces(one), [trace]);
        }
      } finally {
        await next.stop();
      }
    } finally {
      for (const one of tabs) await one.close();
    }
  });

  test('a tab without the token sees nothing of a tab that has it', async () => {
    const guarded = await serve('--control-token', 'open-sesame');
    const [admitted, other] = [await look(guarded, { ready: false }), await look(guarded, { ready: false })];
    try {
      await admitted.locator('#asked').fill('open-sesame');
      await admitted.getByRole('button', { name: 'Use it' }).click();
      await admitted.locator('#live.on').waitFor();
      const { trace } = await guarded.magic(BANK, 'COMPLETED_FOUND');
      await shows(admitted, trace);
      await other.locator('#asked').waitFor();
      await other.getByRole('link', { name: 'World', exact: true }).waitFor(); // navigation is there before any data
      assert.deepEqual(await traces(other), []);
      assert.equal(await other.locator('[role=option]').count(), 0);
      const wrong = await other.evaluate(async () => {
        const heard = [];
        const worker = new SharedWorker(new URL('inspector/feed.js', location.href), { type: 'module', name: 'iluma-sandbox 0.1.0' });
        worker.port.onmessage = ({ data }) => heard.push(data[0]);
        worker.port.postMessage({ events: new URL('events?world=all&backlog=10000', location.href).href, headers: {} });
        await new Promise((resolve) => {
          worker.port.addEventListener('message', ({ data }) => data[0] === 'closed' && resolve());
        });
        return heard;
      });
      assert.deepEqual(wrong, ['joined', 'closed']);
    } finally {
      await admitted.close();
      await other.close();
      await guarded.stop();
    }
  });

  test('without a shared worker, each visible tab has a stream of its own', async () => {
    const own = await serve();
    const way = await counted(own);
    const alone = await look(way, { before: () => delete globalThis.SharedWorker });
    try {
      await way.until(1);
      const { trace } = await own.magic(BANK, 'COMPLETED_FOUND');
      await shows(alone, trace);
      await see(alone, 'hidden');
      await way.until(0);
      const meanwhile = await own.magic(BANK, 'COMPLETED_FOUND');
      await see(alone, 'visible');
      await shows(alone, meanwhile.trace);
      assert.deepEqual(await traces(alone), await journal(own));
    } finally {
      await alone.close();
      way.close();
      await own.stop();
    }
  });
});

describe('the width', () => {
  /** What is wider than its place, or outside the screen. Long values in fields scroll in them. */
  const cut = () => tab.evaluate(() => {
    const found = [];
    if (document.documentElement.scrollWidth > document.documentElement.clientWidth) found.push('the page');
    for (const one of document.querySelectorAll('body *')) {
      if (one.closest('svg, input, select, option, textarea, .unseen, .skip, .graph, #says') || !one.checkVisibility() || !one.getClientRects().length) continue;
      const { left, right } = one.getBoundingClientRect();
      const isClipped = getComputedStyle(one).overflowX !== 'visible' && one.scrollWidth > one.clientWidth && one.clientWidth > 0;
      if (isClipped || left < -0.5 || right > innerWidth + 0.5) found.push(`${one.className || one.tagName}: ${one.textContent.slice(0, 60)}`);
    }
    return found;
  });

  for (const width of [400, 800, 1400]) {
    test(`nothing overflows or is cut at ${width} pixels`, async () => {
      writeFileSync(path.join(folder, 'own.toml'), 'extends = "v1.1/bank_account_data_requests"\n[outcomes.OWN_REVIEW]\nwhen = { "input.bank_account_number" = "7000000001" }\nbody.result = { is_found = true }\n');
      const receiver = createServer((asked, reply) => {
        asked.resume();
        reply.writeHead(answered++ ? 503 : 200).end('{"sorry": "down"}');
      });
      let answered = 0;
      await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
      try {
        await looking({ width, height: 900, expects: / 40[04] / }, async () => {
          await sandbox.ask('/v1/callback/urls', { body: { type: 'NAME_VALIDATOR_REQUEST', url: `http://127.0.0.1:${receiver.address().port}/callbacks/of/iluma` } });
          await sandbox.ask('/no/such/route');
          await sandbox.ask(PEPS, { body: {} });
          for (const outcome of ['FAILED_TEMPORARY_NETWORK_ERROR', 'PENDING_THEN_COMPLETED_NOT_FOUND', 'SERVICE_UNAVAILABLE_ERROR']) await sandbox.magic(BANK, outcome);
          await sandbox.ask(PEPS, { body: { ...PERSON, given_names: 'Eko Hadi Salimx', score_threshold: 99 } });
          await control('clock/advance', { body: { by: '1m' } });
          const { trace } = await sandbox.ask(BANK, { body: { bank_account_number: '7000000001', bank_code: 'BCA' } });
          await control('next', { body: { endpoint: BANK, outcome: 'PENDING_THEN_COMPLETED_NOT_FOUND', times: 3 } });
          await control('faults', { method: 'PUT', body: { faults: [{ endpoint: 'v1.1/bank_account_data_requests', fault: 'reset', probability: 0.01 }, { delay: 'uniform(100ms, 2s)', endpoint: 'v0/individual_cft_peps' }] } });
          await row(trace).waitFor();
          assert.deepEqual(await cut(), [], 'requests');
          for (const [hash, there] of [
            [`#/requests?trace=${trace}&open=1`, '.outcomes button'], ['#/callbacks', '#deliveries .one'], ['#/callbacks?delivery=dlv_1&open=1', '.attempts'],
            ['#/callbacks?tab=urls', '.card'], ['#/callbacks?tab=inbox', '.page h2'], ['#/scenarios', '.endpoints a'],
            ['#/scenarios?endpoint=v1.1%2Fbank_account_data_requests&open=1', '.table'], ['#/world', 'meter'],
          ]) {
            await tab.evaluate((to) => (location.hash = to), hash);
            await tab.locator(`main ${there}:visible`).first().waitFor();
            assert.deepEqual(await cut(), [], hash);
          }
          const isOneLine = async (one, other) => assert.ok(Math.abs((await one.boundingBox()).y - (await other.boundingBox()).y) < 12);
          await isOneLine(tab.getByRole('button', { name: 'Advance', exact: true }), tab.getByRole('button', { name: '+1d' }));
          await tab.evaluate(() => (location.hash = '#/callbacks?tab=urls'));
          const card = tab.getByRole('region', { name: 'NAME_VALIDATOR_REQUEST' });
          await isOneLine(card.getByRole('combobox'), card.getByRole('button', { name: 'Trigger' }));
        });
      } finally {
        receiver.close();
        rmSync(path.join(folder, 'own.toml'));
      }
    });
  }

  test('the column of worlds is there only with several worlds, and paths and outcomes are whole at 1400 pixels', () => looking({ width: 1400, expects: EXPLAINED_TOO_LATE }, async () => {
    const { trace } = await sandbox.magic(BANK, 'PENDING_THEN_COMPLETED_NOT_FOUND');
    await sandbox.ask('/no/such/route'); // it belongs to no world
    await row(trace).waitFor();
    if ((await control('worlds')).json().worlds.filter((one) => one.requests).length === 1) assert.equal(await row(trace).locator('.c-world').isVisible(), false);
    await tab.evaluate(() => (location.hash = '#/requests?q=pending'));
    assert.deepEqual(await cut(), []);
    const { api_key: key } = (await control('worlds', { body: { name: 'of the width', reset: true } })).json();
    const other = await sandbox.magic(BANK, 'PENDING_THEN_COMPLETED_NOT_FOUND', { key });
    await row(other.trace).locator('.c-world', { hasText: 'of the width' }).waitFor();
    assert.match(await row(other.trace).locator('.c-world').getAttribute('title'), /of the width · [0-9a-f]{8}$/, 'a long name is there as a whole');
    assert.deepEqual(await row(other.trace).locator('.c-outcome').evaluate((one) => one.scrollWidth <= one.clientWidth), true);
    await control('reset', { method: 'POST', key });
  }));
});

describe('the frame', () => {
  test('the documentation is linked, and can be read without a network', () => looking({}, async () => {
    await tab.getByRole('link', { name: 'Docs', exact: true }).click();
    await tab.getByRole('heading', { name: 'Getting started', level: 2 }).waitFor();
    await accessible('the book');
    await fitsTheScreen('the book');
    await tab.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Errors' }).click();
    await tab.getByRole('heading', { name: 'Errors', exact: true, level: 2 }).waitFor();
    await tab.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Inspector' }).click();
    await tab.getByRole('heading', { name: 'Inspector', exact: true, level: 2 }).waitFor();
    assert.doesNotMatch(await tab.locator('main').innerText(), /\]\(|^\||```|\*\*/m);
    await tab.getByRole('link', { name: 'control API', exact: true }).click();
    await tab.getByRole('heading', { name: 'GET /livez' }).waitFor();
    await tab.goto(sandbox.page);
    await tab.getByRole('link', { name: 'API', exact: true }).click();
    await tab.locator('#operation h2').waitFor();
  }));

  test('everything can be done by keyboard', () => looking({ hash: '#/requests' }, async () => {
    const traces = [];
    for (const outcome of ['COMPLETED_FOUND', 'COMPLETED_NOT_FOUND', 'PENDING']) traces.unshift((await sandbox.magic(BANK, outcome)).trace);
    const chosen = async (trace) => tab.locator(`#requests-${trace}[aria-selected=true]`).waitFor();
    await chosen(traces[0]);
    await tab.keyboard.press('j');
    await chosen(traces[1]);
    await tab.keyboard.press('k');
    await chosen(traces[0]);
    await tab.keyboard.press('Enter');
    await detail().getByRole('button', { name: 'Queue PENDING', exact: true }).waitFor();
    assert.equal(await tab.evaluate(() => document.activeElement.className), 'detail');
    await tab.keyboard.press('r');
    await says('Sent again: 200 PENDING');
    await tab.keyboard.press('/');
    await tab.keyboard.type('not_found');
    await tab.locator('#count', { hasText: '1 of' }).waitFor();
    await tab.keyboard.press('Enter');
    assert.equal(await tab.evaluate(() => document.activeElement.id), 'requests');
    await tab.keyboard.press('?');
    await tab.getByRole('dialog').getByText('send the request again', { exact: false }).waitFor();
    await tab.keyboard.press('Escape');
    await tab.getByRole('dialog').waitFor({ state: 'detached' });
    for (const [key, view] of [['2', 'callbacks'], ['3', 'scenarios'], ['4', 'world'], ['1', 'requests']]) {
      await tab.keyboard.press(key);
      await tab.waitForFunction((name) => document.querySelector('main').className === name, view);
    }
    await tab.evaluate(() => document.activeElement.blur());
    const reached = new Set();
    for (let count = 0; count < 40; count += 1) {
      await tab.keyboard.press('Tab');
      reached.add(await tab.evaluate(() => document.activeElement.id || document.activeElement.textContent || document.activeElement.getAttribute('aria-label')));
    }
    for (const name of ['Skip to the content', 'Requests', 'worlds', 'theme', 'filter', 'requests']) assert.ok(reached.has(name), `${name} is reached among ${[...reached]}`);
  }));

  test('at 400 pixels a list and its detail take turns, and nothing is cut off', () => looking({ width: 400, height: 700 }, async () => {
    const { trace } = await sandbox.ask(PEPS, { body: PERSON });
    await row(trace).click();
    await detail().getByRole('button', { name: 'Send again' }).waitFor();
    assert.equal(await tab.locator('#requests').isVisible(), false);
    await fitsTheScreen('detail');
    await tab.getByRole('button', { name: '← All requests' }).click();
    await row(trace).waitFor();
    for (const view of ['Callbacks', 'Scenarios', 'World', 'Requests']) {
      await tab.getByRole('link', { name: view, exact: true }).click();
      await tab.locator('main :is(.empty, .card, .endpoints a, .one):visible').first().waitFor();
      await fitsTheScreen(view);
    }
  }));

  test('at 400 pixels what says that there are new requests covers none of them', () => looking({ width: 400, height: 700 }, async () => {
    for (let at = 0; at < 30; at += 1) await sandbox.magic(BANK, 'COMPLETED_FOUND');
    await tab.waitForFunction(() => Number.parseInt(document.querySelector('#count').textContent) >= 30);
    await tab.locator('.rows:visible').evaluate((list) => (list.scrollTop = 300));
    await sandbox.magic(BANK, 'COMPLETED_FOUND');
    const told = tab.getByRole('button', { name: /new$/ });
    await told.waitFor();
    const [button, list] = [await told.boundingBox(), await tab.locator('.rows:visible').boundingBox()];
    assert.ok(button.y + button.height <= list.y, `${button.y} and ${button.height} in ${list.y}`);
    await told.click();
  }));

  for (const dark of [false, true]) {
    for (const width of [400, 1600]) {
      test(`an accessibility scan finds nothing serious: ${dark ? 'dark' : 'light'}, ${width} pixels`, () => looking({ dark, width, height: 800 }, async () => {
        await tab.getByRole('combobox', { name: 'World' }).selectOption((await control('setup')).json().world);
        await tab.locator('.empty .curl').first().waitFor();
        await accessible('empty');
        await sandbox.ask('/v1/callback/urls', { body: { type: 'NAME_VALIDATOR_REQUEST', url: `${sandbox.url}/__sandbox/inbox/seen` } });
        await sandbox.magic(BANK, 'PENDING_THEN_COMPLETED_FOUND; fault=malformed');
        await sandbox.magic(BANK, 'SERVER_ERROR');
        await sandbox.ask(PEPS, { body: {} });
        const { trace } = await sandbox.magic(BANK, 'COMPLETED_FOUND');
        await control('idle?wait=5s');
        await control('faults', { method: 'PUT', body: { faults: [{ fault: 'reset', probability: 0.1 }] } });
        await row(trace).click();
        await detail().getByRole('button', { name: 'Queue PENDING', exact: true }).waitFor();
        await accessible('requests');
        const go = (hash) => tab.evaluate((to) => (location.hash = to), hash);
        await go('#/callbacks?delivery=dlv_1&open=1');
        await detail().locator('.attempts').waitFor();
        await accessible('callbacks');
        await go('#/callbacks?tab=urls');
        await tab.locator('.card').first().waitFor();
        await accessible('URLs');
        await go('#/callbacks?tab=inbox');
        await tab.locator('.card').first().waitFor();
        await accessible('inbox');
        await go('#/scenarios?endpoint=v0%2Fid_card_verifications&open=1');
        await detail().locator('summary', { hasText: 'Try it' }).click();
        await detail().getByRole('button', { name: 'Send', exact: true }).waitFor();
        await accessible('scenarios');
        await go('#/world');
        await tab.locator('meter').waitFor();
        await accessible('world');
        await tab.keyboard.press('?');
        await accessible('keys');
      }));
    }
  }

  test('the theme is chosen by a button and kept', () => looking({}, async () => {
    const ground = () => tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await tab.locator('#theme').click();
    await tab.locator('#theme').click();
    assert.notEqual(await ground(), light);
    await tab.reload();
    await tab.locator('#live.on').waitFor();
    assert.notEqual(await ground(), light);
    await tab.locator('#theme').click();
    assert.equal(await ground(), light);
  }));

  test('of a long path the middle is cut off first', () => looking({ width: 1600 }, async () => {
    const { trace } = await sandbox.ask(`/v1.1/${'identity'.repeat(20)}/bank_account_data_requests`);
    const isCut = (element) => element.scrollWidth > element.clientWidth;
    const path = row(trace).locator('.c-path');
    assert.deepEqual(await path.locator('span').evaluateAll((all) => all.map((one) => one.textContent)), ['/v1.1', `/${'identity'.repeat(19)}id`, 'entity', '/bank_account_data_re', 'quests']);
    assert.equal(await path.locator('.tail').first().evaluate(isCut), false);
    assert.equal(await path.locator('.middle').first().evaluate(isCut), true);
    for (const end of await path.locator('.end').all()) assert.equal(await end.evaluate(isCut), false);
    assert.equal(await path.locator('span').first().evaluate(isCut), false);
    const pathOf = async (to) => row((await sandbox.ask(to)).trace).locator('.c-path').textContent();
    assert.equal(await pathOf(`${BANK}/bknv_0123456789abcdef01234567`), `${BANK}/bknv_0123456789abcdef01234567`, 'an id is nobody\'s number');
    assert.equal(await pathOf('/v1/fraud/phone_numbers/6281200001234/age'), '/v1/fraud/phone_numbers/••••••••/age');
  }));

  for (const width of [400, 900, 1600]) {
    test(`long paths that differ only at an end look different, and the chosen one is there as a whole: ${width} pixels`, () => looking({ width, height: 480 }, async () => {
      const paths = [
        `${BANK}/bknv_0123456789abcdef01234567`, `${BANK}/bknv_0123456789abcdef01234568`,
        `/v9/${'x'.repeat(150)}A`, `/v9/${'x'.repeat(150)}B`,
        `/v9/${'segment/'.repeat(14)}one/resource`, `/v9/${'segment/'.repeat(14)}two/resource`,
      ];
      const traces = [];
      for (const path of paths) traces.push((await sandbox.ask(path)).trace);
      const ends = [];
      for (const trace of traces) {
        const shown = row(trace).locator('.c-path .end');
        await shown.first().waitFor();
        ends.push(await shown.evaluateAll((all) => all.filter((part) => part.scrollWidth <= part.clientWidth).map((part) => part.textContent).join('…')));
      }
      assert.equal(new Set(ends).size, paths.length, ends.join(' '));
      await tab.locator('#requests').focus();
      await tab.keyboard.press('Home');
      for (const path of paths.toReversed()) {
        await tab.locator(`#requests-${traces[paths.indexOf(path)]}[aria-selected=true]`).waitFor();
        assert.ok(await tab.getByRole('option', { name: ` ${path} ` }).count(), 'a screen reader says it without a break');
        await tab.waitForFunction((text) => {
          const chosen = document.querySelector('#requests [aria-selected=true]');
          const [whole, rows] = [document.querySelector('.whole'), document.querySelector('#requests')];
          const isCut = [...chosen.querySelectorAll('.c-path *')].some((part) => part.scrollWidth > part.clientWidth);
          const isSeen = chosen.getBoundingClientRect().bottom <= rows.getBoundingClientRect().bottom + 1;
          return isSeen && (isCut ? whole.textContent === text && whole.clientHeight > 0 : whole.hidden);
        }, path);
        await fitsTheScreen(path);
        await tab.keyboard.press('ArrowDown');
      }
    }));
  }

  test('of a long URL of a callback the middle is cut off first', () => looking({ width: 400, height: 700 }, async () => {
    const url = `${sandbox.url}/__sandbox/inbox/${'mine'.repeat(14)}one`;
    await sandbox.ask('/v1/callback/urls', { body: { type: 'NAME_VALIDATOR_REQUEST', url } });
    await sandbox.magic(BANK, 'COMPLETED_FOUND');
    await control('idle?wait=5s');
    await tab.getByRole('link', { name: 'Callbacks', exact: true }).click();
    const shown = tab.locator('#deliveries .c-url');
    await shown.locator('.end', { hasText: 'ineone' }).waitFor();
    await tab.locator('#deliveries').focus();
    await tab.keyboard.press('j');
    await tab.locator('.whole', { hasText: url }).waitFor();
    assert.equal(await tab.getByRole('option', { name: url }).count(), 1);
  }));

  test('where there is a control token the page asks for it once', async () => {
    const guarded = await serve('--control-token', 'open-sesame');
    try {
      await looking({ at: guarded, ready: false, expects: / 401 / }, async () => {
        await tab.locator('#asked').fill('wrong');
        await tab.getByRole('button', { name: 'Use it' }).click();
        await tab.locator('#asked').fill('open-sesame');
        await tab.getByRole('button', { name: 'Use it' }).click();
        await tab.locator('#live.on').waitFor();
        const { trace } = await guarded.magic(BANK, 'COMPLETED_FOUND');
        await row(trace).click();
        await detail().getByRole('button', { name: 'Send again' }).click();
        await says('Sent again: 200');
        await tab.reload();
        await tab.locator('#live.on').waitFor();
        assert.equal(await tab.getByRole('dialog').count(), 0);
        assert.ok(!tab.url().includes('sesame'));
      });
    } finally {
      await guarded.stop();
    }
  });

  test('where only some keys are let in the page asks for one of them', async () => {
    const key = `iluma_development_${'q'.repeat(40)}`;
    const choosy = await serve('--api-key', key);
    try {
      await looking({ at: choosy, ready: false, expects: / 401 / }, async () => {
        await tab.locator('#asked').fill(key);
        await tab.getByRole('button', { name: 'Use it' }).click();
        await tab.locator('#live.on').waitFor();
        const { trace } = await choosy.magic(BANK, 'COMPLETED_FOUND', { key });
        await row(trace).click();
        await detail().getByRole('button', { name: 'Send again' }).click();
        await says('Sent again: 200');
        assert.ok(!(await tab.content()).includes('q'.repeat(20)));
      });
    } finally {
      await choosy.stop();
    }
  });

  for (const dark of [false, true]) {
    for (const width of [400, 1600]) {
      test(`the documents can be read by everybody: ${dark ? 'dark' : 'light'}, ${width} pixels`, () => looking({ page: 'docs', hash: `#api/post${BANK}`, ready: false, dark, width, height: 800 }, async () => {
        await tab.getByRole('button', { name: 'COMPLETED_FOUND', exact: true }).first().click();
        await tab.locator('#example').waitFor();
        await accessible('an operation');
        await fitsTheScreen('an operation');
        await tab.getByRole('button', { name: 'Control API' }).click();
        await tab.getByRole('heading', { name: 'GET /livez' }).waitFor();
        await accessible('the control API');
        await fitsTheScreen('the control API');
      }));
    }
  }

  test('the documents are searched and walked through by keyboard, and their curl gets the answer that they show', () => looking({ page: 'docs', ready: false }, async () => {
    await tab.locator('#operation h2').waitFor();
    await tab.keyboard.press('/');
    await tab.keyboard.type('v1.1 bank_account_number');
    await tab.keyboard.press('Enter');
    await tab.getByRole('heading', { name: `POST ${BANK}` }).waitFor();
    await tab.keyboard.press('Escape');
    await tab.getByRole('button', { name: 'COMPLETED_NOT_FOUND', exact: true }).click();
    const [curl, shown] = await tab.locator('#example pre').allTextContents();
    assert.match(curl, new RegExp(`^curl -X POST ${sandbox.url}${BANK} .*-H 'x-magic-reply: COMPLETED_NOT_FOUND'$`));
    const reply = (await sandbox.magic(BANK, 'COMPLETED_NOT_FOUND')).json();
    assert.deepEqual(Object.keys(JSON.parse(shown)), Object.keys(reply));
    assert.equal(JSON.parse(shown).status, reply.status);
    await tab.keyboard.press('k');
    await tab.waitForFunction((path) => !document.querySelector('#operation h2').textContent.includes(path), BANK);
  }));

  test('with --redact nothing personal is there to be shown, copied or sent', async () => {
    const redacting = await serve('--redact');
    try {
      await looking({ at: redacting }, async () => {
        const { trace } = await redacting.ask(BANK, { body: { bank_account_number: '7771234567', bank_code: 'BCA' } });
        await row(trace).click();
        await detail().getByText('redacted').waitFor();
        assert.equal(await detail().getByRole('button', { name: 'Copy as curl' }).isDisabled(), true);
        assert.equal(await detail().getByRole('button', { name: 'Send again' }).isDisabled(), true);
        assert.equal(await detail().getByRole('button', { name: 'Show personal fields' }).count(), 0);
        const shown = await tab.locator('body').textContent();
        assert.ok(shown.includes('"bank_account_number": "…"') && shown.includes('"BCA"'), shown);
        assert.ok(!shown.includes('7771234567'));
      });
    } finally {
      await redacting.stop();
    }
  });

  test('the documents are there where there is a control token', async () => {
    const guarded = await serve('--control-token', 'open-sesame');
    try {
      await looking({ at: guarded, page: 'docs', ready: false }, async () => {
        await tab.getByRole('button', { name: 'Control API' }).click();
        await tab.getByRole('heading', { name: 'GET /livez' }).waitFor();
      });
    } finally {
      await guarded.stop();
    }
  });

  test('when the sandbox is gone the page says so', async () => {
    const brief = await serve();
    await looking({ at: brief, expects: /ERR_/ }, async () => {
      const began = Date.now();
      await brief.stop();
      assert.ok(Date.now() - began < 3000, 'an open stream does not hold up the end');
      await tab.locator('#live.off', { hasText: 'not connected' }).waitFor();
    });
  });
});
