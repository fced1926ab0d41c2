/** The types of the control API. */

import { checkOptions, checkValues, names } from './options.js';

/** `"250ms"`, `"10s"`, `"5m"`, `"2h"`, `"3d"`, or milliseconds as a number. */
export type Duration = string | number;

/** A duration in the form of the sandbox. */
export function written(duration: Duration): string {
  return typeof duration === 'string' ? duration : `${Math.round(duration)}ms`;
}

/** The conditions for a request. A missing condition matches everything. */
export interface Match {
  /** An endpoint's id or path. */
  endpoint?: string;
  /** `"COMPLETED_FOUND"`, or the whole tag. */
  outcome?: string;
  status?: number;
  method?: string;
  path?: string;
  trace?: string;
  /** A whole `traceparent`, or the 32 hex digits of its trace id. */
  traceparent?: string;
  /** The header `x-request-id`. */
  requestId?: string;
  /**
   * Dotted paths into the body: `{ given_names: 'Eko', 'addresses.0.country': 'ID' }`. A dot in a name is written
   * with a backslash: `{ 'meta\\.id': 7 }`. `null` means that the value is missing.
   */
  body?: Record<string, unknown>;
  /** A list for a name that came more than once. `null` means that it is missing. */
  headers?: Record<string, string | string[] | null>;
  query?: Record<string, string | string[] | null>;
}

export const MATCH = names<Match>({
  endpoint: true,
  outcome: true,
  status: true,
  method: true,
  path: true,
  trace: true,
  traceparent: true,
  requestId: true,
  body: true,
  headers: true,
  query: true,
});

/** Refuses unknown names and values that would be left out, also in `body`, `headers` and `query`. */
export function checkMatch(where: string, options: object, known: readonly string[] = MATCH): void {
  checkOptions(where, options, known);
  for (const [name, value] of Object.entries(options)) {
    if (['body', 'headers', 'query'].includes(name)) {
      checkValues(`${where}.${name}`, value);
    } else if (value === null) {
      throw new TypeError(`\`${name}\` of ${where} is null: leave it out, or give it a value`);
    }
  }
}

/** The conditions in the form of the sandbox: `body.given_names`, `header.x-test`, `query.page`. */
export function flat(match: Match): Record<string, unknown> {
  const { endpoint, outcome, status, method, path, trace, traceparent, requestId } = match;
  const { body = {}, headers = {}, query = {} } = match;
  const found: Record<string, unknown> = { endpoint, outcome, status, method, path, trace, traceparent, request_id: requestId };
  for (const [inner, wanted] of Object.entries(body)) {
    found[`body.${inner}`] = wanted;
  }
  for (const [name, wanted] of Object.entries(headers)) {
    found[`header.${name}`] = wanted;
  }
  for (const [name, wanted] of Object.entries(query)) {
    found[`query.${name}`] = wanted;
  }
  return found;
}

/** A request to a world, and its response. */
export interface Request {
  seq: number;
  trace: string;
  at: string;
  world: string;
  method: string;
  path: string;
  /** A list if a name came more than once. */
  query: Record<string, string | string[]>;
  headers: Record<string, string | string[]>;
  /** JSON if it is JSON, else text. */
  body: any;
  body_bytes: number;
  /** The hash of a body of which only a part is kept. */
  body_sha256?: string;
  endpoint: string | null;
  outcome: string | null;
  status: number;
  reply: any;
  /** Names in lower case, without length and date. */
  reply_headers: Record<string, string>;
  reply_bytes: number;
  /** The hash of a response of which only a part is kept. */
  reply_sha256?: string;
  duration_us: number;
  delay_ms: number;
  fault: string | null;
}

/** One try to deliver a callback. */
export interface Attempt {
  /** By the world's clock. */
  at: string;
  /** By the machine's clock. */
  sent_at: string;
  request: string;
  status: number | null;
  answer: string;
  error: string | null;
  duration_ms: number;
  /** In the order in which they were tried; the error is null for the one that was reached. */
  addresses: { address: string; error: string | null }[];
  host_map: string | null;
  location: string | null;
  answer_line: string | null;
}

/** A callback and its attempts. */
export interface Delivery {
  id: string;
  seq: number;
  type: string;
  /** Only `deliveries({ state: 'no_url' })` lists callbacks in the state `no_url`. */
  state: 'scheduled' | 'sending' | 'retrying' | 'delivered' | 'failed' | 'cancelled' | 'suppressed' | 'dropped' | 'no_url';
  record: string | null;
  outcome: string;
  /** Null in the state `no_url`. */
  url: string | null;
  created: string;
  next_try: string | null;
  on_purpose: string | null;
  reason: string | null;
  redelivery_of: string | null;
  depth: number;
  /** The `traceparent` of the request that caused the callback. The callback has the same header. */
  traceparent: string | null;
  /** The same for `x-request-id`. */
  request_id: string | null;
  body: string;
  attempts: Attempt[];
}

/** A callback that an inbox received. */
export interface Received {
  seq: number;
  answered: number;
  /** A list if a name came more than once. */
  headers: Record<string, string | string[]>;
  /** The exact text; `JSON.parse` reads it. */
  body: string;
}

/** A queued outcome for a future call. */
export interface Queued {
  endpoint: string;
  outcome: string;
  times: number;
  reads: boolean;
}

export interface RateLimit {
  limit: number;
  window: string;
}

/** A fault or delay of a world. Without `endpoint`, it applies to all products. */
export interface Fault {
  endpoint?: string;
  /** `"reset"`, `"truncate"`, `"slow(1kb/s)"`, 503, …, or a table as in scenario files. */
  fault?: string | number | Record<string, unknown>;
  /** `"3s"`, `"uniform(1s, 3s)"`, `"lognormal(300ms, 0.5)"`, or a table as in scenario files. */
  delay?: string | Record<string, unknown>;
  probability?: number;
  rate_limit?: RateLimit;
}

export const FAULT = names<Fault>({ endpoint: true, fault: true, delay: true, probability: true, rate_limit: true });

/** What was still pending in a world when it ended. */
export interface Ended {
  /** Callbacks that were not sent yet or waited for a retry. */
  callbacks: Delivery[];
  /** The number of callbacks that are not shown. */
  more_callbacks: number;
  /** Outcomes that no call had used. */
  queued: number;
  /** Faults that were still active. */
  faults: number;
}

/** The facts of a list. */
export interface PageFacts {
  /** The total number, whatever the limit. */
  readonly matched: number;
  /** The number of entries that the sandbox has dropped, matching or not. */
  readonly dropped: number;
  /** Whether dropped entries could have matched. */
  readonly reachesIntoDropped: boolean;
  /** The number of the newest entry. Send it as `afterSeq` to get later entries. */
  readonly lastSeq: number;
  /** Send it as `beforeSeq` to get the next page (with `order: 'oldest'` as `afterSeq`). Null on the last page. */
  readonly next: number | null;
}

export type Page<Item> = Item[] & PageFacts;

/** A list with its facts. The facts do not matter when it is compared with another list. */
export function page<Item>(items: Item[], answer: Record<string, any>): Page<Item> {
  const facts: PageFacts = {
    matched: answer.matched ?? answer.matching ?? items.length,
    dropped: answer.dropped ?? 0,
    reachesIntoDropped: answer.reaches_into_dropped ?? false,
    lastSeq: answer.last_seq ?? 0,
    next: answer.next ?? null,
  };
  for (const [name, value] of Object.entries(facts)) {
    Object.defineProperty(items, name, { value });
  }
  return items as Page<Item>;
}
