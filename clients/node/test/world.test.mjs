// @ts-check
/** What a world can be told and asked. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { NotVerified, SandboxError, startSandbox } from 'iluma-sandbox';
import { useSandbox } from 'iluma-sandbox/node-test';

import { BANK, BANK_CALLBACK, BANK_PATH, account, ask, register } from './product.mjs';

const iluma = useSandbox();

test('a name gives the same key in every sandbox, and another name another', async () => {
  const sandbox = await iluma.sandbox();
  const one = await sandbox.world('one');
  const two = await sandbox.world('two');
  assert.notEqual(one.apiKey, two.apiKey);
  assert.notEqual(one.callbackToken, two.callbackToken);
  const other = await startSandbox();
  const again = await other.world('one');
  assert.deepEqual([again.apiKey, again.callbackToken], [one.apiKey, one.callbackToken]);
  await other.stop();
});

test('a name in use is refused, unless its world may be emptied', async (t) => {
  const world = await iluma.world(t);
  await ask(world, BANK_PATH, account(1234567890));
  const sandbox = await iluma.sandbox();
  await assert.rejects(sandbox.world(world.name), (refused) => {
    assert(refused instanceof SandboxError);
    assert.deepEqual([refused.status, refused.error], [409, 'world_in_use']);
    return /there is a world `.*` already/.test(refused.message);
  });
  assert.deepEqual(await (await sandbox.world(world.name, { reset: true })).requests(), []);
});

test('queued outcomes answer the next calls in their order', async (t) => {
  const world = await iluma.world(t);
  await world.next(BANK, 'SERVER_ERROR', 2);
  const waiting = await world.next(BANK_PATH, 'RATE_LIMIT_EXCEEDED');
  assert.deepEqual(
    waiting.map(({ outcome, times }) => [outcome, times]),
    [
      ['SERVER_ERROR', 2],
      ['RATE_LIMIT_EXCEEDED', 1],
    ],
  );
  const answered = [];
  for (let nth = 0; nth < 4; nth += 1) {
    answered.push((await ask(world, BANK_PATH, account(1234567890))).status);
  }
  assert.deepEqual(answered, [500, 500, 429, 200]);
});

test('an unknown outcome is refused with the nearest', async (t) => {
  const world = await iluma.world(t);
  await assert.rejects(world.next(BANK, 'SERVER_EROR'), /SERVER_ERROR/);
});

test('requests are found by what they were and how they were answered', async (t) => {
  const world = await iluma.world(t);
  await ask(world, BANK_PATH, account(1234567890));
  await ask(world, BANK_PATH, account(7), 'SERVER_ERROR');
  const statuses = async (/** @type {import('iluma-sandbox').RequestsOptions} */ options) =>
    (await world.requests(options)).map(({ status }) => status);
  assert.deepEqual(await statuses({}), [500, 200]);
  assert.deepEqual(await statuses({ order: 'oldest' }), [200, 500]);
  const [failed] = await world.requests({ status: 500 });
  assert.deepEqual(failed?.body, account(7));
  assert.equal(failed?.headers['x-magic-reply'], 'SERVER_ERROR');
  assert.deepEqual(await world.requests({ body: { bank_account_number: '7' } }), [failed]);
  assert.deepEqual(await world.requests({ body: { bank_account_number: null } }), []);
  assert.deepEqual(await world.requests({ headers: { 'x-magic-reply': 'SERVER_ERROR' }, endpoint: BANK }), [failed]);
  const one = await world.requests({ limit: 1 });
  assert.deepEqual([one.length, one.matched, one.dropped, one.lastSeq], [1, 2, 0, failed?.seq]);
});

test('a text null, a name with a dot and repeated parameters are found', async (t) => {
  const world = await iluma.world(t);
  const body = { ...account(1234567890), note: 'null', 'meta.id': { a: 7 } };
  assert.equal((await ask(world, `${BANK_PATH}?tag=a&tag=b`, body)).status, 200);
  assert.equal((await world.requests({ body: { note: 'null' } })).length, 1);
  assert.deepEqual([...(await world.requests({ body: { note: null } }))], []);
  assert.equal((await world.waitFor({ body: { 'meta\\.id': { a: 7 } }, query: { tag: ['a', 'b'] } })).length, 1);
  await world.verify({ exactly: 1, body: { 'meta\\.id.a': 7, note: 'null' }, query: { tag: ['a', 'b'] } });
});

test('waiting for requests resolves as soon as they are there', async (t) => {
  const world = await iluma.world(t);
  await ask(world, BANK_PATH, account(1234567890));
  assert.equal((await world.waitFor({ endpoint: BANK, wait: '1m' })).length, 1);
});

test('waiting in vain fails and shows what came instead', async (t) => {
  const world = await iluma.world(t);
  await ask(world, BANK_PATH, account(1234567890));
  await assert.rejects(world.waitFor({ endpoint: BANK, status: 500, wait: 10 }), (late) => {
    assert(late instanceof NotVerified);
    assert.equal(late.status, 408);
    return late.message.includes('status: expected 500, received 200');
  });
});

test('a failed verify shows the nearest request field by field', async (t) => {
  const world = await iluma.world(t);
  const { trace } = await ask(world, BANK_PATH, account(1234567890));
  const other = { bank_account_number: '999' };
  await assert.rejects(world.verify({ endpoint: BANK, body: other, exactly: 1 }), (failed) => {
    assert(failed instanceof NotVerified);
    assert.deepEqual(failed.message.split('\n'), [
      'expected exactly 1 request with endpoint "v1.1/bank_account_data_requests", ' +
        'body.bank_account_number "999", but 0 of 1 matched',
      `  close was ${trace}, POST ${BANK_PATH} → 200 COMPLETED_FOUND:`,
      '    body.bank_account_number: expected "999", received "1234567890"',
    ]);
    return true;
  });
});

test('a failed verify names the code points of texts that look alike', async (t) => {
  const world = await iluma.world(t);
  await ask(world, BANK_PATH, { ...account(1234567890), reference_id: 'Jose\u0301' });
  const other = { reference_id: 'Jos\u00e9' };
  await assert.rejects(world.verify({ endpoint: BANK, body: other, exactly: 1 }), (/** @type {Error} */ failed) => {
    const end = 'received "Jose\u0301" (they look alike: `\u00e9` U+00E9 against `e` U+0065 U+0301 at character 4)';
    assert(failed.message.endsWith(end), failed.message);
    return true;
  });
});

test('verify knows bounds, order and never', async (t) => {
  const world = await iluma.world(t);
  const [first, second] = ['1111111111', '2222222222'].map((number) => ({
    endpoint: BANK,
    body: { bank_account_number: number },
  }));
  assert(first && second);
  await ask(world, BANK_PATH, account(1111111111));
  await ask(world, BANK_PATH, account(2222222222));
  assert.equal((await world.verify({ endpoint: BANK })).length, 2);
  await world.verify({ endpoint: BANK, atLeast: 1, atMost: 2 });
  await world.verify({ endpoint: BANK, status: 500, neverWithin: 1 });
  await world.verify({ inOrder: [first, second] });
  await assert.rejects(world.verify({ inOrder: [second, first] }), NotVerified);
  await assert.rejects(world.verify({ endpoint: BANK, atMost: 1 }), NotVerified);
});

test('callbacks come when the clock is advanced', async (t) => {
  const world = await iluma.world(t);
  await register(world, world.inbox().url);
  const { json } = await ask(world, BANK_PATH, account(1234567890), 'PENDING_THEN_COMPLETED_FOUND');
  await world.advance('1m');
  const [delivery] = await world.deliveries({ record: json.id, state: 'delivered', count: 1 });
  assert.equal(delivery?.attempts[0]?.status, 200);
  const [newest] = await world.inbox().received(2);
  assert.equal(newest?.body, delivery?.body);
  await world.idle();
  assert.equal(await world.now(), '2026-01-01T00:01:00.000Z');
});

test('callbacks that do not come are a failure with reasons', async (t) => {
  const world = await iluma.world(t);
  await assert.rejects(world.deliveries({ count: 1, wait: 10 }), /no request of this world has caused a callback/);
  await assert.rejects(world.inbox().received(1, { wait: 10 }), /0 of 1 callbacks came/);
  await register(world, world.inbox().url);
  await ask(world, BANK_PATH, account(1234567890), 'COMPLETED_FOUND; callback=late(1h)');
  await assert.rejects(world.idle(10), /1 callbacks are pending/);
});

test('a callback is sent without a request', async (t) => {
  const world = await iluma.world(t);
  await register(world, world.inbox().url);
  const sent = await world.trigger(BANK_CALLBACK, 'COMPLETED_FOUND', { set: { 'result.is_found': false } });
  assert.equal((await ask(world, `${BANK_PATH}/${sent.record}`)).json.result.is_found, false);
});

test('what is unused is a failure, and a summary shows it', async (t) => {
  const world = await iluma.world(t);
  await world.verifyUsed();
  await register(world, world.inbox().url);
  await world.next(BANK, 'PENDING_THEN_COMPLETED_FOUND', 2);
  await ask(world, BANK_PATH, account(1234567890));
  const late = /dlv_1 {2}NAME_VALIDATOR_REQUEST is still pending until \S+, in 1s; advance the clock by 1s to send it\n/;
  assert.match(await world.summary(), late);
  await assert.rejects(world.verifyUsed(), (failed) => {
    assert(failed instanceof NotVerified);
    assert.deepEqual(failed.message.split('\n'), [
      'the test left things unused: 1 queued outcome, 0 faults and 1 callback',
      `  outcome PENDING_THEN_COMPLETED_FOUND is queued for ${BANK}, and the request for it never came`,
      '  callback dlv_1 of type NAME_VALIDATOR_REQUEST was never awaited: it is still pending until 2026-01-01T00:00:01.000Z',
    ]);
    return true;
  });
  await ask(world, BANK_PATH, account(1234567890));
  await world.advance('1m');
  await world.verifyUsed();
});

test('a callback without a URL is named at once', async (t) => {
  const world = await iluma.world(t);
  await ask(world, BANK_PATH, account(1234567890), 'PENDING_THEN_COMPLETED_FOUND; callback=late(1h)');
  await assert.rejects(world.deliveries({ count: 1, wait: '1m' }), /no URL is registered for NAME_VALIDATOR_REQUEST/);
  await assert.rejects(world.inbox().received(1, { wait: '1m' }), {
    name: 'NotVerified',
    message: `0 of 1 callbacks came to ${world.inbox().url}\n  no URL is registered for NAME_VALIDATOR_REQUEST`,
  });
});

test('faults break replies until they are healed', async (t) => {
  const world = await iluma.world(t);
  await world.faults([{ endpoint: BANK, fault: 503 }], { ttl: '1m' });
  assert.equal((await ask(world, BANK_PATH, account(1234567890))).status, 503);
  await world.faults([]);
  assert.equal((await ask(world, BANK_PATH, account(1234567890))).status, 200);
});

test('an answer is explained by its trace', async (t) => {
  const world = await iluma.world(t);
  await world.next(BANK, 'SERVER_ERROR');
  const { trace } = await ask(world, BANK_PATH, account(1234567890));
  assert.match(JSON.stringify(await world.explain(trace)), /SERVER_ERROR/);
});

test('a reset empties the world, and it answers as at first', async (t) => {
  const world = await iluma.world(t);
  await register(world, world.inbox().url);
  const asked = account(1234567890);
  const first = await ask(world, BANK_PATH, asked, 'PENDING_THEN_COMPLETED_FOUND; callback=late(1h)');
  assert.equal(await world.reset(), 1, 'the callback that had not left');
  assert.deepEqual(await world.requests(), []);
  assert.deepEqual(await world.inbox().received(), []);
  const again = await ask(world, BANK_PATH, asked, 'PENDING_THEN_COMPLETED_FOUND');
  assert.equal(again.text, first.text);
});

test('the end of a world says what was left undone', async () => {
  const sandbox = await iluma.sandbox();
  const world = await sandbox.world('ends');
  await register(world, world.inbox().url);
  await ask(world, BANK_PATH, account(1234567890), 'COMPLETED_FOUND; callback=late(1h)');
  await world.next(BANK, 'SERVER_ERROR');
  await world.faults([{ fault: 'reset', endpoint: 'v2/ktp_data_requests' }]);
  const left = await world.end();
  assert.deepEqual(
    left.callbacks.map(({ type }) => type),
    [BANK_CALLBACK],
  );
  assert.deepEqual([left.more_callbacks, left.queued, left.faults], [0, 1, 1]);
  const fresh = await sandbox.world('ends');
  assert.deepEqual(await fresh.requests(), []);
  await fresh[Symbol.asyncDispose]();
});

test('any other control call can be made', async (t) => {
  const world = await iluma.world(t);
  const { json } = await ask(world, BANK_PATH, account(1234567890));
  const snapshot = await world.call('GET', 'snapshot');
  await world.reset();
  await world.call('PUT', 'snapshot', { body: snapshot });
  assert.equal((await ask(world, `${BANK_PATH}/${json.id}`)).status, 200);
  assert.match(await world.call('GET', 'export'), /\{"type":"exchange"/);
});

test('tests of one name that run at once have worlds of their own', async (t) => {
  const [one, two] = await Promise.all([iluma.world(t), iluma.world(t)]);
  assert(one && two);
  assert.equal(two.name, `${one.name} (2)`);
  assert.notEqual(one.apiKey, two.apiKey);
});

test('the parts of a trace are found by its id, and a malformed one is refused', async (t) => {
  const world = await iluma.world(t);
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const answer = await fetch(world.url + BANK_PATH, {
    method: 'POST',
    headers: { authorization: world.authorization, 'content-type': 'application/json', traceparent, 'x-request-id': 'abc-1' },
    body: JSON.stringify(account(1)),
  });
  await ask(world, BANK_PATH, account(2));
  for (const filter of [{ requestId: 'abc-1' }, { traceparent: '0af7651916cd43dd8448eb211c80319c' }]) {
    const traces = (await world.requests(filter)).map(({ trace }) => trace);
    assert.deepEqual(traces, [answer.headers.get('x-sandbox-trace')]);
  }
  assert.deepEqual([...(await world.requests({ requestId: 'abc-2' }))], []);
  await assert.rejects(world.requests({ traceparent: '00-zz' }), /traceparent/);
});
