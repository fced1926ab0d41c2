/** Common code for the test runners: a sandbox that starts when it is first needed, and worlds by name. */

import { checkNames, names } from './options.js';
import { checkStartOptions, startSandbox, type Sandbox, type SandboxOptions } from './sandbox.js';
import type { World } from './world.js';

/** The maximum length of a world's name. */
const NAME_MAX = 200;

/** How to start the sandbox of a test file, or a function that returns it: `() => connectSandbox()`. */
export type SandboxSource = SandboxOptions | (() => Promise<Sandbox>);

export interface FixtureOptions {
  /** Lets a test fail that leaves something unused in its world, as `world.verifyUsed` says. The default is false. */
  failOnUnused?: boolean;
}

const OPTIONS = names<FixtureOptions>({ failOnUnused: true });

/** Refuses unknown options. */
export function checkFixture(source: SandboxSource, options: FixtureOptions): void {
  if (typeof source !== 'function') {
    checkStartOptions(source);
  }
  checkNames('the options of the fixture', options, OPTIONS);
}

export class Fixture {
  readonly #source: SandboxSource;
  readonly #failOnUnused: boolean;
  #sandbox: Promise<Sandbox> | undefined;
  readonly #names = new Set<string>();

  constructor(source: SandboxSource, options: FixtureOptions) {
    checkFixture(source, options);
    this.#source = source;
    this.#failOnUnused = options.failOnUnused ?? false;
  }

  sandbox(): Promise<Sandbox> {
    this.#sandbox ??= typeof this.#source === 'function' ? this.#source() : startSandbox(this.#source);
    return this.#sandbox;
  }

  /** A fresh world. If tests with the same name run at the same time, the second is `name (2)`. */
  async world(name: string): Promise<World> {
    // No two blanks or control characters from template literals, and not too long.
    const characters = [...name.replace(/[\s\p{Cc}]+/gu, ' ').trim()];
    const plain = characters.slice(0, NAME_MAX - 10).join('') || 'unnamed';
    let free = plain;
    for (let nth = 2; this.#names.has(free); nth += 1) {
      free = `${plain} (${nth})`;
    }
    this.#names.add(free);
    // If the sandbox has kept this world from an earlier run, it is emptied.
    return (await this.sandbox()).world(free, { reset: true });
  }

  /**
   * Ends the world of a test. If the test has failed, resolves to the summary of the world. Else rejects if the world has
   * something unused, and the suite wants that.
   */
  async end(world: World, hasFailed: boolean): Promise<string | undefined> {
    try {
      if (hasFailed) {
        return await world.summary().catch(String);
      }
      if (this.#failOnUnused) {
        await world.verifyUsed();
      }
      return undefined;
    } finally {
      await world.end();
      this.#names.delete(world.name);
    }
  }

  async stop(): Promise<void> {
    // If it did not start, the test that needed it has the error.
    const sandbox = await this.#sandbox?.catch(() => undefined);
    await sandbox?.stop();
  }
}
