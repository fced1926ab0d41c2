// @ts-check
/** Installs the packages of a release, with npm, from a registry of its own: `PACKAGES=FOLDER node --test`. */

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

const packages = process.env.PACKAGES ?? assert.fail('PACKAGES names the folder of the packages');
const binary = process.env.ILUMA_SANDBOX_BIN ?? assert.fail('ILUMA_SANDBOX_BIN names a sandbox');
const work = fs.mkdtempSync(path.join(tmpdir(), 'iluma-sandbox-packages-'));
after(() => fs.rmSync(work, { recursive: true }));

const own = `iluma-sandbox-${process.platform}-${process.arch}`;
const manifests = fs.readdirSync(packages).map((file) => {
  const text = execFileSync('tar', ['-xOzf', path.join(packages, file), 'package/package.json'], { encoding: 'utf8' });
  return { ...JSON.parse(text), file };
});
const main = manifests.find(({ name }) => name === 'iluma-sandbox') ?? assert.fail('there is no main package');

const registry = createServer((request, response) => {
  const name = decodeURIComponent((request.url ?? '/').slice(1));
  const { file, ...manifest } = manifests.find((each) => each.name === name || each.file === name) ?? {};
  if (file === undefined) {
    response.writeHead(404).end('{}');
  } else if (file === name) {
    response.end(fs.readFileSync(path.join(packages, file)));
  } else {
    const version = { ...manifest, dist: { tarball: `${url}/${file}` } };
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({ name, 'dist-tags': { latest: manifest.version }, versions: { [manifest.version]: version } }),
    );
  }
});
/** @type {string} */
let url;
before(async () => {
  await new Promise((listening) => registry.listen(0, '127.0.0.1', () => listening(undefined)));
  const address = registry.address();
  assert(address !== null && typeof address === 'object');
  url = `http://127.0.0.1:${address.port}`;
});
after(() => registry.close());

let projects = 0;
/** A project in which the package is installed with these options. */
async function install(/** @type {string[]} */ ...options) {
  projects += 1;
  const project = path.join(work, `project-${projects}`);
  fs.mkdirSync(project);
  fs.writeFileSync(path.join(project, 'package.json'), '{}');
  const given = ['--registry', url, '--cache', path.join(work, 'cache'), '--no-audit', '--no-fund', ...options];
  await promisify(execFile)('npm', ['install', ...given, 'iluma-sandbox'], { cwd: project });
  const installed = fs.readdirSync(path.join(project, 'node_modules')).filter((name) => !name.startsWith('.'));
  return { project, installed };
}

/** Runs a program of Node in a project; without a binary on PATH. */
function node(/** @type {string} */ project, /** @type {string} */ script, environment = {}) {
  return promisify(execFile)(process.execPath, ['--eval', script], {
    cwd: project,
    env: { PATH: '/usr/bin:/bin', ...environment },
  });
}

const FIND = "process.stdout.write(require('./node_modules/iluma-sandbox/dist/binary.js').findBinary())";
/** The same on another machine. */
const on = (/** @type {string} */ platform, /** @type {string} */ arch) =>
  `Object.defineProperty(process, 'platform', { value: '${platform}' });` +
  `Object.defineProperty(process, 'arch', { value: '${arch}' });${FIND}`;

test('the main package has no binary and names those that have one, in its own version', () => {
  const names = manifests.filter((each) => each !== main).map(({ name }) => name);
  assert.deepEqual(Object.keys(main.optionalDependencies).sort(), names.sort());
  for (const each of manifests) {
    assert.equal(each.version, main.version);
    assert.equal(each.libc, undefined, 'the binary is static');
    assert.equal(each.scripts, undefined, 'nothing is run or downloaded when it is installed');
  }
  for (const version of Object.values(main.optionalDependencies)) {
    assert.equal(version, main.version, 'not a range');
  }
  const files = execFileSync('tar', ['-tzf', path.join(packages, main.file)], { encoding: 'utf8' });
  assert.doesNotMatch(files, /\/bin\//);
});

test('npm installs the binary of this machine and no other, and it runs', async () => {
  const { project, installed } = await install();
  assert.deepEqual(installed.sort(), ['iluma-sandbox', own]);
  const { stdout } = await promisify(execFile)('npx', ['--no-install', 'iluma-sandbox', '--version'], { cwd: project });
  assert.equal(stdout, `iluma-sandbox ${main.version}\n`);
  const script =
    "const { startSandbox } = require('iluma-sandbox');" +
    '(async () => { const sandbox = await startSandbox();' +
    "console.log((await sandbox.world('packaged')).name); await sandbox.stop(); })()";
  assert.equal((await node(project, script)).stdout, 'packaged\n');
});

test('each platform gets its binary, and Windows on arm64 the one for x64', async () => {
  for (const machine of ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64', 'win32-arm64']) {
    const [os = '', cpu = ''] = machine.split('-');
    const { project, installed } = await install(`--os=${os}`, `--cpu=${cpu}`, '--libc=musl');
    const name = `iluma-sandbox-${machine === 'win32-arm64' ? 'win32-x64' : machine}`;
    assert.deepEqual(installed.sort(), ['iluma-sandbox', name], machine);
    const program = os === 'win32' ? 'iluma-sandbox.exe' : 'iluma-sandbox';
    const found = path.join(project, 'node_modules', name, 'bin', program);
    assert.equal((await node(project, on(os, cpu))).stdout, fs.realpathSync(found), machine);
  }
});

test('without the package of the machine, the error names it and says what to do, and `ILUMA_SANDBOX_BIN` helps', async () => {
  const { project, installed } = await install('--omit=optional');
  assert.deepEqual(installed, ['iluma-sandbox']);
  const message =
    `no \`iluma-sandbox\` found: the package \`${own}\` is not installed (it is an optional dependency: install again on ` +
    'this machine, without `--omit=optional` and `--no-optional`), and none is on PATH; put one on PATH, or name one ' +
    'with `binary` or `ILUMA_SANDBOX_BIN`';
  const cli = [path.join(project, 'node_modules/iluma-sandbox/dist/cli.js'), '--version'];
  const run = (/** @type {Record<string, string>} */ env) =>
    promisify(execFile)(process.execPath, cli, { env: { PATH: '/usr/bin:/bin', ...env } });
  await assert.rejects(run({}), { code: 1, stderr: `iluma-sandbox: ${message}\n` });
  assert.equal((await run({ ILUMA_SANDBOX_BIN: binary })).stdout, `iluma-sandbox ${main.version}\n`);
  assert.equal((await run({ PATH: path.dirname(binary) })).stdout, `iluma-sandbox ${main.version}\n`);
});

test('node_modules of another machine is such an error too', async () => {
  const { project } = await install('--os=darwin', '--cpu=arm64');
  await assert.rejects(node(project, FIND), (/** @type {{stderr: string}} */ error) => {
    assert(error.stderr.includes(`the package \`${own}\` is not installed`), error.stderr);
    return true;
  });
});

test('a machine without a package is told so', async () => {
  const { project, installed } = await install('--os=freebsd', '--cpu=x64');
  assert.deepEqual(installed, ['iluma-sandbox']);
  await assert.rejects(node(project, on('freebsd', 'x64')), (/** @type {{stderr: string}} */ error) => {
    assert(error.stderr.includes('there is no package with a binary for freebsd on x64'), error.stderr);
    return true;
  });
});
