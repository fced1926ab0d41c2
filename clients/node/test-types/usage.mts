/** What a TypeScript project sees; compiled and not run. */

import { test as nodeTest } from 'node:test';

import { NotVerified, startSandbox, type Delivery, type Page, type Request, type World } from 'iluma-sandbox';
import { useSandbox as useInJest } from 'iluma-sandbox/jest';
import { useSandbox } from 'iluma-sandbox/node-test';
import { sandboxTest, test } from 'iluma-sandbox/vitest';

const iluma = useSandbox({ seed: 7, clock: '2026-01-01T00:00:00Z' });
const jest = useInJest(() => startSandbox());

nodeTest('node:test', async (t) => {
  await using sandbox = await startSandbox();
  await using world = await sandbox.world('by name');
  const asked: Page<Request> = await (await iluma.world(t)).requests({ endpoint: 'v2/ktp_data_requests', limit: 1 });
  const callbacks: Delivery[] = await world.advance('1m');
  const late: NotVerified | undefined = undefined;
  // @ts-expect-error a misspelt filter
  await world.requests({ endpont: 'v2/ktp_data_requests' });
  // @ts-expect-error a misspelt number
  await world.verify({ endpoint: 'v2/ktp_data_requests', atleast: 3 });
  // @ts-expect-error a misspelt filter
  await world.verify({ endpont: 'v2/ktp_data_requests' });
  // @ts-expect-error a misspelt filter
  await world.verify({ bodies: {} });
  // @ts-expect-error a misspelt filter of a step
  await world.verify({ inOrder: [{ endpont: 'v2/ktp_data_requests' }] });
  // @ts-expect-error a filter that may have no value
  await world.verify({ endpoint: undefined });
  // @ts-expect-error a misspelt option
  await world.deliveries({ conut: 1 });
  // @ts-expect-error a misspelt option
  await world.next('v2/ktp_data_requests', 'SERVER_ERROR', 1, { read: true });
  // @ts-expect-error a misspelt fault
  await world.faults([{ falt: 503 }]);
  // @ts-expect-error a misspelt option
  useSandbox({}, { failOnUnsed: true });
  return void [asked.matched, callbacks, late, await jest.world()];
});

test('vitest', async ({ world, sandbox }) => {
  const own: World = world;
  return void [own.apiKey, sandbox.url];
});

sandboxTest({ strict: true }, { failOnUnused: true }).concurrent('vitest, its own way', async ({ world }) => world.idle());
