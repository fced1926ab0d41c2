/** For Jest: one sandbox for each file, one world for each test. */

import { afterAll, afterEach, expect } from '@jest/globals';

import { Fixture, type FixtureOptions, type SandboxSource } from './fixture.js';
import type { Sandbox } from './sandbox.js';
import type { World } from './world.js';

export interface SandboxOfFile {
  /** The sandbox of the file. It starts when it is first used. */
  sandbox(): Promise<Sandbox>;
  /**
   * The world of the test. It ends with the test and has the name of the test, so ids are the same in every run.
   *
   * In `test.concurrent`, Jest does not tell which test is running: give the world a name there. It then lives as
   * long as the sandbox of the file.
   */
  world(name?: string): Promise<World>;
}

/**
 * Whether the current test has failed so far. Jest tells this only to its own modules, so this looks into the state of its
 * runner. If there is none, nothing is printed.
 */
function testHasFailed(): boolean {
  const symbol = Object.getOwnPropertySymbols(globalThis).find(({ description }) => description === 'JEST_STATE_SYMBOL');
  const state = symbol && (globalThis as unknown as Record<symbol, JestState | undefined>)[symbol];
  return (state?.currentlyRunningTest?.errors?.length ?? 0) > 0;
}

interface JestState {
  currentlyRunningTest?: { errors?: unknown[] } | null;
}

/** Call it at the top of a file or of a `describe`. The sandbox stops after the last test in it. */
export function useSandbox(source: SandboxSource = {}, options: FixtureOptions = {}): SandboxOfFile {
  const fixture = new Fixture(source, options);
  const worlds = new Set<World>();
  afterEach(async () => {
    const ended = [...worlds];
    worlds.clear();
    const hasFailed = testHasFailed();
    const summaries = await Promise.all(ended.map((world) => fixture.end(world, hasFailed)));
    for (const summary of summaries) {
      if (summary !== undefined) {
        process.stderr.write(`${expect.getState().currentTestName}\n${summary}`); // `console` would add a stack trace
      }
    }
  });
  afterAll(() => fixture.stop());
  return {
    sandbox: () => fixture.sandbox(),
    async world(name) {
      const world = await fixture.world(name ?? expect.getState().currentTestName ?? 'unnamed');
      if (name === undefined) {
        worlds.add(world);
      }
      return world;
    },
  };
}
