/** For Vitest: `test` with a sandbox for each file and a world for each test, also in `test.concurrent`. */

import { test as plain, type TestAPI } from 'vitest';

import { Fixture, checkFixture, type FixtureOptions, type SandboxSource } from './fixture.js';
import type { Sandbox } from './sandbox.js';
import type { World } from './world.js';

export interface SandboxFixtures {
  /** The sandbox of the file. */
  sandbox: Sandbox;
  /** The world of the test. It ends with the test and has the name of the test, so ids are the same in every run. */
  world: World;
}

/** Vitest's `test` with these fixtures, and a sandbox with these options. */
export function sandboxTest(source: SandboxSource = {}, options: FixtureOptions = {}): TestAPI<SandboxFixtures> {
  checkFixture(source, options);
  return plain.extend<SandboxFixtures & { fixture: Fixture }>({
    fixture: [
      async ({}, use) => {
        const fixture = new Fixture(source, options);
        await use(fixture);
        await fixture.stop();
      },
      { scope: 'worker' },
    ],
    sandbox: async ({ fixture }, use) => use(await fixture.sandbox()),
    world: async ({ fixture, task }, use) => {
      const world = await fixture.world(fullName(task));
      await use(world);
      const summary = await fixture.end(world, task.result?.state === 'fail');
      if (summary !== undefined) {
        console.error(summary); // Vitest shows it below the name of the test
      }
    },
  });
}

/** Vitest's `test` with a `sandbox` and a `world`. */
export const test = sandboxTest();

interface Named {
  name: string;
  suite?: Named | undefined;
  file?: { name: string };
}

function fullName(task: Named): string {
  const names = [task.name];
  for (let suite = task.suite; suite?.name; suite = suite.suite) {
    names.unshift(suite.name);
  }
  return [task.file?.name, ...names].filter(Boolean).join(' > ');
}
