// Makes the packages of a release: `npm run --silent pack-release -- OUT PLATFORM-ARCH=BINARY…`, with Node's names
// (`linux-x64`, `darwin-arm64`, `win32-x64`). One package has the code, and each binary has a package of its own. npm
// installs only the one whose `os` and `cpu` are those of the machine, because they are optional dependencies.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const root = path.join(__dirname, '..');
const [out = '', ...pairs] = process.argv.slice(2);
const binaries = pairs.flatMap((pair) => [...pair.matchAll(/^([a-z0-9]+)-([a-z0-9]+)=(.+)$/g)]);
if (out === '' || pairs.length === 0 || binaries.length !== pairs.length) {
  console.error('usage: npm run --silent pack-release -- OUT PLATFORM-ARCH=BINARY…');
  process.exit(2);
}

const main = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
const { version, license } = main;
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'iluma-sandbox-pack-'));
try {
  const names = binaries.map(([, platform = '', arch = '', binary = '']) => packBinary(platform, arch, path.resolve(binary)));
  packMain(Object.fromEntries(names.map((name) => [name, version])));
} finally {
  fs.rmSync(work, { recursive: true });
}

/**
 * Packs the binary of a platform, and returns the name of its package.
 * @param {string} platform
 * @param {string} arch
 * @param {string} binary
 */
function packBinary(platform, arch, binary) {
  const name = `${main.name}-${platform}-${arch}`;
  const folder = path.join(work, name);
  const program = path.join(folder, 'bin', platform === 'win32' ? 'iluma-sandbox.exe' : 'iluma-sandbox');
  fs.mkdirSync(path.dirname(program), { recursive: true });
  fs.copyFileSync(binary, program);
  fs.chmodSync(program, 0o755);
  const description = `The binary of iluma-sandbox for ${platform} on ${arch}`;
  // Windows on arm64 runs programs for x64. The binary for Linux is static, so there is no `libc`.
  const cpu = platform === 'win32' && arch === 'x64' ? ['x64', 'arm64'] : [arch];
  // Yarn must unpack it, because a program in an archive cannot be run.
  const manifest = { name, version, description, license, os: [platform], cpu, preferUnplugged: true };
  fs.writeFileSync(path.join(folder, 'README.md'), `# ${name}\n\n${description}. Install \`${main.name}\` instead.\n`);
  pack(folder, manifest);
  return name;
}

/** @param {Record<string, string>} optionalDependencies */
function packMain(optionalDependencies) {
  const folder = path.join(work, main.name);
  fs.cpSync(path.join(root, 'dist'), path.join(folder, 'dist'), { recursive: true });
  fs.copyFileSync(path.join(root, 'README.md'), path.join(folder, 'README.md'));
  const { scripts, devDependencies, overrides, jest, ...published } = main;
  pack(folder, { ...published, optionalDependencies });
}

/**
 * @param {string} folder
 * @param {object} manifest
 */
function pack(folder, manifest) {
  fs.writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  fs.copyFileSync(path.join(root, '..', '..', 'LICENSE'), path.join(folder, 'LICENSE'));
  fs.mkdirSync(out, { recursive: true });
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const options = ['pack', '--silent', '--ignore-scripts', '--pack-destination', path.resolve(out)];
  process.stdout.write(execFileSync(npm, options, { cwd: folder, encoding: 'utf8', shell: process.platform === 'win32' }));
}
