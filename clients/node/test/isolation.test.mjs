// @ts-check
/** 200 tests at once on one sandbox, and none sees another's data. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startSandbox } from 'iluma-sandbox';

import { BANK, BANK_PATH, account, ask, register } from './product.mjs';

const TESTS = 200;

test('200 worlds at once behave as each does alone', async () => {
  await using(startSandbox(), async (sandbox) => {
    /** @type {string[]} */
    const firstIds = [];
    /** @type {() => void} */
    let allHere = () => {};
    const together = new Promise((resolve) => {
      allHere = () => resolve(undefined);
    });
    let arrived = 0;
    /** Waits for all the others, and tells the record of one of them. */
    const meet = async (/** @type {number} */ number, /** @type {string} */ firstId) => {
      firstIds[number] = firstId;
      arrived += 1;
      if (arrived === TESTS) {
        allHere();
      }
      await together;
      return firstIds[(number + 1) % TESTS] ?? '';
    };
    const numbers = Array.from({ length: TESTS }, (_, number) => number);
    const crowded = await Promise.all(numbers.map((number) => life(sandbox, number, meet)));

    await using(startSandbox(), async (alone) => {
      for (const number of numbers) {
        assert.deepEqual(await life(alone, number, async () => "nobody's"), crowded[number], `world ${number}`);
      }
    });
  });
});

/**
 * What a test does in its world, and all that it was told, the same bytes whoever else is there.
 * @param {import('iluma-sandbox').Sandbox} sandbox
 * @param {number} number
 * @param {(number: number, firstId: string) => Promise<string>} meet
 */
async function life(sandbox, number, meet) {
  const mine = account(7_000_000_000 + number);
  /** @type {unknown[]} */
  const told = [];
  const world = await sandbox.world(`isolation ${number}`);
  await register(world, world.inbox().url);
  let first = '';
  for (let nth = 0; nth <= number % 3; nth += 1) {
    const { text } = await ask(world, BANK_PATH, mine, 'PENDING_THEN_COMPLETED_FOUND');
    told.push(text);
    first ||= text;
  }
  const record = JSON.parse(first).id;

  const others = await meet(number, record);
  assert.equal((await ask(world, `${BANK_PATH}/${others}`)).status, 404);

  await world.next(BANK, 'SERVER_ERROR', 1 + (number % 2));
  const statuses = [];
  for (let nth = 0; nth < 3; nth += 1) {
    statuses.push((await ask(world, BANK_PATH, mine)).status);
  }
  assert.deepEqual(statuses, number % 2 ? [500, 500, 200] : [500, 200, 200]);

  if (number % 4 === 0) {
    await world.faults([{ fault: 'status(503)' }]);
    assert.equal((await ask(world, BANK_PATH, mine)).status, 503);
    await world.faults([]);
  }
  assert.equal((await ask(world, BANK_PATH, mine)).status, 200);

  await world.advance(`${60 + number}s`);
  told.push(await world.now());
  const completed = await ask(world, `${BANK_PATH}/${record}`);
  assert.equal(completed.json.status, 'COMPLETED');
  told.push(completed.text);

  await world.idle('30s');
  const sent = await world.deliveries({ state: 'delivered' });
  told.push(sent.map(({ body }) => body).sort());
  assert.equal(sent.length, sent.lastSeq, 'nothing was sent that was not delivered');
  const came = await world.inbox().received();
  assert.equal(came.length, sent.length + 1, 'each once, and the test of the URL');
  assert.deepEqual(new Set(came.map(({ headers }) => headers['x-callback-token'])), new Set([world.callbackToken]));
  const accounts = came.slice(0, -1).map(({ body }) => JSON.parse(body).bank_account_number);
  assert.deepEqual(new Set(accounts), new Set([mine.bank_account_number]));

  const asked = await world.requests({ path: BANK_PATH, method: 'POST' });
  assert.deepEqual(new Set(asked.map(({ body }) => body.bank_account_number)), new Set([mine.bank_account_number]));
  await world.verify({ path: BANK_PATH, method: 'POST', body: mine, exactly: asked.length });
  told.push(asked.length);

  if (number % 2) {
    await beginAgain(world, mine, first, record);
  }
  await world.end();
  return told;
}

/**
 * A reset, while the others go on: the world is empty, and answers as it did at first.
 * @param {import('iluma-sandbox').World} world
 * @param {{ bank_account_number: string, bank_code: string }} mine
 * @param {string} first
 * @param {string} record
 */
async function beginAgain(world, mine, first, record) {
  await world.reset();
  assert.deepEqual(await world.requests(), []);
  assert.deepEqual(await world.deliveries(), []);
  assert.deepEqual(await world.inbox().received(), []);
  assert.equal(await world.now(), '2026-01-01T00:00:00.000Z');
  assert.equal((await ask(world, `${BANK_PATH}/${record}`)).status, 404);
  assert.equal((await ask(world, BANK_PATH, mine, 'PENDING_THEN_COMPLETED_FOUND')).text, first);
  await world.verify({ endpoint: BANK, method: 'POST', exactly: 1 });
}

/**
 * `await using` for the versions of Node that cannot yet.
 * @template {AsyncDisposable} T
 * @param {Promise<T>} starting
 * @param {(one: T) => Promise<void>} use
 */
async function using(starting, use) {
  const one = await starting;
  try {
    await use(one);
  } finally {
    await one[Symbol.asyncDispose]();
  }
}
