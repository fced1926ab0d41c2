/** Tests that fail on purpose. `test/failing.test.mjs` runs them and reads what is printed. */

import { sandboxTest } from 'iluma-sandbox/vitest';

const test = sandboxTest({}, { failOnUnused: true });

test('fails by itself', async ({ world }) => {
  await world.next('v1.1/bank_account_data_requests', 'SERVER_ERROR');
  throw new Error('by itself');
});

test('leaves an outcome', async ({ world }) => {
  await world.next('v1.1/bank_account_data_requests', 'SERVER_ERROR');
});

test('leaves nothing', async ({ world: _ }) => {});
