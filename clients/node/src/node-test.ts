/** For `node:test`: one sandbox for each file, one world for each test. */

import { after, type TestContext } from 'node:test';

import { Fixture, type FixtureOptions, type SandboxSource } from './fixture.js';
import type { Sandbox } from './sandbox.js';
import type { World } from './world.js';

export interface SandboxOfFile {
  /** The sandbox of the file. It starts when it is first used. */
  sandbox(): Promise<Sandbox>;
  /** The world of the test. It ends with the test and has the name of the test, so ids are the same in every run. */
  world(test: Pick<TestContext, 'name' | 'after' | 'diagnostic'>): Promise<World>;
}

/** Call it at the top of a file or of a `describe`. The sandbox stops after the last test in it. */
export function useSandbox(source: SandboxSource = {}, options: FixtureOptions = {}): SandboxOfFile {
  const fixture = new Fixture(source, options);
  after(() => fixture.stop());
  return {
    sandbox: () => fixture.sandbox(),
    async world(test) {
      const { fullName = test.name } = test as { fullName?: string };
      const world = await fixture.world(fullName);
      test.after(async () => {
        const { passed } = test as { passed?: boolean }; // since Node 20.12
        const summary = await fixture.end(world, passed === false);
        for (const line of summary?.trimEnd().split('\n') ?? []) {
          test.diagnostic(line);
        }
      });
      return world;
    },
  };
}
