/** What the helpers for test runners share: a sandbox that starts when it is first needed, and worlds by name. */

import { startSandbox, type Sandbox, type SandboxOptions } from './sandbox.js';
import type { World } from './world.js';

/** What the sandbox takes as the name of a world. */
const NAME_MAX = 200;

/** How to start the sandbox of a test file, or what gives it: `() => connectSandbox(url)`. */
export type SandboxSource = SandboxOptions | (() => Promise<Sandbox>);

export class Fixture {
  readonly #source: SandboxSource;
  #sandbox: Promise<Sandbox> | undefined;
  readonly #names = new Set<string>();

  constructor(source: SandboxSource) {
    this.#source = source;
  }

  sandbox(): Promise<Sandbox> {
    this.#sandbox ??= typeof this.#source === 'function' ? this.#source() : startSandbox(this.#source);
    return this.#sandbox;
  }

  /** A fresh world; where tests of the same name run at once, the second is `name (2)`. */
  async world(name: string): Promise<World> {
    // No two blanks or control characters from template literals, and not too long.
    const characters = [...name.replace(/[\s\p{Cc}]+/gu, ' ').trim()];
    const plain = characters.slice(0, NAME_MAX - 10).join('') || 'unnamed';
    let free = plain;
    for (let nth = 2; this.#names.has(free); nth += 1) {
      free = `${plain} (${nth})`;
    }
    this.#names.add(free);
    // What an earlier run may have left on a sandbox that stayed is emptied.
    return (await this.sandbox()).world(free, { reset: true });
  }

  async end(world: World): Promise<void> {
    await world.end();
    this.#names.delete(world.name);
  }

  async stop(): Promise<void> {
    // One that did not start has told the test that wanted it.
    const sandbox = await this.#sandbox?.catch(() => undefined);
    await sandbox?.stop();
  }
}
