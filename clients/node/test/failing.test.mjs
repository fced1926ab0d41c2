// @ts-check
/** What the runners print about tests that fail, and which tests fail because something is unused. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const vitest = path.join(path.dirname(require.resolve('vitest/package.json')), 'vitest.mjs');
const jest = require.resolve('jest/bin/jest');

const LEFT = 'outcome SERVER_ERROR is queued for v1.1/bank_account_data_requests, and the request for it never came';
const passedIsKnown = Number(process.versions.node.split('.')[0]) >= 20;

for (const [runner, counts, ...command] of [
  ['node:test', /fail 2\n/, '--test', 'test-failing/suite.test.mjs'],
  ['Vitest', /2 failed \| 1 passed/, vitest, 'run', '--dir', 'test-failing', '--config', 'test-failing/vitest.config.mjs'],
  ['Jest', /2 failed, 1 passed/, jest, '--testMatch', '<rootDir>/test-failing/suite.jest.js'],
]) {
  test(`${runner} shows the world of a failed test and fails one that leaves something unused`, (t) => {
    if (runner === 'node:test' && !passedIsKnown) {
      t.skip('this Node does not tell a test whether it has failed');
      return;
    }
    const environment = { ...process.env, NO_COLOR: '1', NODE_TEST_CONTEXT: undefined, FORCE_COLOR: undefined };
    const ran = spawnSync(process.execPath, command.map(String), { cwd: root, env: environment, encoding: 'utf8' });
    const printed = ran.stdout + ran.stderr;
    assert.equal(ran.status, 1, printed);
    assert.match(printed, /** @type {RegExp} */ (counts));
    // The failed test fails once, for its own reason, and shows its world.
    assert.match(printed, /world [0-9a-f]{8} at 2026-01-01T00:00:00.000Z/);
    assert(printed.includes(`unused: ${LEFT}`), printed);
    // The other one fails for what it left.
    assert(printed.includes('the test left things unused: 1 queued outcome, 0 faults and 0 callbacks'), printed);
    assert.equal(printed.match(/world [0-9a-f]{8} at /g)?.length, 1, printed);
  });
}
