/** A world: what one API key owns, on a sandbox that others use at the same time. */

/// <reference lib="esnext.disposable" preserve="true" />

import { Control, authorization, type CallOptions } from './control.js';
import { Inbox } from './inbox.js';
import {
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
  /** Newest first unless said otherwise. */
  order?: 'newest' | 'oldest';
  limit?: number;
}

export interface WaitOptions extends Match {
  /** How many to wait for: 1 unless said otherwise. */
  count?: number;
  /** How long: 5 seconds unless said otherwise, 60 s at most. */
  wait?: Duration;
  afterSeq?: number;
}

export interface VerifyOptions extends Match {
  exactly?: number;
  atLeast?: number;
  atMost?: number;
  /** Waits so long for none to come. */
  neverWithin?: Duration;
  /** A match of each, one after another. */
  inOrder?: Match[];
  /** It may still become so until then. */
  wait?: Duration;
  afterSeq?: number;
}

export interface DeliveriesOptions {
  type?: string;
  record?: string;
  state?: Delivery['state'];
  afterSeq?: number;
  limit?: number;
  /** How many to wait for; without it what is there is returned. */
  count?: number;
  /** How long: 5 seconds unless said otherwise. */
  wait?: Duration;
}

export interface TriggerOptions {
  /** Says whose callback it is where several endpoints have the type. */
  endpoint?: string;
  /** Changes its body: `{ 'result.is_found': false }`. */
  set?: Record<string, unknown>;
}

/** Made by `sandbox.world()`. */
export class World {
  /** Where the API is. */
  readonly url: string;
  readonly name: string;
  /** How the sandbox's log and journal call this world. */
  readonly tag: string;
  /** The key to ask the API with; it alone chooses the world. */
  readonly apiKey: string;
  /** What callbacks of this world carry as `x-callback-token`. */
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

  /** User and password, as axios takes them: `axios.get(…, { auth: world.auth })`. */
  get auth(): { username: string; password: string } {
    return { username: this.apiKey, password: '' };
  }

  /** The same as a header: `Basic …`. */
  get authorization(): string {
    return authorization(this.apiKey);
  }

  /**
   * Decides the next calls of an endpoint (its id or path), and resolves to all that waits.
   *
   * Queued outcomes are used one after another. With `reads` it is the next GETs of its records that are
   * decided, by errors only.
   */
  async next(endpoint: string, outcome: string, times = 1, { reads = false } = {}): Promise<Queued[]> {
    return (await this.call('POST', 'next', { body: { endpoint, outcome, times, reads } })).waiting;
  }

  /** The requests that this world received and that match. */
  requests({ afterSeq, beforeSeq, order, limit, ...match }: RequestsOptions = {}): Promise<Page<Request>> {
    return this.#requests(match, { after_seq: afterSeq, before_seq: beforeSeq, order, limit });
  }

  /** As `requests`, as soon as `count` match; rejects with `NotVerified` when `wait` is over. */
  waitFor({ count = 1, wait = '5s', afterSeq, ...match }: WaitOptions = {}): Promise<Page<Request>> {
    return this.#requests(match, { after_seq: afterSeq, count, wait: written(wait) });
  }

  /**
   * Rejects with `NotVerified`, with the nearest requests field by field, unless it is so. Without a number,
   * at least one request must match. Resolves to the traces of the requests that matched.
   */
  async verify(options: VerifyOptions): Promise<string[]> {
    const { exactly, atLeast, atMost, neverWithin, inOrder, wait, afterSeq, ...match } = options;
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
   * The callbacks that match, with their attempts, newest first. With `count` as soon as so many match;
   * rejects with `NotVerified` and the reasons when `wait` is over.
   */
  async deliveries(options: DeliveriesOptions = {}): Promise<Page<Delivery>> {
    const { type, record, state, afterSeq, limit, count, wait = '5s' } = options;
    const waiting = count === undefined ? {} : { count, wait: written(wait) };
    const query = { type, record, state, after_seq: afterSeq, limit, ...waiting };
    const answer = await this.call('GET', 'deliveries', { query });
    return page(answer.deliveries, answer);
  }

  /** Resolves when no callback is pending; rejects with `NotVerified` and those that still are. */
  async idle(wait: Duration = '5s'): Promise<void> {
    await this.call('GET', 'idle', { query: { wait: written(wait) } });
  }

  /** Moves the world's clock on, through all that falls due on the way, and resolves to the callbacks of it. */
  async advance(by: Duration): Promise<Delivery[]> {
    return (await this.call('POST', 'clock/advance', { body: { by: written(by) } })).deliveries;
  }

  /** What the world's clock shows. */
  async now(): Promise<string> {
    return (await this.call('GET', 'clock')).now;
  }

  /**
   * Breaks the replies of this world from now on, in place of what broke them before; an empty list heals it.
   * They heal by themselves after `ttl`: 5 minutes unless said otherwise.
   */
  async faults(faults: Fault[], { ttl }: { ttl?: Duration } = {}): Promise<void> {
    if (faults.length === 0) {
      await this.call('DELETE', 'faults');
      return;
    }
    await this.call('PUT', 'faults', { body: { faults, ttl: ttl === undefined ? undefined : written(ttl) } });
  }

  /** Sends a callback without a request before it. */
  async trigger(type?: string, outcome?: string, { endpoint, set }: TriggerOptions = {}): Promise<Delivery> {
    return this.call('POST', 'trigger', { body: { type, outcome, endpoint, set } });
  }

  /** A receiver for this world's callbacks, in place of one of your own. */
  inbox(name = 'inbox'): Inbox {
    const inbox = this.#inboxes.get(name) ?? new Inbox(this.#control, `${this.tag}-${name}`);
    this.#inboxes.set(name, inbox);
    return inbox;
  }

  /** Why a request was answered as it was; its trace is in the reply's `x-sandbox-trace`. */
  explain(trace: string): Promise<any> {
    return this.call('GET', `explain/${encodeURIComponent(trace)}`);
  }

  /** Empties the world and its inboxes; resolves, when all is quiet, to how many callbacks were called back. */
  async reset(): Promise<number> {
    const { cancelled_callbacks: cancelled } = await this.call('POST', 'reset');
    await this.#emptyInboxes();
    return cancelled;
  }

  /** Ends the world and says what it left undone; the next request with its key begins a new one. */
  async end(): Promise<Ended> {
    const { pending } = await this.call('DELETE', 'worlds');
    await this.#emptyInboxes();
    return pending;
  }

  /** Any other control call, as this world: `world.call('GET', 'snapshot')`. */
  call(method: string, path: string, options: CallOptions = {}): Promise<any> {
    return this.#control.call(method, path, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  async #requests(match: Match, more: Record<string, unknown>): Promise<Page<Request>> {
    // In a URL a text is written as it is, all else as JSON.
    const written = Object.entries(flat(match)).map(([name, wanted]) => [
      name,
      typeof wanted === 'string' ? wanted : JSON.stringify(wanted),
    ]);
    const query = { ...Object.fromEntries(written), ...more };
    const answer = await this.call('GET', 'requests', { query });
    return page(answer.requests, answer);
  }

  async #emptyInboxes(): Promise<void> {
    await Promise.all([...this.#inboxes.values()].map((inbox) => inbox.empty()));
  }
}
