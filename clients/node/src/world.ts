/** A world: the data of one API key, on a sandbox that others can use at the same time. */

/// <reference lib="esnext.disposable" preserve="true" />

import { Control, authorization, type CallOptions } from './control.js';
import { NotVerified } from './errors.js';
import { Inbox } from './inbox.js';
import { checkNames, checkOptions, checkValues, given, names } from './options.js';
import {
  FAULT,
  MATCH,
  checkMatch,
  flat,
  page,
  written,
  type Delivery,
  type Duration,
  type Ended,
  type Fault,
  type Match,
  type Page,
  type Queued,
  type Request,
} from './shapes.js';

export interface RequestsOptions extends Match {
  afterSeq?: number;
  beforeSeq?: number;
  /** The default is newest first. */
  order?: 'newest' | 'oldest';
  limit?: number;
}

export interface WaitOptions extends Match {
  /** The number of matches to wait for. The default is 1. */
  count?: number;
  /** How long to wait. The default is 5 seconds, the maximum 60 s. */
  wait?: Duration;
  afterSeq?: number;
}

export interface VerifyOptions extends Match {
  exactly?: number;
  atLeast?: number;
  atMost?: number;
  /** Waits for this time, and fails if a request matches. */
  neverWithin?: Duration;
  /** Requests that match one after another. */
  inOrder?: Match[];
  /** How long to wait until the expectation is met. */
  wait?: Duration;
  afterSeq?: number;
}

export interface DeliveriesOptions {
  type?: string;
  record?: string;
  state?: Delivery['state'];
  /** A whole `traceparent`, or the 32 hex digits of its trace id. */
  traceparent?: string;
  /** The `x-request-id` of the request that caused the callback. */
  requestId?: string;
  afterSeq?: number;
  limit?: number;
  /** The number of callbacks to wait for. Without it, the current ones are returned. */
  count?: number;
  /** How long to wait. The default is 5 seconds. */
  wait?: Duration;
}

export interface TriggerOptions {
  /** The endpoint, if several endpoints have the type. */
  endpoint?: string;
  /** Changes its body: `{ 'result.is_found': false }`. */
  set?: Record<string, unknown>;
}

const REQUESTS = [
  ...MATCH,
  ...names<Omit<RequestsOptions, keyof Match>>({ afterSeq: true, beforeSeq: true, order: true, limit: true }),
];
const WAIT = [...MATCH, ...names<Omit<WaitOptions, keyof Match>>({ count: true, wait: true, afterSeq: true })];
const VERIFY = [
  ...MATCH,
  ...names<Omit<VerifyOptions, keyof Match>>({
    exactly: true,
    atLeast: true,
    atMost: true,
    neverWithin: true,
    inOrder: true,
    wait: true,
    afterSeq: true,
  }),
];
const DELIVERIES = names<DeliveriesOptions>({
  type: true,
  record: true,
  state: true,
  traceparent: true,
  requestId: true,
  afterSeq: true,
  limit: true,
  count: true,
  wait: true,
});
const TRIGGER = names<TriggerOptions>({ endpoint: true, set: true });

/** Created by `sandbox.world()`. */
export class World {
  /** The URL of the API. */
  readonly url: string;
  readonly name: string;
  /** The name of this world in the sandbox's log and journal. */
  readonly tag: string;
  /** The API key of this world. The key alone chooses the world. */
  readonly apiKey: string;
  /** The value of `x-callback-token` in callbacks of this world. */
  readonly callbackToken: string;
  readonly #control: Control;
  readonly #inboxes = new Map<string, Inbox>();

  constructor(
    url: string,
    made: { name: string; world: string; api_key: string; callback_token: string },
    controlToken: string | undefined,
    caPem?: string,
  ) {
    this.url = url;
    this.name = made.name;
    this.tag = made.world;
    this.apiKey = made.api_key;
    this.callbackToken = made.callback_token;
    this.#control = new Control(url, { apiKey: made.api_key, controlToken, caPem });
  }

  /** User and password, in the form of axios: `axios.get(…, { auth: world.auth })`. */
  get auth(): { username: string; password: string } {
    return { username: this.apiKey, password: '' };
  }

  /** The same as a header: `Basic …`. */
  get authorization(): string {
    return authorization(this.apiKey);
  }

  /**
   * Queues an outcome for the next calls of an endpoint (its id or path). Resolves to the whole queue.
   *
   * Queued outcomes are used one after another. With `reads`, they apply to the next GETs of records (errors
   * only).
   */
  async next(endpoint: string, outcome: string, times = 1, options: { reads?: boolean } = {}): Promise<Queued[]> {
    checkNames('next', options, ['reads']);
    const { reads = false } = options;
    return (await this.call('POST', 'next', { body: { endpoint, outcome, times, reads } })).waiting;
  }

  /** The requests of this world that match. */
  async requests(options: RequestsOptions = {}): Promise<Page<Request>> {
    checkMatch('requests', options, REQUESTS);
    const { afterSeq, beforeSeq, order, limit, ...match } = options;
    return this.#requests(match, { after_seq: afterSeq, before_seq: beforeSeq, order, limit });
  }

  /** Like `requests`, but waits until `count` match; rejects with `NotVerified` when `wait` is over. */
  async waitFor(options: WaitOptions = {}): Promise<Page<Request>> {
    checkMatch('waitFor', options, WAIT);
    const { count = 1, wait = '5s', afterSeq, ...match } = options;
    return this.#requests(match, { after_seq: afterSeq, count, wait: written(wait) });
  }

  /**
   * Rejects with `NotVerified` and the nearest requests, if the expectation is not met. Without a number,
   * at least one request must match. Resolves to the traces of the requests that matched.
   */
  async verify(options: VerifyOptions): Promise<string[]> {
    checkMatch('verify', options, VERIFY);
    const { exactly, atLeast, atMost, neverWithin, inOrder, wait, afterSeq, ...match } = options;
    if (inOrder !== undefined && !Array.isArray(inOrder)) {
      throw new TypeError('`inOrder` of verify takes a list of requests');
    }
    inOrder?.forEach((step, at) => checkMatch(`verify.inOrder[${at}]`, step));
    const said = [exactly, atLeast, atMost, neverWithin, inOrder].some((one) => one !== undefined);
    const ordered = inOrder !== undefined && Object.keys(match).length === 0;
    const body = {
      request: ordered ? undefined : flat(match),
      in_order: inOrder?.map(flat),
      exactly,
      at_least: said ? atLeast : 1,
      at_most: atMost,
      never_within: neverWithin === undefined ? undefined : written(neverWithin),
      wait: wait === undefined ? undefined : written(wait),
      after_seq: afterSeq,
    };
    return (await this.call('POST', 'verify', { body })).requests;
  }

  /**
   * The callbacks that match, with their attempts, newest first. With `count`, waits until this many match;
   * rejects with `NotVerified` and the reasons when `wait` is over, or at once if none can come because no URL is
   * registered. The state `no_url` lists the callbacks that had no URL.
   */
  async deliveries(options: DeliveriesOptions = {}): Promise<Page<Delivery>> {
    checkOptions('deliveries', options, DELIVERIES);
    const { type, record, state, traceparent, requestId, afterSeq, limit, count, wait = '5s' } = options;
    const waiting = count === undefined ? {} : { count, wait: written(wait) };
    const query = given({ type, record, state, traceparent, request_id: requestId, after_seq: afterSeq, limit, ...waiting });
    const answer = await this.call('GET', 'deliveries', { query });
    return page(answer.deliveries, answer);
  }

  /**
   * Resolves when no callback is pending; rejects with `NotVerified` and the pending ones. It also rejects if callbacks
   * were dropped since the last reset, because too many of all worlds were pending.
   */
  async idle(wait: Duration = '5s'): Promise<void> {
    const answer = await this.call('GET', 'idle', { query: { wait: written(wait) } });
    if (answer.dropped_callbacks) {
      const message = `nothing is pending, but ${answer.dropped_callbacks} callbacks were dropped: too many of all worlds were pending`;
      throw new NotVerified(message, { status: 200, answer });
    }
  }

  /** Moves the world's clock forward and runs everything that falls due. Resolves to the callbacks that were tried. */
  async advance(by: Duration): Promise<Delivery[]> {
    return (await this.call('POST', 'clock/advance', { body: { by: written(by) } })).deliveries;
  }

  /** The time of the world's clock. */
  async now(): Promise<string> {
    return (await this.call('GET', 'clock')).now;
  }

  /**
   * Sets the faults and delays of this world. They replace earlier ones; an empty list removes all.
   * They end after `ttl`. The default is 5 minutes.
   */
  async faults(faults: Fault[], options: { ttl?: Duration } = {}): Promise<void> {
    checkNames('faults', options, ['ttl']);
    if (!Array.isArray(faults)) {
      throw new TypeError('`faults` takes a list of faults');
    }
    faults.forEach((fault, at) => checkOptions(`faults[${at}]`, fault, FAULT));
    const { ttl } = options;
    if (faults.length === 0) {
      await this.call('DELETE', 'faults');
      return;
    }
    await this.call('PUT', 'faults', { body: { faults, ttl: ttl === undefined ? undefined : written(ttl) } });
  }

  /** Sends a callback without a request. */
  async trigger(type?: string, outcome?: string, options: TriggerOptions = {}): Promise<Delivery> {
    checkNames('trigger', options, TRIGGER);
    const { endpoint, set } = options;
    if (set !== undefined) {
      checkValues('trigger.set', set);
    }
    return this.call('POST', 'trigger', { body: { type, outcome, endpoint, set } });
  }

  /** A receiver for this world's callbacks. Use it instead of your own receiver. */
  inbox(name = 'inbox'): Inbox {
    const inbox = this.#inboxes.get(name) ?? new Inbox(this.#control, `${this.tag}-${name}`);
    this.#inboxes.set(name, inbox);
    return inbox;
  }

  /**
   * Rejects with `NotVerified` if the test has left something unused: queued outcomes that were never requested, faults
   * that never struck, callbacks that were never awaited. A callback that a receiver of the test's own has accepted counts
   * as awaited. Call it before the world ends.
   */
  async verifyUsed(): Promise<void> {
    await this.call('GET', 'unused');
  }

  /** The latest requests and callbacks as a short text, also those callbacks that are scheduled. */
  summary(): Promise<string> {
    return this.call('GET', 'summary');
  }

  /** Explains a response. Its trace is in the header `x-sandbox-trace`. */
  explain(trace: string): Promise<any> {
    return this.call('GET', `explain/${encodeURIComponent(trace)}`);
  }

  /** Empties the world and its inboxes. When no callback is under way, resolves to the number of cancelled callbacks. */
  async reset(): Promise<number> {
    const { cancelled_callbacks: cancelled } = await this.call('POST', 'reset');
    await this.#emptyInboxes();
    return cancelled;
  }

  /** Ends the world and shows what was still pending. The next request with its key begins a new world. */
  async end(): Promise<Ended> {
    const { pending } = await this.call('DELETE', 'worlds');
    await this.#emptyInboxes();
    return pending;
  }

  /** Any other call of the control API, for this world: `world.call('GET', 'snapshot')`. */
  call(method: string, path: string, options: CallOptions = {}): Promise<any> {
    return this.#control.call(method, path, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  async #requests(match: Match, more: Record<string, unknown>): Promise<Page<Request>> {
    // JSON keeps the text "null" apart from a missing value.
    const written = Object.entries(flat(match)).map(([name, wanted]) => [name, JSON.stringify(wanted)]);
    const query = given({ ...Object.fromEntries(written), ...more });
    const answer = await this.call('GET', 'requests', { query });
    return page(answer.requests, answer);
  }

  async #emptyInboxes(): Promise<void> {
    await Promise.all([...this.#inboxes.values()].map((inbox) => inbox.empty()));
  }
}
