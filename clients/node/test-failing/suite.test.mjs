/** Tests that fail on purpose. `test/failing.test.mjs` runs them and reads what is printed. */

import { test } from 'node:test';

import { useSandbox } from 'iluma-sandbox/node-test';

const iluma = useSandbox({}, { failOnUnused: true });

test('fails by itself', async (t) => {
  const world = await iluma.world(t);
  await world.next('v1.1/bank_account_data_requests', 'SERVER_ERROR');
  throw new Error('by itself');
});

test('leaves an outcome', async (t) => {
  const world = await iluma.world(t);
  await world.next('v1.1/bank_account_data_requests', 'SERVER_ERROR');
});

test('leaves nothing', async (t) => {
  await iluma.world(t);
});
