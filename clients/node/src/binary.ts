/** Finds the sandbox's binary. */

import * as fs from 'node:fs';
import * as path from 'node:path';

import { SandboxError } from './errors.js';

const NAME = process.platform === 'win32' ? 'iluma-sandbox.exe' : 'iluma-sandbox';

/** The place of this machine's binary in this package. */
export const PACKAGED = path.join(__dirname, '..', 'bin', `${process.platform}-${process.arch}`, NAME);

/**
 * The first of these: the given binary, `ILUMA_SANDBOX_BIN`, the binary in this package, the one on PATH.
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
  const found = isProgram(PACKAGED) ? PACKAGED : onPath(NAME);
  if (found === undefined) {
    throw new SandboxError(
      `no \`${NAME}\` found: it is neither in this package (${PACKAGED}) nor on PATH; ` +
        'install it (`cargo install --path .` in its repository), or name one with `binary` or `ILUMA_SANDBOX_BIN`',
    );
  }
  return found;
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
