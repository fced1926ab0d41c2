// @ts-check
/** No option is left out silently. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { connectSandbox, startSandbox } from 'iluma-sandbox';
import { useSandbox } from 'iluma-sandbox/node-test';

import { BANK } from './product.mjs';

const iluma = useSandbox();

/** As a test in JavaScript writes it, without the compiler. @param {unknown} value @returns {any} */
const any = (value) => value;

test('an unknown option is refused with the nearest, in every function', async (t) => {
  const world = await iluma.world(t);
  const sandbox = await iluma.sandbox();
  for (const [call, message] of /** @type {[() => unknown, string][]} */ ([
    [() => world.verify(any({ endpoint: BANK, atleast: 3 })), 'unknown option `atleast` of verify: did you mean `atLeast`?'],
    [() => world.verify(any({ endpoint: BANK, at_most: 3 })), 'unknown option `at_most` of verify: did you mean `atMost`?'],
    [() => world.verify(any({ endpont: BANK })), 'unknown option `endpont` of verify: did you mean `endpoint`?'],
    [() => world.verify(any({ bodies: {} })), 'unknown option `bodies` of verify: did you mean `body`?'],
    [
      () => world.verify(any({ inOrder: [{}, { endpont: BANK }] })),
      'unknown option `endpont` of verify.inOrder[1]: did you mean `endpoint`?',
    ],
    [
      () => world.verify(any({ inOrder: [{ exactly: 1 }] })),
      'unknown option `exactly` of verify.inOrder[0]: known are endpoint, outcome, status, method, path, trace, traceparent, requestId, body, headers, query',
    ],
    [() => world.requests(any({ endpont: BANK })), 'unknown option `endpont` of requests: did you mean `endpoint`?'],
    [() => world.requests(any({ after_seq: 1 })), 'unknown option `after_seq` of requests: did you mean `afterSeq`?'],
    [() => world.waitFor(any({ counts: 2 })), 'unknown option `counts` of waitFor: did you mean `count`?'],
    [() => world.deliveries(any({ conut: 1 })), 'unknown option `conut` of deliveries: did you mean `count`?'],
    [() => world.next(BANK, 'SERVER_ERROR', 1, any({ read: true })), 'unknown option `read` of next: did you mean `reads`?'],
    [() => world.faults([], any({ tll: '1m' })), 'unknown option `tll` of faults: did you mean `ttl`?'],
    [() => world.faults(any([{ falt: 503 }])), 'unknown option `falt` of faults[0]: did you mean `fault`?'],
    [
      () => world.faults([{ fault: 503 }, any({ endpiont: BANK, fault: 503 })]),
      'unknown option `endpiont` of faults[1]: did you mean `endpoint`?',
    ],
    [() => world.trigger('X', 'Y', any({ sets: {} })), 'unknown option `sets` of trigger: did you mean `set`?'],
    [() => world.inbox().received(1, any({ wiat: 1 })), 'unknown option `wiat` of received: did you mean `wait`?'],
    [() => world.call('GET', 'requests', any({ qeury: {} })), 'unknown option `qeury` of call: did you mean `query`?'],
    [() => sandbox.world('x', any({ rest: true })), 'unknown option `rest` of world: did you mean `reset`?'],
    [() => startSandbox(any({ sede: 7 })), 'unknown option `sede` of startSandbox: did you mean `seed`?'],
    [
      () => connectSandbox(sandbox.url, any({ token: 'x' })),
      'unknown option `token` of connectSandbox: known are apiKey, controlToken, caPem',
    ],
    [
      () => useSandbox({}, any({ failOnUnsed: true })),
      'unknown option `failOnUnsed` of the options of the fixture: did you mean `failOnUnused`?',
    ],
    [() => useSandbox(any({ strickt: true })), 'unknown option `strickt` of startSandbox: did you mean `strict`?'],
  ])) {
    await assert.rejects(async () => call(), { name: 'TypeError', message });
  }
});

test('an option without a value is refused, because it would be left out', async (t) => {
  const world = await iluma.world(t);
  const nothing = any(undefined);
  for (const [call, message] of /** @type {[() => unknown, string][]} */ ([
    [() => world.verify({ endpoint: nothing, exactly: 0 }), '`endpoint` of verify is undefined: leave it out, or give it a value'],
    [() => world.verify({ endpoint: any(null) }), '`endpoint` of verify is null: leave it out, or give it a value'],
    [() => world.verify({ exactly: NaN }), '`exactly` of verify is NaN: leave it out, or give it a value'],
    [
      () => world.verify({ body: { bank_code: nothing } }),
      '`bank_code` of verify.body is undefined: leave it out, or give it a value',
    ],
    [() => world.requests({ headers: { 'x-a': any(() => 1) } }), '`x-a` of requests.headers is function: leave it out, or give it a value'],
    [() => world.waitFor({ query: any('page=1') }), 'waitFor.query takes an object of options, and not "page=1"'],
    [() => world.faults([{ endpoint: nothing, fault: 503 }]), '`endpoint` of faults[0] is undefined: leave it out, or give it a value'],
    [() => world.trigger('X', 'Y', { set: { 'result.is_found': nothing } }), '`result.is_found` of trigger.set is undefined: leave it out, or give it a value'],
    [() => world.verify(any(BANK)), `verify takes an object of options, and not "${BANK}"`],
    [() => world.requests(any([])), 'requests takes an object of options, and not []'],
    [() => world.inbox().received(any({ count: 1 })), '`count` of received is a whole number, and not {"count":1}'],
    [
      () => world.call('GET', 'requests', { query: { endpoint: nothing } }),
      '`endpoint` of call.query is undefined: leave it out, or give it a value',
    ],
    [() => world.verify(any({ inOrder: {} })), '`inOrder` of verify takes a list of requests'],
    [() => world.faults(any({ fault: 503 })), '`faults` takes a list of faults'],
  ])) {
    await assert.rejects(async () => call(), { name: 'TypeError', message });
  }
  assert.deepEqual(await world.requests({ body: { bank_code: null } }), [], 'null means a missing value there');
});
