/** For Jest: one sandbox for each file, one world for each test. */

import { afterAll, afterEach, expect } from '@jest/globals';

import { Fixture, type SandboxSource } from './fixture.js';
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

/** Call it at the top of a file or of a `describe`. The sandbox stops after the last test in it. */
export function useSandbox(source: SandboxSource = {}): SandboxOfFile {
  const fixture = new Fixture(source);
  const worlds = new Set<World>();
  afterEach(async () => {
    const ended = [...worlds];
    worlds.clear();
    await Promise.all(ended.map((world) => fixture.end(world)));
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
