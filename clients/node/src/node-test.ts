/** For `node:test`: one sandbox a file, one world a test. */

import { after, type TestContext } from 'node:test';

import { Fixture, type SandboxSource } from './fixture.js';
import type { Sandbox } from './sandbox.js';
import type { World } from './world.js';

export interface SandboxOfFile {
  /** The file's sandbox, started when it is first asked for. */
  sandbox(): Promise<Sandbox>;
  /** A world that is the test's own and ends with it, named by the test: the same ids in every run. */
  world(test: Pick<TestContext, 'name' | 'after'>): Promise<World>;
}

/** Call it at the top of a file or of a `describe`; the sandbox stops after the last test there. */
export function useSandbox(source: SandboxSource = {}): SandboxOfFile {
  const fixture = new Fixture(source);
  after(() => fixture.stop());
  return {
    sandbox: () => fixture.sandbox(),
    async world(test) {
      const { fullName = test.name } = test as { fullName?: string };
      const world = await fixture.world(fullName);
      test.after(() => fixture.end(world));
      return world;
    },
  };
}
