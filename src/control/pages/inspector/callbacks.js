// Deliveries with their attempts, the callback URLs, and the inbox.

import { api, known, send, withoutServer } from './api.js';
import { word } from './curl.js';
import { after, button, curlBox, ends, fill, h, long, machineTime, outcomeOf, say, since, statusOf, took, worldTime } from './dom.js';
import { head, headers, text as content } from './json.js';
import { revealListed, withoutSecrets } from './mask.js';
import { change, link, place } from './place.js';
import { Rows, wide } from './rows.js';
import { catalog, soon, store } from './store.js';
import { inSpan, timeline } from './timeline.js';
import { drawTrace } from './trace.js';

const TABS = withoutServer ? [['', 'Deliveries']] : [['', 'Deliveries'], ['urls', 'URLs'], ['inbox', 'Inbox']];

export function open(main, signal) {
  const tabs = h('div', { class: 'segments', role: 'group', 'aria-label': 'Callbacks' });
  const filter = h('input', { type: 'search', placeholder: 'Filter: type, outcome, state, URL…', 'aria-label': 'Filter by text', autocomplete: 'off', spellcheck: 'false' });
  const count = h('span', { class: 'dim count' });
  const room = h('div', { class: 'room' });
  fill(main, h('h1', { class: 'unseen' }, 'Callbacks'), h('div', { class: 'bar', role: 'search' }, tabs, filter, count), room);
  const parts = { '': deliveries(room, filter, count, signal), urls: urls(room, signal), inbox: inbox(room, signal) };
  let tab = null;
  let world = null;

  function placed({ query }) {
    fill(tabs, TABS.map(([name, words]) => h('a', { href: link('callbacks', { world: query.world, tab: name }), 'aria-current': name === (query.tab ?? '') ? 'true' : null }, words)));
    const next = TABS.some(([name]) => name === query.tab) ? query.tab : '';
    filter.hidden = next !== '';
    count.hidden = next !== '';
    if (next !== tab || world !== store.world) {
      tab = next;
      world = store.world;
      parts[tab].open();
    }
    parts[tab].placed?.(query);
  }
  filter.addEventListener('input', () => change({ q: filter.value }));
  placed(place());
  const run = (name) => () => parts[tab].keys?.[name]?.();
  return { placed, keys: { j: run('j'), k: run('k'), r: run('r'), Enter: run('Enter'), Escape: run('Escape'), '/': () => !filter.hidden && filter.focus() } };
}

function urlOf({ url, reason }) {
  const text = url ? withoutSecrets(url) : reason;
  return long('c-url dim', text, ends(text, 'middle'));
}

function deliveries(room, filter, count, signal) {
  let all = [];
  let dropped = 0;
  const row = (one) => [
    h('span', { class: 'c-time dim' }, one.attempts.length ? since(one.attempts.at(-1).sent_at) : 'not sent'),
    h('span', { class: `tag state ${one.state}` }, one.state),
    h('span', { class: 'c-path', title: one.type }, one.type),
    h('span', { class: 'c-outcome', title: outcomeOf(one.outcome) }, outcomeOf(one.outcome)),
    h('span', { class: 'c-took dim' }, `${one.attempts.length} ${one.attempts.length === 1 ? 'try' : 'tries'}`),
    urlOf(one),
  ];
  // A delivery that has changed is drawn again.
  const rows = new Rows({
    id: 'deliveries', label: 'Deliveries, newest first', row, key: (one) => one.id, flat: 44, tall: 64, flatFrom: () => 640,
    pick: (one, isOpened) => {
      change({ delivery: one.id, open: isOpened ? '1' : place().query.open });
      if (isOpened && pane.offsetParent !== null) pane.focus({ preventScroll: true });
    },
  });
  const empty = h('div', { class: 'empty' });
  const pane = h('section', { class: 'detail', 'aria-label': 'Delivery in detail', tabindex: '-1' });
  const list = h('section', { class: 'list', 'aria-label': 'Deliveries' },
    h('div', { class: 'head-row', 'aria-hidden': 'true' },
      [['c-time', 'last sent'], ['state', 'state'], ['c-path', 'type'], ['c-outcome', 'outcome'], ['c-took', 'tries']].map(([cls, words]) => h('span', { class: cls }, words))),
    rows.element, rows.whole, empty);
  const split = h('div', { class: 'split callbacks' }, list, pane);
  const times = timeline(signal);
  let shown = null;
  // Without a choice of the reader, the newest delivery is shown. What the reader works with stays.
  const chosen = () => place().query.delivery || (wide.matches && rows.items[0]?.id) || null;
  const pin = () => { if (!place().query.delivery && chosen()) change({ delivery: chosen() }); };
  for (const event of ['pointerdown', 'keydown', 'wheel']) pane.addEventListener(event, pin, { passive: true });
  wide.addEventListener('change', () => split.isConnected && draw(), { signal });
  signal.addEventListener('abort', () => rows.close());

  async function load() {
    const [answer, unsent] = await Promise.all([{ limit: 2000 }, { state: 'no_url', limit: 2000 }].map((query) => api('deliveries', { world: store.world, query })));
    ({ dropped } = answer);
    // Sorting is stable: callbacks of the same time stay in their order.
    all = [...answer.deliveries, ...unsent.deliveries].sort((one, other) => (one.created < other.created) - (one.created > other.created));
    refresh(true);
  }
  function refresh(keep) {
    const { q = '', span } = place().query;
    const words = q.toLowerCase().split(/\s+/).filter(Boolean);
    const fitting = all.filter((one) => {
      const hay = [one.id, one.type, one.outcome, one.state, one.url, one.record, one.traceparent, one.request_id].join(' ').toLowerCase();
      return words.every((word) => hay.includes(word)) && (!span || one.attempts.some((attempt) => inSpan(attempt.sent_at, span)));
    });
    rows.show(fitting, { keep, again: true, free: !place().query.delivery });
    list.classList.toggle('is-empty', !fitting.length);
    fill(count, `${fitting.length} deliveries${dropped ? ` · ${dropped} older ones dropped` : ''}`);
    empty.hidden = fitting.length > 0;
    if (!fitting.length) nothing().catch(() => {});
    draw();
  }
  async function nothing() {
    if (all.length) return fill(empty, h('h2', {}, 'No delivery matches this filter'), button('Clear the filter', async () => change({ q: '', span: '' })));
    if (withoutServer) return fill(empty, h('h2', {}, 'This world has no callbacks in the export'));
    fill(empty, h('h2', {}, 'No callbacks yet'), h('p', {}, 'Register a URL, such as the inbox of this sandbox, then send a request to a product that has callbacks:'));
    const { endpoints } = await catalog();
    const one = endpoints.find((endpoint) => endpoint.callback_type && endpoint.outcomes.some((outcome) => outcome.default && outcome.callback));
    if (!one || all.length) return;
    const { setup } = known;
    const user = setup.api_key && setup.world === store.world ? `${setup.api_key}:` : '"$ILUMA_API_KEY:"';
    empty.append(
      curlBox(`${setup.curl} ${setup.url}/v1/callback/urls -u ${user} -d ${word(JSON.stringify({ type: one.callback_type, url: `${setup.url}/__sandbox/inbox/mine` }))}`),
      curlBox(one.curl));
  }
  function draw() {
    const delivery = chosen();
    rows.choose(delivery);
    const one = all.find((known_) => known_.id === delivery);
    const print = JSON.stringify(one ?? null);
    if (print === shown) return;
    shown = print;
    if (!one) return fill(pane, h('div', { class: 'empty' }, h('p', {}, delivery ? 'This delivery is no longer in the log.' : 'Select a delivery to see its attempts.')));
    const { scrollTop } = pane;
    const parts = h('div', {});
    drawTrace(parts, store.world, one, one.id, () => parts.isConnected).catch(() => {});
    fill(pane,
      h('button', { type: 'button', class: 'back', onclick: () => change({ open: '' }) }, '← All deliveries'),
      h('div', { class: 'title' }, h('h2', {}, one.type),
        h('p', { class: 'facts' }, h('span', { class: `tag ${one.state}` }, one.state), h('span', { class: 'mono' }, outcomeOf(one.outcome)),
          one.on_purpose && h('span', { class: 'tag warn' }, `on purpose: ${one.on_purpose}`),
          one.redelivery_of && h('span', { class: 'dim' }, `redelivery of ${one.redelivery_of}`), h('span', { class: 'dim mono' }, one.id))),
      h('div', { class: 'row actions' }, button('Redeliver', again, { class: 'primary', disabled: withoutServer !== null, title: withoutServer ?? 'Sends the same bytes again (r)' }),
        one.record && h('a', { class: 'button', href: link('requests', { world: store.world, q: one.record }) }, 'Requests of the record')),
      withoutServer && h('p', { class: 'dim' }, withoutServer),
      one.reason && h('p', {}, one.reason),
      h('dl', { class: 'pairs' }, one.url && [h('dt', {}, 'to'), h('dd', { class: 'mono wrap' }, withoutSecrets(one.url))],
        one.record && [h('dt', {}, 'record'), h('dd', { class: 'mono wrap' }, one.record)],
        h('dt', {}, 'planned'), h('dd', {}, worldTime(one.created)),
        one.next_try && [h('dt', {}, 'next try'), h('dd', {}, worldTime(one.next_try), ' ', after(one.created, one.next_try))]),
      parts,
      h('h3', {}, 'Attempts'),
      !one.attempts.length && h('p', { class: 'dim' }, 'None yet.'),
      h('ol', { class: 'attempts' }, one.attempts.map((attempt, at) => h('li', {}, attemptOf(one, attempt, at)))),
      h('h3', {}, 'Body'), content(one.body, 'Body of the callback'));
    pane.scrollTop = scrollTop;
    revealListed(pane).catch(() => {});
  }
  async function again() {
    const delivery = chosen();
    if (!delivery) return;
    const fresh = await api(`deliveries/${encodeURIComponent(delivery)}/redeliver`, { method: 'POST', world: store.world });
    say(`Sent again as ${fresh.id}`);
    await load();
    change({ delivery: fresh.id });
  }
  const lookAgain = soon(() => load().catch(() => {}), 200);
  store.on('deliveries', ({ world }) => world === store.world && split.isConnected && lookAgain(), signal);
  store.on('returned', () => split.isConnected && lookAgain(), signal);
  let filtered = ' ';
  return {
    open() {
      fill(room, times.element, split);
      load().catch((error) => say(error.message, true));
    },
    placed(query) {
      if (filter.value !== (query.q ?? '')) filter.value = query.q ?? '';
      const filters = `${query.q ?? ''} ${query.span ?? ''}`;
      if (filtered !== filters) refresh(false);
      filtered = filters;
      times.placed();
      split.classList.toggle('open', Boolean(query.open && query.delivery));
      rows.choose(chosen(), { scroll: true });
      draw();
    },
    keys: {
      j: () => rows.move(1), k: () => rows.move(-1), Enter: () => rows.open(),
      r: () => again().catch((error) => say(error.message, true)),
      Escape: () => {
        change(wide.matches ? { open: '', delivery: '' } : { open: '' });
        rows.element.focus();
      },
    },
  };
}

/** One attempt: when, the answer, which addresses were tried, and what was sent. */
function attemptOf(delivery, attempt, at) {
  const pair = (name, value) => value && [h('dt', {}, name), h('dd', { class: 'wrap' }, value)];
  const { status, error } = attempt;
  return [
    h('p', {}, h('b', {}, `${at + 1}.`), ' ', status ? statusOf(status) : null, ' ', error && error !== `status ${status}` ? h('span', { class: 'bad' }, error) : null,
      h('span', { class: 'dim' }, ` took ${took(attempt.duration_ms * 1000)}`)),
    h('dl', { class: 'pairs' },
      pair('sent', [worldTime(attempt.at), ' ', after(delivery.created, attempt.at)]),
      pair('', [machineTime(attempt.sent_at), ' ', since(attempt.sent_at)]),
      attempt.addresses.map((tried) => pair('tried', [h('span', { class: 'mono' }, tried.address), ' ', tried.error ? h('span', { class: 'bad' }, tried.error) : h('span', { class: 'good' }, 'reached')])),
      pair('host map', attempt.host_map && h('span', { class: 'mono' }, attempt.host_map)),
      pair('location', attempt.location && h('span', { class: 'mono' }, withoutSecrets(attempt.location))),
      pair('answer', attempt.answer_line && h('span', { class: 'mono' }, withoutSecrets(attempt.answer_line)))),
    attempt.request ? h('details', { class: 'fold', open: at === delivery.attempts.length - 1 }, h('summary', {}, 'Request headers'), head(attempt.request)) : null,
    attempt.answer ? h('details', { class: 'fold' }, h('summary', {}, 'Whole answer'), content(attempt.answer, 'Answer of the receiver')) : null,
  ];
}

function urls(room, signal) {
  const place_ = h('div', { class: 'page' });
  async function draw() {
    const [{ callback_urls: all }, { endpoints }] = await Promise.all([api('callback_urls', { world: store.world }), catalog()]);
    fill(place_, h('h2', {}, 'Callback URLs'), h('p', { class: 'dim' }, 'The URL of each callback type in this world. A URL is tested before it is registered.'),
      h('div', { class: 'cards' }, all.map((one) => {
        const of = endpoints.filter((endpoint) => endpoint.callback_type === one.type);
        const outcomes = of.flatMap((endpoint) => endpoint.outcomes.filter((outcome) => !outcome.error_code && !outcome.sequence.length && !outcome.then.length)
          .map((outcome) => ({ endpoint: endpoint.id, outcome: outcome.name, words: of.length > 1 ? `${endpoint.id} · ${outcome.name}` : outcome.name })));
        const which = h('select', { 'aria-label': `Outcome of ${one.type}` }, h('option', { value: '' }, 'its final outcome'),
          outcomes.map((outcome, at) => h('option', { value: String(at) }, outcome.words)));
        const url = h('input', { type: 'url', value: one.url ?? '', placeholder: 'https://…', required: true, 'aria-label': `URL for ${one.type}`, spellcheck: 'false' });
        const useInbox = h('button', { type: 'button', class: 'small', 'aria-label': `Fill in the inbox for ${one.type}`, title: 'The receiver in this sandbox', onclick: () => {
          url.value = `${known.setup.url}/__sandbox/inbox/mine`;
          url.focus();
        } }, 'Inbox');
        return h('section', { class: 'card', 'aria-label': one.type },
          h('h3', {}, one.type, ' ', h('span', { class: `tag ${one.url ? 'delivered' : 'warn'}` }, one.url ? (one.by === 'request' ? 'registered' : 'by default') : 'not registered')),
          h('div', { class: 'row line' }, url, useInbox, button('Register', async () => {
            if (!url.reportValidity()) return;
            const answer = await send(store.world, { method: 'POST', path: '/v1/callback/urls', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ type: one.type, url: url.value }) });
            if (answer.status >= 300) throw new Error(JSON.parse(answer.text).message ?? answer.text);
            say(`${one.type} is now sent to ${url.value}`);
            await draw();
          }, { 'aria-label': `Register ${one.type}` })),
          h('div', { class: 'row line' }, which, button('Trigger', async () => {
            const chosen = outcomes[Number(which.value)];
            const fresh = await api('trigger', { method: 'POST', world: store.world, body: which.value === '' ? { type: one.type } : { endpoint: chosen.endpoint, outcome: chosen.outcome } });
            say(`${one.type} is being sent as ${fresh.id}`);
            change({ tab: '', delivery: fresh.id }, { push: true });
          }, { class: 'primary', disabled: !one.url, 'aria-label': `Trigger ${one.type}`, title: one.url ? 'Sends a callback without a request before it' : 'Register a URL first' })));
      })));
  }
  store.on('world', ({ world }) => world === store.world && place_.isConnected && !place_.contains(document.activeElement) && draw().catch(() => {}), signal);
  return {
    open() {
      fill(room, place_);
      draw().catch((error) => say(error.message, true));
    },
  };
}

function inbox(room, signal) {
  const place_ = h('div', { class: 'page' });
  async function draw() {
    const { inboxes } = await api('inbox');
    const parts = await Promise.all(inboxes.toReversed().map(async ({ inbox: name, received }) => {
      const { received: list, dropped } = await api(`inbox/${encodeURIComponent(name)}`);
      return h('section', { class: 'card wide', 'aria-label': `Inbox ${name}` },
        h('h3', {}, h('span', { class: 'mono' }, name), h('span', { class: 'dim' }, ` ${received} received${dropped ? `, ${dropped} older ones dropped` : ''}`), ' ',
          button('Clear', async () => {
            await api(`inbox/${encodeURIComponent(name)}`, { method: 'DELETE' });
            await draw();
          }, { class: 'small', 'aria-label': `Clear ${name}` })),
        list.slice(0, 50).map((one) => h('details', { class: 'fold' },
          h('summary', {}, `#${one.seq} `, statusOf(one.answered), h('span', { class: 'dim' }, ` ${one.headers['content-type'] ?? ''}`)),
          headers(one.headers),
          content(typeof one.body === 'string' ? one.body : JSON.stringify(one.body), `Entry ${one.seq} of ${name}`))),
        list.length > 50 && h('p', { class: 'dim' }, `and ${list.length - 50} older ones`));
    }));
    for (const part of parts) revealListed(part).catch(() => {});
    fill(place_, h('h2', {}, 'Inbox'), h('p', { class: 'dim' }, 'A callback receiver inside the sandbox. It stores everything that is POSTed to ', h('code', {}, `${known.setup.url}/__sandbox/inbox/NAME`), '. It does not belong to a world.'),
      parts.length ? h('div', { class: 'cards' }, parts) : h('div', { class: 'empty' }, h('h2', {}, 'The inbox is empty'), h('p', {}, 'Try it:'),
        curlBox(`${known.setup.curl} ${known.setup.url}/__sandbox/inbox/mine -d '{"hello": "inbox"}'`)));
  }
  const drawSoon = soon(() => place_.isConnected && draw().catch(() => {}), 200);
  for (const event of ['inbox', 'returned']) store.on(event, drawSoon, signal);
  return {
    open() {
      fill(room, place_);
      draw().catch((error) => say(error.message, true));
    },
  };
}
