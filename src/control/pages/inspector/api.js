// The control API, and product requests in the name of a world. A page with an embedded export asks the export instead:
// nothing else in the page decides where its data come from.

import { ask } from './dom.js';
import { ENTRIES_MAX } from './feed.js';
import { learn } from './machine.js';
import { parse } from './numbers.js';
import { NO_SERVER, recording } from './recording.js';

const base = new URL('.', location.href); // …/__sandbox/
const root = new URL('..', base);
const TOKEN = 'iluma-control-token';
const KEY = 'iluma-api-key';

/** The tag of requests that belong to no world. */
export const NO_WORLD = '00000000';

export const known = { setup: null };

/** Why actions are missing: a sentence in a page without a server, else null. */
export const withoutServer = recording && NO_SERVER;

/** The entries of an export. Null if a stream of events sends them. */
export const recordedEntries = () => recording?.snapshot() ?? null;

export class Refused extends Error {
  constructor(status, body) {
    super(body?.message ?? `the sandbox answered ${status}`);
    this.status = status;
    this.body = body;
  }
}

function credentials(headers) {
  const token = sessionStorage.getItem(TOKEN);
  const key = sessionStorage.getItem(KEY);
  if (token) headers['x-sandbox-control-token'] = token;
  if (key) headers.authorization = `Basic ${btoa(`${key}:`)}`;
  return headers;
}

// Several refusals at the same time ask only once.
let asking = null;
async function admitted(error, used) {
  const isToken = /control_token/.test(error);
  const name = isToken ? TOKEN : KEY;
  if (sessionStorage.getItem(name) !== used[name]) return true; // another question was answered first
  asking ??= (isToken
    ? ask('Control token', `${/wrong/.test(error) ? 'That was not the token. ' : ''}This sandbox requires a control token. It was set with --control-token, or printed at the start. The page keeps it until this tab is closed.`, 'Token')
    : ask('API key', 'This sandbox accepts only some API keys. Enter one of them. The page keeps it until this tab is closed.', 'Key')
  ).then((given) => {
    if (given) sessionStorage.setItem(name, given);
    return Boolean(given);
  }).finally(() => (asking = null));
  return asking;
}

async function guarded(request) {
  for (;;) {
    const used = { [TOKEN]: sessionStorage.getItem(TOKEN), [KEY]: sessionStorage.getItem(KEY) };
    const response = await request();
    learn(response.headers.get('date'));
    if (response.status !== 401) return response;
    const body = await response.json().catch(() => null);
    const isOurs = ['control_token_required', 'wrong_control_token', 'no_world'].includes(body?.error);
    if (!isOurs || !(await admitted(body.error, used))) throw new Refused(401, body);
  }
}

/** Asks the control API; `world` is a tag, or `all`. */
function asked(path, { method = 'GET', body, world, query = {} } = {}) {
  const url = new URL(path, base);
  if (url.origin !== base.origin || !url.pathname.startsWith(base.pathname)) throw new Error(`${path} is no path of the control API`);
  for (const [name, value] of Object.entries({ ...query, world })) {
    if (value !== undefined && value !== null) url.searchParams.set(name, value);
  }
  return guarded(() => fetch(url, {
    method,
    headers: credentials(body === undefined ? {} : { 'content-type': 'application/json' }),
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: 'omit',
    cache: 'no-store',
  }));
}

/** The JSON of an answer. */
export async function api(path, options) {
  if (recording) return recording.answer(path, options);
  const response = await asked(path, options);
  const answer = await response.text().then(parse).catch(() => null);
  if (!response.ok && !(path === 'readyz' && answer)) throw new Refused(response.status, answer);
  return answer;
}

/** An answer that is a file, as a `Blob`. */
export async function file(path, options) {
  if (recording) throw new Error(NO_SERVER);
  const response = await asked(path, options);
  if (!response.ok) throw new Refused(response.status, await response.json().catch(() => null));
  return response.blob();
}

const DOTS = /(^|[/\\])(\.|%2e){1,2}([/\\]|$)/i;

/**
 * The URL of a path that a client chose. A browser takes `//host` for another host, and it takes out `..`, so that a
 * product request could become one to the control API.
 */
export function productUrl(target) {
  const [path, ...query] = target.split('?');
  if (!path.startsWith('/') || DOTS.test(path)) throw new Error('A browser would change this path: copy the request as curl');
  const url = new URL(root);
  url.pathname = root.pathname.replace(/\/$/, '') + path; // a path never changes the host
  url.search = query.join('?');
  if (url.origin !== root.origin || url.pathname.startsWith(base.pathname)) throw new Error('This is no path of a product');
  return url;
}

/**
 * Sends a product request as the owner of a world. Its key is known only where it is the documentation's;
 * for others the sandbox takes the world's tag.
 */
export async function send(world, { method, path, headers = {}, body }) {
  if (recording) throw new Error(NO_SERVER);
  const sent = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    for (const one of [value].flat()) sent.append(name, one);
  }
  const { setup } = known;
  if (setup.api_key && setup.world === world) {
    sent.set('authorization', `Basic ${btoa(`${setup.api_key}:`)}`);
  } else {
    if (world !== NO_WORLD) sent.set('x-sandbox-world', world);
    for (const [name, value] of Object.entries(world === NO_WORLD ? {} : credentials({}))) sent.set(name, value);
  }
  const hasBody = body !== undefined && body !== null && method !== 'GET' && method !== 'HEAD';
  const response = await fetch(productUrl(path), {
    method, headers: sent, body: hasBody ? body : undefined, credentials: 'omit', cache: 'no-store',
  });
  return {
    status: response.status,
    trace: response.headers.get('x-sandbox-trace'),
    outcome: response.headers.get('x-sandbox-outcome'),
    text: await response.text(),
  };
}

/** What opens the stream of events, and which data it may show. */
export const streamRequest = () => ({ events: new URL(`events?world=all&backlog=${ENTRIES_MAX}`, base).href, headers: credentials({}) });
