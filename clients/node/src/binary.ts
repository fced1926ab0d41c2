/** Finds the sandbox's binary. */

import * as fs from 'node:fs';
import * as path from 'node:path';

import { SandboxError } from './errors.js';

const NAME = process.platform === 'win32' ? 'iluma-sandbox.exe' : 'iluma-sandbox';

/** The package with this machine's binary. Windows on arm64 runs the one for x64. */
const PACKAGE = `iluma-sandbox-${process.platform}-${process.platform === 'win32' ? 'x64' : process.arch}`;

/**
 * The first of these: the given binary, `ILUMA_SANDBOX_BIN`, the binary of this machine's package, the one on PATH.
 * If a given binary does not exist, that is an error; no other is used.
 */
export function findBinary(binary?: string): string {
  for (const [named, how] of [
    [binary, '`binary`'],
    [process.env.ILUMA_SANDBOX_BIN, '`ILUMA_SANDBOX_BIN`'],
  ] as const) {
    if (named) {
      const isName = path.basename(named) === named;
      const found = isName ? onPath(named) : [path.resolve(named)].find(isProgram);
      if (found === undefined) {
        throw new SandboxError(`${how} says \`${named}\`, and no program is there`);
      }
      return found;
    }
  }
  const found = packaged() ?? onPath(NAME);
  if (found === undefined) {
    throw new SandboxError(
      `no \`${NAME}\` found: ${whyNotPackaged()}, and none is on PATH; put one on PATH, or name one with ` +
        '`binary` or `ILUMA_SANDBOX_BIN`',
    );
  }
  return found;
}

function packaged(): string | undefined {
  try {
    const binary = path.join(path.dirname(require.resolve(`${PACKAGE}/package.json`)), 'bin', NAME);
    return isProgram(binary) ? binary : undefined;
  } catch {
    return undefined;
  }
}

/** A released package names the packages with binaries as optional dependencies. */
function whyNotPackaged(): string {
  const manifest = JSON.parse(fs.readFileSync(path.join(__dirname, '..', 'package.json'), 'utf8')) as {
    optionalDependencies?: Record<string, string>;
  };
  const binaries = manifest.optionalDependencies;
  if (binaries === undefined) {
    return 'this package was not made by a release, so it has none';
  }
  if (!(PACKAGE in binaries)) {
    return `there is no package with a binary for ${process.platform} on ${process.arch}`;
  }
  return (
    `the package \`${PACKAGE}\` is not installed (it is an optional dependency: install again on this machine, without ` +
    '`--omit=optional` and `--no-optional`)'
  );
}

function onPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter(Boolean);
  return folders.map((folder) => path.join(folder, name)).find(isProgram);
}

function isProgram(candidate: string): boolean {
  try {
    fs.accessSync(candidate, fs.constants.X_OK);
    // npm installs a launcher under this name. The launcher looks for the binary itself, so it is not the binary.
    const real = fs.realpathSync(candidate);
    return fs.statSync(real).isFile() && !real.endsWith('.js');
  } catch {
    return false;
  }
}
