// @ts-check
/** How a sandbox is found, started and ended. */

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as https from 'node:https';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { DOCUMENTED_API_KEY, SandboxError, connectSandbox, startSandbox } from 'iluma-sandbox';

import { BANK_PATH, account, ask } from './product.mjs';

const posix = process.platform === 'win32' ? { skip: 'needs the shell of POSIX' } : {};
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = fs.mkdtempSync(path.join(tmpdir(), 'iluma-sandbox-test-'));
after(() => fs.rmSync(folder, { recursive: true }));

const library = pathToFileURL(path.join(root, 'dist/index.js')).href;
const { findBinary } = createRequire(import.meta.url)('../dist/binary.js');

test('a sandbox answers until it is stopped', async () => {
  const sandbox = await startSandbox();
  assert.equal(sandbox.apiKey, DOCUMENTED_API_KEY);
  assert.deepEqual(await sandbox.control.call('GET', 'livez'), { status: 'alive' });
  await sandbox.stop();
  await assert.rejects(sandbox.control.call('GET', 'livez'), /does not answer: .*ECONNREFUSED/);
  await sandbox[Symbol.asyncDispose]();
});

test('seed, clock and scenarios are those that were asked for', async () => {
  const scenarios = path.join(folder, 'scenarios');
  fs.mkdirSync(path.join(scenarios, 'v9'), { recursive: true });
  const greetings = 'path = "/v9/greetings"\n[outcomes.HELLO]\ndefault = true\nbody = { said = "{{input.name}}" }\n';
  fs.writeFileSync(path.join(scenarios, 'v9', 'greetings.toml'), greetings);
  const [one, other] = await Promise.all([
    startSandbox({ seed: 7, clock: '2026-02-01T00:00:00Z', scenarios }),
    startSandbox(),
  ]);
  const [world, elsewhere] = await Promise.all([one.world('test'), other.world('test')]);
  assert.equal(await world.now(), '2026-02-01T00:00:00.000Z');
  assert.deepEqual((await ask(world, '/v9/greetings', { name: 'Contoh' })).json, { said: 'Contoh' });
  const ids = [world, elsewhere].map(async (each) => (await ask(each, BANK_PATH, account(1234567890))).json.id);
  assert.notEqual(await ids[0], await ids[1], 'another seed');
  await Promise.all([one.stop(), other.stop()]);
});

test('strict and other flags are passed on', async () => {
  const sandbox = await startSandbox({ strict: true, args: ['--api-key', DOCUMENTED_API_KEY] });
  const reply = await ask(await sandbox.world(), '/v1/credit/drawdowns', account(1234567890));
  assert.equal(reply.json.error_code, 'STRICT_MODE_ERROR');
  await sandbox.stop();
});

test('a sandbox speaks HTTPS to those who trust its authority', async () => {
  const sandbox = await startSandbox({ tls: true });
  assert.match(sandbox.url, /^https:/);
  const status = (/** @type {https.RequestOptions} */ options) =>
    new Promise((resolve, reject) => {
      const asked = https.get(`${sandbox.url}/health`, { agent: false, ...options }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      asked.on('error', reject);
    });
  assert.equal(await status({ ca: sandbox.caPem }), 200);
  await assert.rejects(status({}), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  const world = await sandbox.world();
  assert.equal((await world.requests()).length, 0);
  const again = await connectSandbox(sandbox.url, { caPem: sandbox.caPem });
  assert.equal(again.callbackToken, sandbox.callbackToken);
  await sandbox.stop();
});

test('a sandbox that does not start says why', async () => {
  const broken = path.join(folder, 'broken');
  fs.mkdirSync(broken);
  fs.writeFileSync(path.join(broken, 'broken.toml'), 'path = 7\n');
  await assert.rejects(startSandbox({ scenarios: [broken] }), /exit code 2[^]*broken.toml[^]*correct the scenario files/);
  const sandbox = await startSandbox();
  const port = Number(new URL(sandbox.url).port);
  await assert.rejects(startSandbox({ port }), new RegExp(`exit code 1[^]*${port}`));
  await sandbox.stop();
});

test('a log is written at the end of a file', async () => {
  const logFile = path.join(folder, 'sandbox.log');
  fs.writeFileSync(logFile, 'before\n');
  const sandbox = await startSandbox({ logFormat: 'json', logFile });
  await ask(await sandbox.world(), BANK_PATH, account(1234567890));
  await sandbox.stop();
  assert.match(fs.readFileSync(logFile, 'utf8'), /^before\n\{[^]*"message":"answered"/);
});

test('a running sandbox is shared and left alone', async () => {
  const sandbox = await startSandbox();
  const same = await connectSandbox(`${sandbox.url}/`);
  assert.deepEqual([same.pid, same.callbackToken], [undefined, sandbox.callbackToken]);
  const world = await same.world('shared');
  assert.equal((await ask(world, BANK_PATH, account(1234567890))).status, 200);
  await same.stop();
  assert.deepEqual(await sandbox.control.call('GET', 'livez'), { status: 'alive' });
  await sandbox.stop();
});

test('the environment says which sandbox is connected to, as it does for the commands', async (t) => {
  const sandbox = await startSandbox({ args: ['--control-token', 'secret-of-the-tests'] });
  const named = { ILUMA_SANDBOX_URL: sandbox.url, ILUMA_SANDBOX_CONTROL_TOKEN: 'secret-of-the-tests' };
  environment(t, { ...named, ILUMA_BASE_URL: 'https://api.iluma.ai', ILUMA_SANDBOX_API_KEY: '' });
  const same = await connectSandbox();
  assert.deepEqual([same.url, same.callbackToken], [sandbox.url, sandbox.callbackToken]);
  assert.deepEqual(await (await same.world('by environment')).requests(), []);
  await assert.rejects(connectSandbox(undefined, { controlToken: 'another' }), {
    name: 'SandboxError',
    error: 'wrong_control_token',
    message: /\. Set ILUMA_SANDBOX_CONTROL_TOKEN, or pass `controlToken`$/,
  });
  process.env.ILUMA_SANDBOX_CONTROL_TOKEN = '';
  await assert.rejects(connectSandbox(), {
    error: 'control_token_required',
    status: 401,
    message: /\. Set ILUMA_SANDBOX_CONTROL_TOKEN, or pass `controlToken`$/,
  });
  process.env.ILUMA_SANDBOX_URL = '';
  await assert.rejects(connectSandbox(), {
    name: 'SandboxError',
    message: 'no URL of a sandbox: set ILUMA_SANDBOX_URL, or pass `url`',
  });
  const misplaced = /** @type {any} */ ({ controlToken: 'x' });
  await assert.rejects(connectSandbox(misplaced), { name: 'TypeError', message: /connectSandbox\(url, options\)/ });
  await sandbox.stop();
});

test('a sandbox that asks for a control token gets it', async () => {
  const sandbox = await startSandbox({ args: ['--control-token', 'secret-of-the-tests'] });
  const world = await sandbox.world('guarded');
  await world.verify({ exactly: 0 });
  assert.deepEqual(await world.inbox().received(), []);
  await world.end();
  await assert.rejects(connectSandbox(sandbox.url), (refused) => {
    assert(refused instanceof SandboxError);
    assert.deepEqual([refused.status, refused.error], [401, 'control_token_required']);
    return true;
  });
  const same = await connectSandbox(sandbox.url, { controlToken: 'secret-of-the-tests' });
  assert.deepEqual(await (await same.world('too')).requests(), []);
  await sandbox.stop();
});

test('a binary that is named is that one or an error', posix, (t) => {
  const mine = program(path.join(folder, 'my-sandbox'));
  environment(t, { ILUMA_SANDBOX_BIN: mine });
  assert.equal(findBinary(), mine);
  assert.equal(findBinary('node'), execFileSync('sh', ['-c', 'command -v node']).toString().trim());
  assert.throws(() => findBinary('/nowhere'), { message: '`binary` says `/nowhere`, and no program is there' });
  process.env.ILUMA_SANDBOX_BIN = '/nowhere';
  assert.throws(() => findBinary(), /`ILUMA_SANDBOX_BIN` says `\/nowhere`/);
});

test('a binary is found in the package of the machine, then on PATH, else the error says what to do', posix, (t) => {
  // A copy of the package, in which the package of the machine can be installed.
  const copy = path.join(folder, 'copy');
  fs.cpSync(path.join(root, 'dist'), path.join(copy, 'dist'), { recursive: true });
  fs.copyFileSync(path.join(root, 'package.json'), path.join(copy, 'package.json'));
  const { findBinary: find } = createRequire(import.meta.url)(path.join(copy, 'dist/binary.js'));
  const onPath = path.join(folder, 'path');
  const launchers = path.join(folder, 'node_modules', '.bin');
  fs.mkdirSync(launchers, { recursive: true });
  fs.symlinkSync(path.join(copy, 'dist', 'cli.js'), path.join(launchers, 'iluma-sandbox'));
  environment(t, { ILUMA_SANDBOX_BIN: '', PATH: `${launchers}:${onPath}` });
  assert.throws(() => find(), {
    message:
      'no `iluma-sandbox` found: this package was not made by a release, so it has none, and none is on PATH; ' +
      'put one on PATH, or name one with `binary` or `ILUMA_SANDBOX_BIN`',
  });
  const other = program(path.join(onPath, 'iluma-sandbox'));
  assert.equal(find(), other, 'and not the launcher before it');
  const installed = path.join(copy, 'node_modules', `iluma-sandbox-${process.platform}-${process.arch}`);
  const packaged = program(path.join(installed, 'bin', 'iluma-sandbox'));
  fs.writeFileSync(path.join(installed, 'package.json'), '{}');
  assert.equal(find(), packaged);
});

test('what is no sandbox is told so', posix, async () => {
  await assert.rejects(startSandbox({ binary: 'true' }), /the sandbox did not start, exit code 0/);
  const text = program(path.join(folder, 'text'), '#!/nowhere\n');
  await assert.rejects(startSandbox({ binary: text }), (error) => {
    assert(error instanceof SandboxError);
    return /cannot start .*text/.test(error.message);
  });
});

test('the sandbox goes when the test process is killed', async () => {
  // Its stderr is this pipe: it closes when both the test process and the sandbox have gone.
  const script =
    `import { startSandbox } from ${JSON.stringify(library)};\n` +
    "const sandbox = await startSandbox({ logFormat: 'pretty' });\n" +
    'console.log(sandbox.url);\n' +
    'setInterval(() => {}, 60_000);\n';
  const testProcess = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  testProcess.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  const { value: url } = await createInterface(testProcess.stdout)[Symbol.asyncIterator]().next();
  assert(url, said);
  testProcess.stdout.resume();
  const { control } = await connectSandbox(url);
  assert.deepEqual(await control.call('GET', 'livez'), { status: 'alive' });
  testProcess.kill('SIGKILL');
  await once(testProcess, 'close', { signal: AbortSignal.timeout(10_000) });
  await assert.rejects(control.call('GET', 'livez'), /does not answer/);
});

test('a sandbox that was not stopped keeps no process from ending', async () => {
  const script =
    `import { startSandbox } from ${JSON.stringify(library)};\n` +
    'const sandbox = await startSandbox();\n' +
    "await sandbox.control.call('GET', 'livez');\n";
  const forgetful = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'inherit' });
  const [code] = await once(forgetful, 'exit', { signal: AbortSignal.timeout(20_000) });
  assert.equal(code, 0);
});

test('npx runs the binary', posix, () => {
  const version = execFileSync(process.execPath, [path.join(root, 'dist/cli.js'), '--version']).toString();
  const cargo = fs.readFileSync(path.join(root, '../../Cargo.toml'), 'utf8');
  assert.equal(version, `iluma-sandbox ${/^version = "(.*)"/m.exec(cargo)?.[1]}\n`);
});

test('the package has the version of the sandbox', () => {
  const cargo = fs.readFileSync(path.join(root, '../../Cargo.toml'), 'utf8');
  const { version } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  assert.equal(version, /^version = "(.*)"/m.exec(cargo)?.[1]);
});

test('the examples of the README are those that are tested', () => {
  const readme = fs.readFileSync(path.join(root, 'README.md'), 'utf8');
  const examples = [...readme.matchAll(/```js\n([^]*?)```/g)].map(([, example]) => example);
  const tested = ['test/readme.test.mjs', 'test-vitest/world.test.mjs', 'test-jest/world.test.js'];
  tested.forEach((file, nth) => {
    const text = fs.readFileSync(path.join(root, file), 'utf8');
    assert(text.startsWith(String(examples[nth])), `${file} does not begin as the README has it`);
  });
  const script = String(examples[3]).replace("'iluma-sandbox'", JSON.stringify(library));
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', script]).toString();
  assert.match(printed, /^http:\/\/127.0.0.1:\d+ iluma_development_\w+ \w+\n$/);
});

/** @param {string} file @param {string} [text] */
function program(file, text = '#!/bin/sh\n') {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text, { mode: 0o755 });
  return file;
}

/**
 * Sets variables until the test ends.
 * @param {Pick<import('node:test').TestContext, 'after'>} t
 * @param {Record<string, string>} variables
 */
function environment(t, variables) {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  t.after(() => {
    process.env = before;
  });
}
