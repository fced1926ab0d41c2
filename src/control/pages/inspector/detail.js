// One exchange: request and response, the explanation, the later states of its record, and other possible outcomes.

import { NO_WORLD, api, known, send, withoutServer } from './api.js';
import { after, button, bytes, copy, fill, h, kind, machineTime, outcomeOf, say, since, source, statusOf, took, worldTime } from './dom.js';
import { bodyOf, curl, hasUpload, isForm, isOwn, target } from './curl.js';
import { body, headers } from './json.js';
import { masked, plainPath, revealAll, revealListed, withoutSecrets } from './mask.js';
import { change, link } from './place.js';
import { powershell } from './powershell.js';
import { catalog, soon, store } from './store.js';
import { drawTrace } from './trace.js';
import { drawnOf } from './uploads.js';

export function detail(pane, { close }) {
  const stop = new AbortController();
  let trace = null;
  let request = null;
  let turn = 0;
  const asked = h('div', {});
  const life = h('div', { class: 'life' });
  const traced = h('div', {});
  const others = h('div', { class: 'others' });

  const asks = (tag) => (tag === NO_WORLD ? 'strangers' : tag);

  async function show(wanted) {
    if (wanted === trace) return;
    trace = wanted;
    request = null;
    turn += 1;
    const mine = turn;
    if (!trace) {
      return fill(pane, h('div', { class: 'empty' }, h('p', {}, 'Select a request to see its details.'),
        h('p', { class: 'dim' }, h('kbd', {}, 'j'), ' ', h('kbd', {}, 'k'), ' move, ', h('kbd', {}, '?'), ' lists the keys.')));
    }
    const [tag] = trace.split('-');
    try {
      const [found, why] = await Promise.all([
        api('requests', { world: asks(tag), query: { trace, limit: 1 } }),
        api(`explain/${encodeURIComponent(trace)}`, { world: tag === NO_WORLD ? undefined : tag }).catch((error) => ({ because: error.message })),
      ]);
      if (mine !== turn) return;
      request = found.requests[0];
      if (!request) throw new Error('This request is no longer in the journal: a world keeps its latest 1000 requests, and a reset deletes them.');
      draw(why);
    } catch (error) {
      if (mine === turn) fill(pane, back(), h('div', { class: 'empty' }, h('p', {}, error.message)));
    }
  }

  const back = () => h('button', { type: 'button', class: 'back', onclick: close }, '← All requests');

  function draw(why) {
    const cannot = unsendable(request);
    const { redacts } = known.setup;
    fill(pane,
      back(),
      h('div', { class: 'title' },
        h('h2', {}, h('span', { class: `c-method m-${request.method}` }, request.method), ' ', maskedPath(target(request))),
        h('p', { class: 'facts' },
          statusOf(request.status), h('span', { class: 'mono' }, outcomeOf(request.outcome)),
          h('span', {}, machineTime(request.at), h('span', { class: 'dim' }, ' · ', since(request.at), ` · took ${took(request.duration_us)}`)),
          request.delay_ms > 0 && h('span', { class: 'tag warn' }, `delayed by ${took(request.delay_ms * 1000)}`),
          request.fault && h('span', { class: 'tag warn' }, `broken: ${request.fault}`),
          h('span', { class: 'dim mono', title: 'x-sandbox-trace' }, request.trace))),
      h('div', { class: 'row actions' },
        button('Copy as curl', () => copy(curl(request), 'curl'), redacts ? { disabled: true, title: cannot } : {}),
        button('Copy as PowerShell', () => copy(powershell(request), 'PowerShell'), redacts ? { disabled: true, title: cannot } : {}),
        button('Send again', again, { class: 'primary', disabled: cannot !== null, title: cannot ?? 'Sends the same request once more (r)' }),
        redacts ? h('span', { class: 'tag', title: cannot }, 'redacted') : button('Show personal fields', async () => revealAll(pane))),
      withoutServer && h('p', { class: 'dim' }, withoutServer),
      h('h3', {}, 'Why'), explanation(why), life, traced,
      h('h3', {}, 'Request'), part(request.headers, 'Request headers'), asked,
      request.body_sha256 && cut(request.body_bytes),
      h('h3', {}, 'Reply'), part(request.reply_headers, 'Reply headers'), body(request.reply, request.reply_bytes, 'Reply body'),
      request.reply_sha256 && cut(request.reply_bytes),
      others);
    drawAsked();
    revealListed(pane).catch(() => {});
    pane.scrollTop = 0;
    fill(others);
    fill(life);
    fill(traced);
    drawTraced(why);
    drawLife(why).catch(() => {});
    drawOthers().catch(() => {});
  }

  const drawAsked = () => fill(asked, body(request.body, request.body_bytes, 'Request body', drawnOf(request.trace)));

  const cut = (size) => h('p', { class: 'dim' }, `Only the first 64 KiB of ${bytes(size)} are stored.`);

  const part = (map, label) => h('details', { class: 'fold' },
    h('summary', {}, label, h('span', { class: 'dim' }, ` ${Object.keys(map).length}`)), headers(map));

  async function again() {
    if (!request) return;
    const cannot = unsendable(request);
    if (cannot) throw new Error(cannot);
    const sent = {};
    for (const [name, value] of Object.entries(request.headers)) if (isOwn(name)) sent[name] = value;
    const answer = await send(request.world, { method: request.method, path: target(request), headers: sent, body: bodyOf(request) || undefined });
    say(`Sent again: ${answer.status} ${outcomeOf(answer.outcome)}`);
    if (answer.trace) change({ trace: answer.trace });
  }

  async function drawLife(why) {
    const { record, callbacks = [] } = why;
    if (!record) return;
    const mine = turn;
    const { deliveries } = callbacks.length
      ? await api('deliveries', { world: request.world, query: { record: record.id, limit: 100 } }) : { deliveries: [] };
    if (mine !== turn) return;
    const item = (cls, time, ...words) => h('li', { class: cls }, h('span', { class: 'when' }, time), h('div', {}, words));
    fill(life, h('h3', {}, 'States of the record'),
      h('p', { class: 'mono dim wrap' }, record.id),
      h('ol', { class: 'timeline' },
        item('done', machineTime(request.at), request.method === 'GET' ? 'read' : 'created', ' · current state ', h('b', { class: 'mono' }, outcomeOf(record.shows) || 'none: the record was dropped')),
        (record.changes ?? []).map((step) => item(outcomeOf(step.outcome) === outcomeOf(record.shows) ? 'done' : '', h('span', { class: 'after', title: 'by the clock of the world' }, `+${step.after}`), 'becomes ', h('b', { class: 'mono' }, outcomeOf(step.outcome)))),
        deliveries.toReversed().map((one) => item(one.state === 'delivered' ? 'done' : one.state === 'failed' ? 'bad' : '', worldTime(one.created),
          h('a', { href: link('callbacks', { world: request.world, delivery: one.id }) }, 'callback'), ' ', h('span', { class: 'mono' }, outcomeOf(one.outcome)), ' ', h('span', { class: `tag ${one.state}` }, one.state),
          one.on_purpose && h('span', { class: 'tag warn' }, one.on_purpose),
          h('ul', {}, one.attempts.map((attempt) => h('li', {}, after(one.created, attempt.at), ' ',
            attempt.status ? statusOf(attempt.status) : h('span', { class: 'bad' }, attempt.error ?? 'no answer'), h('span', { class: 'dim' }, ` took ${attempt.duration_ms} ms, `, since(attempt.sent_at)))),
          one.next_try && h('li', { class: 'dim' }, 'next try ', after(one.created, one.next_try)))))));
  }

  function drawTraced({ request: ids = {} }) {
    const mine = turn;
    drawTrace(traced, request.world, ids, request.trace, () => mine === turn).catch(() => {});
  }

  async function drawOthers() {
    const mine = turn;
    const { world, endpoint } = request;
    if (!endpoint || world === NO_WORLD || withoutServer) return;
    const [{ endpoints, errors }, { waiting }] = await Promise.all([catalog(), api('next', { world })]);
    const about = endpoints.find((one) => one.id === endpoint);
    if (mine !== turn || !about) return;
    const reads = about.method === 'POST' && request.method === 'GET';
    const now = outcomeOf(request.outcome);
    const one = (outcome) => h('li', {},
      h('span', { class: `mono ${outcome.name === now ? 'now' : ''}` }, outcome.name, outcome.name === now && h('span', { class: 'dim' }, ' this one'), outcome.place && h('div', {}, at(outcome.place))),
      h('span', { class: `status ${kind(outcome.status)}` }, String(outcome.status)), source(outcome.source),
      button('Queue', async () => {
        await api('next', { method: 'POST', world, body: { endpoint, outcome: outcome.name, reads } });
        say(`${outcome.name} answers the next ${reads ? 'read' : 'call'} of ${endpoint}`);
        await drawOthers();
      }, { class: 'small', 'aria-label': `Queue ${outcome.name}`, title: 'Answers the next call of this endpoint in this world' }));
    const own = about.outcomes.filter((outcome) => !reads && about.method === request.method);
    const mineWaiting = waiting.filter((queued) => queued.endpoint === endpoint);
    fill(others, h('h3', {}, 'What else could it answer?'),
      mineWaiting.length > 0 && h('p', { class: 'queued' }, 'Queued: ', mineWaiting.map((queued) => h('span', { class: 'tag' }, `${queued.outcome}${queued.times > 1 ? ` × ${queued.times}` : ''}${queued.reads ? ' (reads)' : ''}`)), ' ',
        button('Clear', async () => {
          await api('next', { method: 'DELETE', world, query: { endpoint } });
          await drawOthers();
        }, { class: 'small', 'aria-label': 'Clear the queue of this endpoint' })),
      own.length > 0 && h('ul', { class: 'outcomes' }, own.map(one)),
      h('details', { class: 'fold', open: !own.length }, h('summary', {}, 'Errors'), h('ul', { class: 'outcomes' }, errors.map(one))));
  }

  const lookAgain = soon(async () => {
    if (!request || request.world === NO_WORLD) return;
    const mine = turn;
    const why = await api(`explain/${request.trace}`, { world: request.world }).catch(() => null);
    if (!why || mine !== turn) return;
    drawTraced(why);
    await drawLife(why);
  }, 250);
  store.on('returned', lookAgain, stop.signal);
  store.on('drawn', (which) => {
    if (which !== request?.trace) return;
    drawAsked();
    revealListed(asked).catch(() => {});
  }, stop.signal);
  store.on('deliveries', ({ world }) => world === request?.world && lookAgain(), stop.signal);
  store.on('world', ({ world }) => {
    if (world !== request?.world) return;
    lookAgain();
    drawOthers().catch(() => {});
  }, stop.signal);

  return { show, again: () => again().catch((error) => say(error.message, true)), close: () => stop.abort() };
}

function unsendable(request) {
  if (known.setup.redacts) return 'Personal fields are hidden (--redact), so the request cannot be sent again';
  if (withoutServer) return withoutServer;
  if (isForm(request) || hasUpload(request.body)) return 'The files of an upload are not stored: copy the request as curl, or use Try it in Scenarios';
  if (bodyOf(request) === null) return 'Only a part of the body is stored';
  return null;
}

function maskedPath(text) {
  const plain = plainPath(text);
  return plain === text ? h('span', { class: 'mono wrap' }, text) : [h('span', { class: 'mono wrap' }, plain), ' ', masked(withoutSecrets(text), 'the path', 'mono wrap')];
}

const at = (place) => h('code', {}, `${place.file}:${place.line}`);
const shown = (value) => (value === null || value === undefined ? 'nothing' : JSON.stringify(value));

function explanation(why) {
  const rules = why.rules ?? [];
  const decided = [why.decided_by ?? []].flat();
  // The value that a condition received may be personal.
  const received = (value, name) => (value === null || value === undefined ? 'nothing' : masked(shown(value), name, '', typeof value === 'object' ? {} : { value }));
  return h('div', { class: 'why' },
    why.nearest_rule && why.chosen_by !== 'rule'
      ? h('p', { class: 'because' }, why.because.replace(` The nearest rule: ${why.nearest_rule.differs}`, ''))
      : h('p', { class: 'because' }, why.because),
    (why.errors ?? []).length > 0 && h('ul', {}, why.errors.map((error) => h('li', {}, h('code', {}, error.path), ' ', error.message))),
    decided.filter((one) => one.condition).map((one) => h('p', {}, h('code', {}, one.condition), one.expected !== undefined && [' expects ', h('code', {}, shown(one.expected))], ', received ', received(one.received, one.condition))),
    h('dl', { class: 'pairs' },
      why.answered_from && [h('dt', {}, 'answered from'), h('dd', {}, at(why.answered_from.place), ' ', source(why.answered_from.source), why.chosen?.turn ? ` turn ${why.chosen.turn}` : null)],
      why.endpoint && [h('dt', {}, 'endpoint'), h('dd', {}, h('span', { class: 'mono' }, why.endpoint.id), ' ', at(why.endpoint.place), ' ', source(why.endpoint.source))],
      why.dummy_data && [h('dt', {}, 'dummy data'), h('dd', {}, h('code', {}, why.dummy_data.lookup), ' says ', h('b', {}, String(why.dummy_data.verdict)), ' of ', Object.keys(why.dummy_data.read).join(', ') || 'nothing')]),
    why.dummy_data?.nearest && h('div', {}, h('p', {}, why.dummy_data.nearest.length > 0 ? 'The nearest on the list:' : 'No name on the list is similar.'),
      h('ul', {}, why.dummy_data.nearest.map((near) => h('li', {}, near.name, ` with score ${near.score}: ${near.because}`)))),
    rules.length > 0 && h('details', { class: 'fold', open: rules.some((rule) => rule.held) },
      h('summary', {}, `${why.rules_tried} ${why.rules_tried === 1 ? 'rule' : 'rules'} tried`),
      h('ol', { class: 'rules' }, rules.map((rule) => h('li', { class: rule.held ? 'held' : '' },
        h('span', { class: 'mono' }, rule.outcome), ' ', at(rule.place), rule.held ? h('b', {}, ' held') : null,
        rule.failed.map((one) => h('div', { class: 'dim' }, h('code', {}, one.condition), ' expects ', h('code', {}, shown(one.expected)), ', received ', received(one.received, one.condition), one.look_alike && [' (they look alike: ', masked(one.look_alike, one.condition), ')'])))))),
    why.no_callback && h('p', { class: 'dim' }, `No callback: ${why.no_callback}.`),
    (why.notes ?? []).map((note) => h('p', { class: 'dim' }, `Note: ${note}.`)));
}
