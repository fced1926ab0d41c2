/** Tests that fail on purpose. `test/failing.test.mjs` runs them and reads what is printed. */

const { useSandbox } = require('iluma-sandbox/jest');

const iluma = useSandbox({}, { failOnUnused: true });

test('fails by itself', async () => {
  const world = await iluma.world();
  await world.next('v1.1/bank_account_data_requests', 'SERVER_ERROR');
  throw new Error('by itself');
});

test('leaves an outcome', async () => {
  const world = await iluma.world();
  await world.next('v1.1/bank_account_data_requests', 'SERVER_ERROR');
});

test('leaves nothing', async () => {
  await iluma.world();
});
