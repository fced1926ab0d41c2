// The requests and callbacks of the last minutes, coloured by outcome. A span of it filters a list.

import { api } from './api.js';
import { clock, fill, h } from './dom.js';
import { now } from './machine.js';
import { change, place } from './place.js';
import { soon, store } from './store.js';

/** A bar stands for five seconds; the bars are ten minutes. */
const BIN = 5000;
const BINS = 120;
const HEIGHT = 20;
const WORLDS_MAX = 8;

/** From the bottom of a bar to its top, with the words for a screen reader. */
const KINDS = [['good', 'well'], ['warn', 'refused or retried'], ['bad', 'failed or broken']];

const svg = (tag, given, ...children) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(given)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

const spanOf = (span) => /^(\d+)-(\d+)$/.exec(span ?? '')?.slice(1).map(Number) ?? null;

/** Whether a time of the machine is in the span of the address bar. */
export function inSpan(at, span) {
  const chosen = spanOf(span);
  if (!chosen) return true;
  const ms = Date.parse(at);
  return ms >= chosen[0] && ms < chosen[1];
}

const ofRequest = ({ status, fault }) => (status >= 500 || fault ? 2 : status >= 400 ? 1 : 0);

/** The attempts to deliver callbacks of each world: when, and how they ended. */
const attempts = new Map();

async function load(world) {
  const { deliveries } = await api('deliveries', { world, query: { limit: 200 } });
  attempts.set(world, deliveries.flatMap((one) => one.attempts.map((attempt, at) => {
    const isLast = at === one.attempts.length - 1;
    return { at: Date.parse(attempt.sent_at), kind: attempt.error ? (isLast && one.state === 'failed' ? 2 : 1) : 0 };
  })));
}

export function timeline(signal) {
  const bars = svg('svg', { viewBox: `0 0 ${BINS} ${2 * HEIGHT + 1}`, preserveAspectRatio: 'none', role: 'img' });
  const marked = svg('rect', { class: 'marked', y: 0, height: 2 * HEIGHT + 1, width: 0 });
  const words = h('span', { class: 'dim' });
  const clear = h('button', { type: 'button', class: 'small', hidden: true, onclick: () => change({ span: '' }) }, '× all times');
  const [from, to] = ['First moment shown', 'Last moment shown'].map((label) => h('input', { type: 'range', min: '0', max: String(BINS), 'aria-label': label }));
  const graph = h('div', { class: 'graph', title: 'Drag over a span to filter the list' }, bars, from, to);
  const element = h('section', { class: 'times', 'aria-label': 'The last ten minutes' }, graph, h('div', { class: 'row' }, words, clear));

  let start = 0;
  let pressed = null;
  const drawSoon = soon(draw, 100);

  const choose = (one, other) => {
    const [first, last] = [Math.min(one, other), Math.max(one, other)];
    change({ span: last - first < BINS ? `${start + first * BIN}-${start + last * BIN}` : '', trace: '', open: '', delivery: '' });
  };
  const binAt = (event) => {
    const { left, width } = bars.getBoundingClientRect();
    return Math.min(BINS, Math.max(0, ((event.clientX - left) / width) * BINS));
  };
  bars.addEventListener('pointerdown', (event) => {
    pressed = binAt(event);
    bars.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  bars.addEventListener('pointermove', (event) => pressed !== null && mark(Math.floor(Math.min(pressed, binAt(event))), Math.ceil(Math.max(pressed, binAt(event)))));
  bars.addEventListener('pointerup', (event) => {
    if (pressed === null) return;
    const released = binAt(event);
    choose(Math.floor(Math.min(pressed, released)), Math.max(Math.ceil(Math.max(pressed, released)), Math.floor(pressed) + 1));
    pressed = null;
  });
  bars.addEventListener('pointercancel', () => {
    pressed = null;
    drawSpan();
  });
  for (const input of [from, to]) input.addEventListener('change', () => choose(Number(from.value), Math.max(Number(to.value), Number(from.value) + 1)));

  function mark(first, last) {
    marked.setAttribute('x', first);
    marked.setAttribute('width', Math.max(0, last - first));
  }

  function drawSpan() {
    const span = spanOf(place().query.span);
    const [first, last] = (span ?? [start, start + BINS * BIN]).map((ms) => Math.min(BINS, Math.max(0, (ms - start) / BIN)));
    mark(span ? first : 0, span ? last : 0);
    from.value = Math.round(first);
    to.value = Math.round(last);
    for (const input of [from, to]) input.setAttribute('aria-valuetext', clock(start + Number(input.value) * BIN).slice(0, 8));
    clear.hidden = !span;
    return span;
  }

  function draw() {
    if (!element.isConnected || pressed !== null) return; // a bar stays below the pointer
    start = (Math.floor(now() / BIN) + 1 - BINS) * BIN;
    const counts = [0, 1].map(() => Array.from({ length: BINS }, () => [0, 0, 0]));
    const totals = [[0, 0, 0], [0, 0, 0]];
    const count = (row, ms, kind) => {
      const bin = Math.min(BINS - 1, Math.floor((ms - start) / BIN)); // the clocks may differ a little
      if (bin < 0) return;
      counts[row][bin][kind] += 1;
      totals[row][kind] += 1;
    };
    const { world = 'all' } = place().query;
    const isShown = (tag) => (place().view === 'requests' ? world === 'all' || tag === world : tag === store.world);
    for (const entry of store.entries) {
      entry.ms ??= Date.parse(entry.at);
      if (entry.ms < start - 60000) break; // the newest are first
      if (isShown(entry.world)) count(0, entry.ms, ofRequest(entry));
    }
    for (const [tag, list] of attempts) if (isShown(tag)) for (const { at, kind } of list) count(1, at, kind);
    bars.replaceChildren(marked, svg('rect', { class: 'axis', x: 0, y: HEIGHT, width: BINS, height: 1 }), ...counts.flatMap(drawRow));
    const sum = (row, one) => totals[row].map((many, kind) => many && `${many} ${KINDS[kind][1]}`).filter(Boolean).join(', ') || `no ${one}`;
    bars.setAttribute('aria-label', `The last ten minutes. Requests: ${sum(0, 'requests')}. Callback attempts: ${sum(1, 'attempts')}.`);
    const span = drawSpan();
    const all = (row) => totals[row][0] + totals[row][1] + totals[row][2];
    fill(words, span ? `Only ${clock(span[0]).slice(0, 8)} to ${clock(span[1]).slice(0, 8)} machine time`
      : `Last 10 min, machine time: ${all(0)} requests ↑, ${all(1)} callback attempts ↓`);
  }

  function drawRow(bins, row) {
    const most = Math.max(8, ...bins.map((bin) => bin[0] + bin[1] + bin[2]));
    return bins.flatMap((bin, at) => {
      let full = 0;
      return bin.flatMap((many, kind) => {
        if (!many) return [];
        const [below, above] = [full, full + many].map((sum) => (Math.sqrt(sum / most)) * (HEIGHT - 1));
        full += many;
        return [svg('rect', { class: KINDS[kind][0], x: at + 0.1, width: 0.8, height: Math.max(0.6, above - below), y: row ? HEIGHT + 1 + below : HEIGHT - above },
          svg('title', {}, `${clock(start + at * BIN).slice(0, 8)}: ${many} ${row ? 'callback attempts' : 'requests'} ${KINDS[kind][1]}`))];
      });
    });
  }

  const waiting = new Set();
  const loadSoon = soon(async () => {
    const { world = 'all' } = place().query;
    const worlds = [...waiting].filter((tag) => world === 'all' || tag === store.world).slice(-WORLDS_MAX);
    waiting.clear();
    for (const tag of attempts.keys()) if (attempts.size > 4 * WORLDS_MAX) attempts.delete(tag);
    await Promise.all(worlds.map((world) => load(world).catch(() => attempts.delete(world))));
    draw();
  }, 500);
  const loadAll = () => {
    const latest = store.worlds.filter((one) => one.deliveries && one.idle_ms < BINS * BIN).slice(0, WORLDS_MAX);
    for (const { world } of latest) if (!attempts.has(world)) waiting.add(world);
    if (waiting.size) loadSoon();
  };
  store.on('deliveries', ({ world }) => {
    waiting.add(world);
    loadSoon();
  }, signal);
  store.on('returned', () => {
    attempts.clear();
    loadAll();
  }, signal);
  store.on('worlds', loadAll, signal);
  store.on('entries', drawSoon, signal);
  const timer = setInterval(drawSoon, BIN);
  signal.addEventListener('abort', () => clearInterval(timer));
  attempts.clear();
  loadAll();
  drawSoon();
  return { element, placed: draw };
}
