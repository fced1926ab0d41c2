// One world: its contents, clock, faults, queued outcomes and coverage.

import { api, withoutServer } from './api.js';
import { ago, button, fill, h, say } from './dom.js';
import { place } from './place.js';
import { catalog, soon, store } from './store.js';

/** Turns a fault from the form of a response into the form of a request. */
function clean({ endpoint, fault, delay, probability, rate_limit: limit }) {
  const given = Object.entries({ endpoint, fault, delay, rate_limit: limit }).filter(([, value]) => value !== null && value !== undefined && value !== '');
  return { ...Object.fromEntries(given), ...(fault || delay ? { probability } : {}) };
}

const COLUMNS = ['Endpoint', 'Fault', 'Delay', 'Probability', 'Rate limit', 'Seen', 'Struck'];

export function open(main, signal) {
  const holds = h('section', { class: 'card', 'aria-label': 'The world' });
  const clock = h('section', { class: 'card', 'aria-label': 'Clock' });
  const queue = h('section', { class: 'card', 'aria-label': 'Queue' });
  const faults = h('section', { class: 'card wide', 'aria-label': 'Faults' });
  const coverage = h('section', { class: 'card wide', 'aria-label': 'Coverage' });
  fill(main, h('h1', { class: 'unseen' }, 'World'), h('div', { class: 'page' }, h('div', { class: 'cards' }, holds, withoutServer ? h('section', { class: 'card', 'aria-label': 'Clock, queue and faults' }, h('h2', {}, 'Clock, queue and faults'), h('p', { class: 'dim' }, withoutServer)) : [clock, queue, faults], coverage)));
  const world = () => store.world;
  let shown = null;

  function drawHolds() {
    if (holds.contains(document.activeElement)) return; // a question is being asked there
    const one = store.worlds.find((listed) => listed.world === world());
    const number = (label, value) => [h('dt', {}, label), h('dd', {}, String(value ?? 0))];
    const sure = h('span', { class: 'row' });
    const first = button('Reset', async () => {
      fill(sure, h('span', {}, 'This deletes everything in this world.'), button('Reset it', async () => {
        const { cancelled_callbacks: cancelled } = await api('reset', { method: 'POST', world: world() });
        document.activeElement?.blur();
        say(cancelled ? `The world is empty; ${cancelled} callbacks were cancelled` : 'The world is empty');
        await load();
      }, { class: 'danger' }), button('Keep it', async () => fill(sure, first)));
      sure.querySelector('button').focus();
    }, { class: 'danger' });
    fill(sure, withoutServer ? null : first);
    fill(holds, h('h2', {}, one?.name ?? 'World', ' ', h('span', { class: 'mono dim' }, world())),
      h('dl', { class: 'pairs' }, number('requests', one?.requests), number('records', one?.records), number('deliveries', one?.deliveries), number('pending callbacks', one?.pending_callbacks),
        one && number('last used', ago(one.idle_ms))), h('div', { class: 'row' }, sure));
  }

  const now = h('p', { class: 'big mono', id: 'now' });
  const moves = h('p', { class: 'dim' });
  const to = h('input', { type: 'text', id: 'clock-to', spellcheck: 'false' });
  const advance = async (by) => {
    const { now: then, deliveries } = await api('clock/advance', { method: 'POST', world: world(), body: { by } });
    say(`The world time is ${then}${deliveries.length ? `; ${deliveries.length} callbacks were sent on the way` : ''}`);
    await drawClock();
  };
  const by = h('input', { type: 'text', id: 'advance-by', 'aria-label': 'Advance by', value: '1h', class: 'short', spellcheck: 'false' });
  fill(clock, h('h2', {}, 'Clock ', h('span', { class: 'dim' }, 'world time')), now, moves,
    h('div', { class: 'row line' }, by, button('Advance', () => advance(by.value), { class: 'primary' }),
      ['1s', '1m', '1d'].map((text) => button(`+${text}`, () => advance(text), { class: 'small' }))),
    h('div', { class: 'row line' }, h('label', { for: 'clock-to' }, 'or to'), to, button('Set', async () => {
      await api('clock', { method: 'POST', world: world(), body: { now: to.value } });
      await drawClock();
    })));
  async function drawClock() {
    const told = await api('clock', { world: world() });
    if (to.value === now.textContent) to.value = told.now; // unless the reader wrote something else there
    fill(now, told.now);
    fill(moves, told.frozen ? 'It is frozen until it is advanced' : 'It runs', told.advanced_ms ? `; advanced by ${told.advanced_ms / 1000} s so far.` : '.');
  }

  /** Endpoints to choose from, filled again only when the scenarios have changed. */
  const choices = (element, first, all) => {
    const print = all.map((one) => one.id).join();
    if (element.print === print) return;
    const { value } = element;
    element.print = print;
    fill(element, first, all.map((one) => h('option', { value: one.id }, one.id)));
    if (all.some((one) => one.id === value)) element.value = value;
    element.dispatchEvent(new Event('change'));
  };

  let catalogue = { endpoints: [], errors: [] };
  const waits = h('div', {});
  const queued = h('select', { 'aria-label': 'Endpoint' });
  const outcome = h('select', { 'aria-label': 'Outcome' });
  const times = h('input', { type: 'number', min: '1', value: '1', 'aria-label': 'Times', class: 'short' });
  queued.addEventListener('change', () => {
    const own = catalogue.endpoints.find((one) => one.id === queued.value)?.outcomes ?? [];
    fill(outcome, [...own, ...catalogue.errors].map((one) => h('option', { value: one.name }, one.name)));
  });
  fill(queue, h('h2', {}, 'Queued outcomes'), waits, h('div', { class: 'row' }, queued, outcome, times, button('Queue', async () => {
    await api('next', { method: 'POST', world: world(), body: { endpoint: queued.value, outcome: outcome.value, times: Number(times.value) } });
    await drawQueue();
  }, { class: 'primary' })));
  async function drawQueue() {
    const [{ waiting }, all] = await Promise.all([api('next', { world: world() }), catalog()]);
    catalogue = all;
    choices(queued, null, all.endpoints.filter((one) => one.method === 'POST' || !one.path.endsWith('{id}')));
    fill(waits, waiting.length ? h('ol', { class: 'plain' }, waiting.map((one) => h('li', {}, h('span', { class: 'mono' }, one.outcome), one.times > 1 && ` × ${one.times}`, h('span', { class: 'dim' }, ` ${one.endpoint}${one.reads ? ' (reads)' : ''}`))))
      : h('p', { class: 'dim' }, 'None: the data of each call decide its response.'),
    waiting.length > 0 && h('div', { class: 'row' }, button('Clear the queue', async () => {
      await api('next', { method: 'DELETE', world: world() });
      await drawQueue();
    }, { class: 'small' })));
  }

  const heal = h('span', {});
  const standing = h('div', {});
  let faulty = [];
  const endpoint = h('select', { 'aria-label': 'Of endpoint' });
  const fault = h('select', { 'aria-label': 'Fault' });
  const delay = h('input', { type: 'text', 'aria-label': 'Delay', placeholder: 'delay: 2s', size: '9', spellcheck: 'false' });
  const chance = h('input', { type: 'number', min: '0', max: '1', step: '0.05', value: '1', class: 'short' });
  const ttl = h('input', { type: 'text', value: '5m', size: '5', spellcheck: 'false' });
  const healing = button('Remove now', async () => {
    await api('faults', { method: 'DELETE', world: world() });
    await drawFaults();
  });
  fill(faults, h('h2', {}, 'Faults ', heal), standing,
    h('div', { class: 'row' }, endpoint, fault, delay, h('label', {}, 'probability ', chance), h('label', {}, 'time to live ', ttl), button('Add', async () => {
      if (!fault.value && !delay.value.trim()) {
        fault.focus();
        return say('Choose a fault or enter a delay first', true);
      }
      const added = clean({ endpoint: endpoint.value, fault: fault.value, delay: delay.value, probability: Number(chance.value) });
      await api('faults', { method: 'PUT', world: world(), body: { faults: [...faulty.map(clean), added], ttl: ttl.value } });
      await drawFaults();
    }, { class: 'primary' }), healing));
  async function drawFaults() {
    const [{ faults: all, left_ms: left }, { endpoints, faults: kinds }] = await Promise.all([api('faults', { world: world() }), catalog()]);
    faulty = all;
    choices(endpoint, h('option', { value: '' }, 'all endpoints'), endpoints);
    choices(fault, h('option', { value: '' }, 'no fault'), kinds.map((id) => ({ id })));
    healing.hidden = !all.length;
    fill(heal, all.length > 0 && h('span', { class: 'tag warn', id: 'ttl' }, `end in ${left < 90000 ? `${Math.ceil(left / 1000)} s` : `${Math.ceil(left / 60000)} min`}`));
    fill(standing, all.length ? h('div', { class: 'table', role: 'region', tabindex: '0', 'aria-label': 'Standing faults' }, h('table', {},
      h('thead', {}, h('tr', {}, COLUMNS.map((words) => h('th', { scope: 'col' }, words)))),
      h('tbody', {}, all.map((one) => h('tr', {}, [one.endpoint ?? 'all', one.fault ?? '–', one.delay ?? '–', one.probability, one.rate_limit ? `${one.rate_limit.limit} in ${one.rate_limit.window}` : '–', one.seen, one.struck]
        .map((value, at) => h('td', { class: at < 3 ? 'mono wrap' : '', 'data-label': COLUMNS[at] }, String(value)))))))) : h('p', { class: 'dim' }, 'None: responses of this world are complete and on time.'));
  }

  async function drawCoverage() {
    const told = await api('coverage', { world: world() });
    const isOpen = new Set([...coverage.querySelectorAll('details[open]')].map((one) => one.dataset.name));
    const part = (one, label) => {
      const total = one.exercised.length + one.missed.length;
      return h('details', { class: 'fold', 'data-name': one.name, open: isOpen.has(one.name) },
        h('summary', {}, h('span', { class: 'mono' }, label ?? one.name), ' ', h('span', { class: one.missed.length ? 'dim' : 'good' }, `${one.exercised.length} of ${total}`)),
        h('ul', { class: 'outcomes' }, one.exercised.map((done) => h('li', {}, h('span', { class: 'mono good' }, `✓ ${done.name}`), h('span', { class: 'dim' }, `× ${done.count}`))),
          one.missed.map((missed) => h('li', {}, h('span', { class: 'mono dim' }, missed.name)))));
    };
    const meter = h('meter', { min: '0', max: '100', 'aria-label': 'Coverage in percent' });
    meter.value = told.percent;
    fill(coverage, h('h2', {}, 'Coverage ', h('span', { class: 'dim' }, `${told.exercised} of ${told.total} · ${told.percent} %`)), meter,
      h('p', { class: 'dim' }, withoutServer ? 'The outcomes, errors and callbacks that all worlds have used.' : 'The outcomes, errors and callbacks that this world has used since its last reset.'),
      h('div', { class: 'columns' }, told.endpoints.map((one) => part(one)), part(told.errors, 'errors'), part(told.callback_behaviours, 'callbacks')));
  }

  async function load() {
    shown = world();
    await store.loadWorlds().catch(() => {});
    drawHolds();
    await Promise.all(withoutServer ? [drawCoverage()] : [drawClock(), drawQueue(), drawFaults(), drawCoverage()]);
  }
  const again = soon(() => load().catch(() => {}), 600);
  for (const event of ['world', 'deliveries']) store.on(event, (told) => told.world === world() && again(), signal);
  for (const event of ['entries', 'returned']) store.on(event, again, signal);
  load().catch((error) => say(error.message, true));
  return {
    placed: () => {
      if (place().view === 'world' && world() !== shown) load().catch((error) => say(error.message, true));
    },
    keys: {},
  };
}
