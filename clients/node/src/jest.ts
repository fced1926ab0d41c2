/** For Jest: one sandbox a file, one world a test. */

import { afterAll, afterEach, expect } from '@jest/globals';

import { Fixture, type SandboxSource } from './fixture.js';
import type { Sandbox } from './sandbox.js';
import type { World } from './world.js';

export interface SandboxOfFile {
  /** The file's sandbox, started when it is first asked for. */
  sandbox(): Promise<Sandbox>;
  /**
   * A world that is the test's own and ends with it, named by the test: the same ids in every run.
   *
   * In `test.concurrent` Jest does not tell which test is asking: name the world there; it lives as long as
   * the file's sandbox.
   */
  world(name?: string): Promise<World>;
}

/** Call it at the top of a file or of a `describe`; the sandbox stops after the last test there. */
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
