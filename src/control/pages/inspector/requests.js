// The requests as they arrive, and one of them in detail.

import { NO_WORLD, known, withoutServer } from './api.js';
import { button, clock, curlBox, ends, fill, h, long, outcomeOf, statusOf, took } from './dom.js';
import { detail } from './detail.js';
import { plainPath } from './mask.js';
import { change, place } from './place.js';
import { Rows, wide } from './rows.js';
import { catalog, soon, store } from './store.js';
import { inSpan, timeline } from './timeline.js';

const STATUSES = [['', 'any status'], ['2', '2xx'], ['4', '4xx'], ['5', '5xx'], ['refused', 'refused'], ['unmatched', 'no such route'], ['broken', 'broken on purpose']];

function fits(entry, { q, endpoint, status, world, span }) {
  if (world && world !== 'all' && entry.world !== world) return false;
  if (endpoint && entry.endpoint !== endpoint) return false;
  if (!inSpan(entry.at, span)) return false;
  if (status === 'broken' ? !entry.fault && !entry.delay_ms : status && entry.mark !== status && !String(entry.status).startsWith(status)) return false;
  if (!q) return true;
  entry.words ??= [entry.method, entry.path, entry.status, entry.outcome, entry.trace, entry.record, entry.mark, entry.fault, entry.traceparent, entry.request_id]
    .join(' ').toLowerCase();
  const words = `${entry.words} ${store.nameOf(entry.world)}`.toLowerCase();
  return q.toLowerCase().split(/\s+/).every((word) => words.includes(word));
}

/** If there is no room, the middle goes first: the version and the resource say most. An id at the end goes before it. */
function pathOf(path) {
  const [, version, middle, tail = ''] = /^(\/[^/]*)(.*?)(\/[^/]*)?$/.exec(path);
  return long('c-path', path, h('span', {}, version), ends(middle, 'middle'), ends(tail, /\d.*\d.*\d/.test(tail) ? 'tail id' : 'tail'));
}

function worldOf(tag) {
  const name = store.nameOf(tag);
  return h('span', { class: 'c-world dim', title: name === tag ? tag : `${name} · ${tag}` }, name);
}

function row(entry) {
  const marks = [
    entry.mark === 'unmatched' && h('span', { class: 'tag bad' }, 'no route'),
    entry.mark === 'refused' && h('span', { class: 'tag warn' }, 'refused'),
    entry.fault && h('span', { class: 'tag warn' }, entry.fault),
    entry.delay_ms > 0 && h('span', { class: 'tag' }, `+${took(entry.delay_ms * 1000)}`),
  ];
  return [
    h('time', { class: 'c-time dim', datetime: entry.at, title: `${entry.at}, by the clock of the machine` }, clock(entry.at)),
    worldOf(entry.world),
    h('span', { class: `c-method m-${entry.method}` }, entry.method),
    pathOf(plainPath(entry.path)),
    statusOf(entry.status),
    h('span', { class: 'c-outcome', title: outcomeOf(entry.outcome) }, marks, outcomeOf(entry.outcome)),
    h('span', { class: 'c-took dim' }, took(entry.duration_us)),
  ];
}

export function open(main, signal) {
  const text = h('input', { type: 'search', id: 'filter', placeholder: 'Filter: path, outcome, status, trace…', 'aria-label': 'Filter by text', autocomplete: 'off', spellcheck: 'false' });
  const endpoints = h('select', { 'aria-label': 'Endpoint' }, h('option', { value: '' }, 'any endpoint'));
  const statuses = h('select', { 'aria-label': 'Status' }, STATUSES.map(([value, words]) => h('option', { value }, words)));
  const count = h('span', { class: 'dim count', id: 'count' });
  const fresh = h('button', { type: 'button', class: 'small fresh', hidden: true });
  const empty = h('div', { class: 'empty' });
  const pane = h('section', { class: 'detail', 'aria-label': 'Request in detail', tabindex: '-1' });
  const rows = new Rows({
    id: 'requests', label: 'Requests, newest first', row, key: (entry) => entry.trace,
    flatFrom: () => (split.classList.contains('many') ? 940 : 840),
    pick: (entry, isOpened) => {
      change({ trace: entry.trace, open: isOpened ? '1' : place().query.open });
      if (isOpened && pane.offsetParent !== null) pane.focus({ preventScroll: true });
    },
  });
  const list = h('section', { class: 'list', 'aria-label': 'Requests' },
    h('div', { class: 'head-row', 'aria-hidden': 'true' },
      [['c-time', 'machine time'], ['c-world', 'world'], ['c-method', 'method'], ['c-path', 'path'], ['status', 'status'], ['c-outcome', 'outcome'], ['c-took', 'took']]
        .map(([cls, words]) => h('span', { class: cls }, words))),
    rows.element, rows.whole, empty, fresh);
  const split = h('div', { class: 'split requests' }, list, pane);
  const times = timeline(signal);
  fill(main,
    h('h1', { class: 'unseen' }, 'Requests'),
    h('div', { class: 'bar', role: 'search' }, text, endpoints, statuses, count), times.element, split);

  // Without a choice of the reader, the newest request is shown. What the reader works with stays.
  const shownTrace = () => place().query.trace || (wide.matches && rows.items[0]?.trace) || null;
  let inPane = null;
  const pin = () => { if (!place().query.trace && inPane) change({ trace: inPane }); };
  for (const event of ['pointerdown', 'keydown', 'wheel']) pane.addEventListener(event, pin, { passive: true });
  const showChosen = () => {
    inPane = shownTrace();
    rows.choose(inPane);
    about.show(inPane);
  };
  const showNewest = soon(showChosen, 300);

  text.addEventListener('input', () => change({ q: text.value }));
  text.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' || event.key === 'Enter') rows.element.focus();
  });
  endpoints.addEventListener('change', () => change({ endpoint: endpoints.value }));
  statuses.addEventListener('change', () => change({ status: statuses.value }));
  fresh.addEventListener('click', () => {
    rows.element.scrollTop = 0;
    fresh.hidden = true;
  });
  rows.element.addEventListener('scroll', () => { if (rows.above === 0) fresh.hidden = true; });

  let unseen = 0;
  let shown = null;
  const about = detail(pane, {
    close: () => {
      change({ open: '' });
      rows.element.focus();
    },
  });

  function refresh(keep, again = false) {
    const { query } = place();
    const fitting = store.entries.filter((entry) => fits(entry, query));
    const number = (value) => value.toLocaleString('en');
    fill(count, fitting.length === store.entries.length ? `${number(fitting.length)} requests` : `${number(fitting.length)} of ${number(store.entries.length)}`,
      store.skipped > 0 && ` · ${number(store.skipped)} ${withoutServer ? 'older ones are not in this page' : 'came too quickly to be shown'}`);
    list.classList.toggle('is-empty', !fitting.length);
    empty.hidden = fitting.length > 0;
    if (!fitting.length) nothing();
    const worlds = new Set(store.entries.map((entry) => entry.world));
    worlds.delete(NO_WORLD);
    split.classList.toggle('many', worlds.size > 1 && (query.world ?? 'all') === 'all');
    rows.show(fitting, { keep, again, free: !query.trace });
  }

  async function nothing() {
    const { query } = place();
    const isOther = query.world && query.world !== 'all';
    if (!store.isLoaded) return fill(empty, h('p', { class: 'dim' }, 'Loading…'));
    if (store.entries.length && (query.q || query.endpoint || query.status || query.span || !isOther)) {
      return fill(empty, h('h2', {}, 'No request matches these filters'),
        button('Clear the filters', async () => change({ q: '', endpoint: '', status: '', world: '', span: '' })));
    }
    if (withoutServer) return fill(empty, h('h2', {}, 'The export has no requests'));
    fill(empty, h('h2', {}, 'Waiting for the first request'), h('p', {}, 'Paste this into a terminal. The request appears here at once, with the reason for its response.'));
    const { endpoints: all } = await catalog();
    const first = all.find((one) => one.id === 'v0/individual_cft_peps') ?? all.find((one) => one.content_type === 'application/json') ?? all[0];
    if (!first || rows.items.length) return;
    const { setup } = known;
    const curl = setup.api_key && isOther && query.world !== setup.world ? first.curl.replace(`${setup.api_key}:`, '"$ILUMA_API_KEY:"') : first.curl;
    empty.append(curlBox(curl),
      h('p', {}, 'A header selects any outcome. ', h('a', { href: '#/scenarios' }, 'Scenarios'), ' lists all outcomes:'),
      curlBox(`${curl} -H 'x-magic-reply: SERVER_ERROR'`));
  }

  async function fillEndpoints() {
    const { endpoints: all } = await catalog();
    const { endpoint = '' } = place().query;
    fill(endpoints, h('option', { value: '' }, 'any endpoint'), all.map((one) => h('option', { value: one.id }, one.id)));
    endpoints.value = endpoint;
  }

  function placed({ query }) {
    if (text.value !== (query.q ?? '')) text.value = query.q ?? '';
    endpoints.value = query.endpoint ?? '';
    statuses.value = query.status ?? '';
    const filters = JSON.stringify([query.q, query.endpoint, query.status, query.world, query.span]);
    if (filters !== shown) refresh(shown === null);
    shown = filters;
    split.classList.toggle('open', Boolean(query.open && query.trace));
    times.placed();
    showChosen();
  }

  store.on('entries', ({ added }) => {
    const before = rows.items.length;
    const wasAtTop = rows.above === 0;
    refresh(true);
    unseen = rows.above === 0 && wasAtTop ? 0 : unseen + Math.max(0, rows.items.length - before);
    if (rows.above === 0) unseen = 0;
    showNewest();
    fresh.hidden = unseen === 0 || added === 0;
    fresh.textContent = `↑ ${unseen} new`;
  }, signal);
  store.on('worlds', () => refresh(true, true), signal);
  store.on('reload', soon(() => fillEndpoints().catch(() => {})), signal);
  fillEndpoints().catch(() => {});
  placed(place());
  rows.choose(shownTrace(), { scroll: true });
  wide.addEventListener('change', showChosen, { signal });
  signal.addEventListener('abort', () => {
    rows.close();
    about.close();
  });
  return {
    placed,
    keys: {
      j: () => rows.move(1),
      k: () => rows.move(-1),
      Enter: () => rows.open(),
      r: () => about.again(),
      '/': () => text.focus(),
      Escape: () => {
        change(wide.matches ? { open: '', trace: '' } : { open: '' });
        rows.element.focus();
      },
    },
  };
}
