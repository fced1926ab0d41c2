// The frame of the page: views, the choice of a world, mistakes in scenario files, light and dark.

import { known, withoutServer } from './api.js';
import { $, age, fill, h, put } from './dom.js';
import { help, listen } from './keys.js';
import { change, go, link, onPlace, place } from './place.js';
import { store } from './store.js';
import * as callbacks from './callbacks.js';
import * as requests from './requests.js';
import * as scenarios from './scenarios.js';
import * as world from './world.js';

const VIEWS = { requests: ['Requests', requests], callbacks: ['Callbacks', callbacks], scenarios: ['Scenarios', scenarios], world: ['World', world] };
const THEMES = { auto: 'light or dark, as in the system', light: 'light', dark: 'dark' };

const tabs = h('nav', { 'aria-label': 'Views' });
const documents = h('nav', { 'aria-label': 'Documentation', class: 'documents' },
  h('a', { href: 'docs/book', title: 'The documentation, from this sandbox: no network is needed' }, 'Docs'),
  h('a', { href: 'docs', title: 'Both APIs, with an example of each call' }, 'API'));
const worlds = h('select', { 'aria-label': 'World', id: 'worlds' });
const live = h('span', { class: 'live', id: 'live' });
const theme = h('button', { type: 'button', class: 'quiet', id: 'theme' });

let current = null;
let view = null;
let leave = null;

function header() {
  put($('#top'),
    h('a', { class: 'brand', href: '#/requests' }, h('b', {}, 'iluma'), '-sandbox'), tabs, !withoutServer && documents,
    h('div', { class: 'row tools' }, live, worlds, theme,
      h('button', { type: 'button', class: 'quiet', 'aria-label': 'Keys', title: 'Keys (?)', onclick: help }, '?')));
  worlds.addEventListener('change', () => change({ world: worlds.value === 'all' ? '' : worlds.value, trace: '', open: '', delivery: '' }, { push: true }));
  let chosen = localStorage.getItem('iluma-theme') ?? 'auto';
  const paint = () => {
    if (chosen === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    fill(theme, { auto: '◐', light: '☀', dark: '☾' }[chosen]);
    theme.setAttribute('aria-label', `Theme: ${THEMES[chosen]}`);
    theme.title = `Theme: ${THEMES[chosen]}`;
  };
  theme.addEventListener('click', () => {
    const names = Object.keys(THEMES);
    chosen = names[(names.indexOf(chosen) + 1) % names.length];
    localStorage.setItem('iluma-theme', chosen);
    paint();
  });
  paint();
}

function drawTabs() {
  const { view: name, query } = place();
  fill(tabs, Object.entries(VIEWS).map(([id, [label]]) => h('a', {
    href: link(id, { world: query.world }), 'aria-current': id === name ? 'page' : null,
  }, label)));
  document.title = `${VIEWS[name]?.[0] ?? 'Requests'} · iluma-sandbox`;
}

function drawWorlds() {
  const { view: name } = place();
  const isAll = name === 'requests';
  if (!known.setup) return;
  const listed = store.worlds.map((one) => [one.world, `${one.name ?? one.world} · ${one.requests}`]);
  if (!store.worlds.some((one) => one.world === store.world)) listed.unshift([store.world, `${store.world} · 0`]);
  fill(worlds, isAll && h('option', { value: 'all' }, 'all worlds'), listed.map(([value, words]) => h('option', { value }, words)));
  worlds.value = isAll ? place().query.world || 'all' : store.world;
}

let isFolded = false;
function drawBanner() {
  const { reload } = store;
  if (reload?.scenarios !== 'stale') {
    isFolded = false;
    return fill($('#banner'));
  }
  const many = reload.errors.length;
  const [first] = reload.errors;
  const text = h('pre', { tabindex: '0' }, reload.error_text);
  const told = h('details', { open: !isFolded },
    h('summary', {}, h('b', {}, many === 1 ? 'A scenario file is broken.' : `The scenario files have ${many} mistakes.`), ' The last correct scenarios stay in use until this is fixed.',
      first?.file && h('span', { class: 'mono wrap place' }, ` ${first.file}:${first.line}`)), text);
  told.addEventListener('toggle', () => (isFolded = !told.open));
  return fill($('#banner'), h('div', { role: 'alert', class: 'broken' }, told));
}

function drawLive() {
  const [state, words] = withoutServer ? ['off', 'export'] : store.isOpen ? ['on', 'live'] : ['off', 'not connected'];
  live.className = `live ${state}`;
  live.title = withoutServer ?? '';
  fill(live, h('span', { class: 'dot', 'aria-hidden': 'true' }), h('span', { class: 'words' }, words));
}

function placed() {
  const { view: name } = place();
  drawTabs();
  drawWorlds();
  if (name === current) return view.placed?.(place());
  if (!VIEWS[name]) return go('requests');
  leave?.abort();
  leave = new AbortController();
  current = name;
  const main = $('#main');
  main.className = name;
  fill(main);
  view = VIEWS[name][1].open(main, leave.signal);
}

async function start() {
  header();
  drawTabs();
  fill($('#main'), h('p', { class: 'empty dim' }, 'Loading…'));
  store.on('connection', drawLive);
  store.on('worlds', drawWorlds);
  store.on('reload', drawBanner);
  try {
    await store.start();
  } catch (error) {
    fill($('#main'), h('div', { class: 'empty' }, h('h2', {}, 'The sandbox does not answer'), h('p', {}, error.message),
      h('p', {}, h('button', { type: 'button', class: 'primary', onclick: () => location.reload() }, 'Try again'))));
    return;
  }
  drawLive();
  setInterval(age, 1000);
  onPlace(placed);
  listen({ view: () => view, go: (number) => go(Object.keys(VIEWS)[number]) });
  placed();
}

start();
