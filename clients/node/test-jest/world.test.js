const { useSandbox } = require('iluma-sandbox/jest');

const iluma = useSandbox();

test('a busy provider is asked again', async () => {
  const world = await iluma.world();
  await world.next('v1.1/bank_account_data_requests', 'SERVICE_UNAVAILABLE_ERROR');

  const holder = await accountHolder(world.url, world.apiKey, '1234567890');

  expect(holder).toMatchObject({ is_found: true });
  await world.verify({ endpoint: 'v1.1/bank_account_data_requests', exactly: 2 });
});

test('each test has a world of its own', async () => {
  const world = await iluma.world();
  expect(await world.requests()).toEqual([]);
});

// The code under test.
async function accountHolder(url, apiKey, number) {
  for (;;) {
    const answer = await fetch(`${url}/v1.1/identity/bank_account_data_requests`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${apiKey}:`)}`, 'content-type': 'application/json' },
      body: JSON.stringify({ bank_account_number: number, bank_code: 'BCA' }),
    });
    if (answer.ok) {
      return (await answer.json()).result;
    }
  }
}
