// Puts a binary into the package: `npm run bring-binary -- PATH [PLATFORM-ARCH]`, with Node's names
// (`linux-x64`, `darwin-arm64`, `win32-x64`). The default is this machine's.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const [binary, machine = `${process.platform}-${process.arch}`] = process.argv.slice(2);
if (binary === undefined || !/^[a-z0-9]+-[a-z0-9]+$/.test(machine)) {
  console.error('usage: npm run bring-binary -- PATH [PLATFORM-ARCH]');
  process.exit(2);
}
const name = machine.startsWith('win32-') ? 'iluma-sandbox.exe' : 'iluma-sandbox';
const folder = path.join(__dirname, '..', 'bin', machine);
fs.mkdirSync(folder, { recursive: true });
fs.copyFileSync(binary, path.join(folder, name));
fs.chmodSync(path.join(folder, name), 0o755);
console.log(`bin/${machine}/${name}`);
