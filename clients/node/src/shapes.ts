/** What the control API takes and gives, typed. */

/** `"250ms"`, `"10s"`, `"5m"`, `"2h"`, `"3d"`, or milliseconds as a number. */
export type Duration = string | number;

/** As the sandbox reads it. */
export function written(duration: Duration): string {
  return typeof duration === 'string' ? duration : `${Math.round(duration)}ms`;
}

/** Which requests are meant; what is left out may be anything. */
export interface Match {
  /** An endpoint's id or path. */
  endpoint?: string;
  /** `"COMPLETED_FOUND"`, or the whole tag. */
  outcome?: string;
  status?: number;
  method?: string;
  path?: string;
  trace?: string;
  /** Dotted paths into the body: `{ given_names: 'Eko', 'addresses.0.country': 'ID' }`. */
  body?: Record<string, unknown>;
  headers?: Record<string, string>;
  query?: Record<string, string>;
}

/** A match as the sandbox writes it: `body.given_names`, `header.x-test`, `query.page`. */
export function flat(match: Match): Record<string, unknown> {
  const { endpoint, outcome, status, method, path, trace, body = {}, headers = {}, query = {} } = match;
  const found: Record<string, unknown> = { endpoint, outcome, status, method, path, trace };
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

/** A request that a world received, and how it was answered. */
export interface Request {
  seq: number;
  trace: string;
  at: string;
  world: string;
  method: string;
  path: string;
  /** A list where a name came more than once. */
  query: Record<string, string | string[]>;
  headers: Record<string, string | string[]>;
  /** JSON where it is JSON, else text. */
  body: any;
  body_bytes: number;
  /** Of a body that is kept in part. */
  body_sha256?: string;
  endpoint: string | null;
  outcome: string | null;
  status: number;
  reply: any;
  /** In lower case, without length and date. */
  reply_headers: Record<string, string>;
  reply_bytes: number;
  /** Of a reply that is kept in part. */
  reply_sha256?: string;
  duration_us: number;
  delay_ms: number;
  fault: string | null;
}

/** One try to deliver a callback. */
export interface Attempt {
  at: string;
  request: string;
  status: number | null;
  answer: string;
  error: string | null;
  duration_ms: number;
}

/** A callback, and what became of it. */
export interface Delivery {
  id: string;
  seq: number;
  type: string;
  state: 'scheduled' | 'sending' | 'retrying' | 'delivered' | 'failed' | 'cancelled' | 'suppressed' | 'dropped';
  record: string | null;
  outcome: string;
  url: string;
  created: string;
  next_try: string | null;
  on_purpose: string | null;
  reason: string | null;
  redelivery_of: string | null;
  depth: number;
  body: string;
  attempts: Attempt[];
}

/** What an inbox received. */
export interface Received {
  seq: number;
  answered: number;
  headers: Record<string, string>;
  /** The very text; `JSON.parse` reads it. */
  body: string;
}

/** An outcome that waits for a call to come. */
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

/** What breaks the replies of a world; without `endpoint` those of all products. */
export interface Fault {
  endpoint?: string;
  /** `"reset"`, `"truncate"`, `"slow(1kb/s)"`, 503, …, or a table as in scenario files. */
  fault?: string | number | Record<string, unknown>;
  /** `"3s"`, `"uniform(1s, 3s)"`, `"lognormal(300ms, 0.5)"`, or a table as in scenario files. */
  delay?: string | Record<string, unknown>;
  probability?: number;
  rate_limit?: RateLimit;
}

/** What a world left undone when it ended. */
export interface Ended {
  /** Callbacks that had not left, or were to be tried again. */
  callbacks: Delivery[];
  /** How many more of them there were than are shown. */
  more_callbacks: number;
  /** Outcomes that no call had used. */
  queued: number;
  /** Faults that still stood. */
  faults: number;
}

/** What a list is a part of. */
export interface PageFacts {
  /** How many there are in all, whatever the limit. */
  readonly matched: number;
  /** How many the sandbox let go to make room, matching or not. */
  readonly dropped: number;
  /** Whether some that were asked for may be among the dropped. */
  readonly reachesIntoDropped: boolean;
  /** The newest there is; as `afterSeq` it asks for what comes later. */
  readonly lastSeq: number;
  /** As `beforeSeq` it asks for the next page (with `order: 'oldest'` as `afterSeq`); null on the last. */
  readonly next: number | null;
}

export type Page<Item> = Item[] & PageFacts;

/** A list with its facts, which do not count when it is compared with another list. */
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
