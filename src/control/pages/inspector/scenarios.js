// Every endpoint and outcome, the state of the scenario files, and a request built from a schema.

import { ago, button, copy, curlBox, fill, h, kind, source } from './dom.js';
import { change, link, place } from './place.js';
import { catalog, store } from './store.js';
import { tryit } from './tryit.js';

const fieldsOf = ({ method, path, fields }) => JSON.stringify([method, path, fields]);

export function open(main, signal) {
  const filter = h('input', { type: 'search', placeholder: 'Filter: endpoint, path, outcome…', 'aria-label': 'Filter by text', autocomplete: 'off', spellcheck: 'false' });
  const files = h('p', { class: 'dim files', id: 'files' });
  const list = h('nav', { class: 'list endpoints', 'aria-label': 'Endpoints' });
  const pane = h('section', { class: 'detail', 'aria-label': 'Endpoint in detail', tabindex: '-1' });
  const split = h('div', { class: 'split scenarios' }, list, pane);
  fill(main, h('h1', { class: 'unseen' }, 'Scenarios'), h('div', { class: 'bar', role: 'search' }, filter, files), split);
  filter.addEventListener('input', () => change({ q: filter.value }));
  let all = null;
  let drawn = null;
  let form = null;

  function drawFiles() {
    const { reload } = store;
    if (!reload) return;
    const since = reload.last_reload_ms_ago === null ? null : reload.last_reload_ms_ago + Date.now() - reload.seen_at;
    fill(files, h('span', { class: reload.scenarios === 'stale' ? 'bad' : '' }, reload.scenarios === 'stale' ? 'broken; the last correct files are in use' : 'all files are correct'),
      ` · generation ${reload.generation} · `, since === null ? 'not reloaded since the start' : `${reload.reloads} ${reload.reloads === 1 ? 'reload' : 'reloads'}, the last ${ago(since)}`,
      reload.warnings.length > 0 && h('span', { class: 'warn' }, ` · ${reload.warnings.length} warnings`));
  }

  async function load() {
    const read = await catalog();
    if (JSON.stringify(read) === JSON.stringify(all)) return; // what is open in it stays open
    all = read;
    drawn = null;
    const about = all.endpoints.find(({ id }) => id === form?.about.id);
    if (about && fieldsOf(about) === fieldsOf(form.about)) form.learn(about);
    else form = null;
    placed(place());
  }

  function placed({ query }) {
    if (filter.value !== (query.q ?? '')) filter.value = query.q ?? '';
    if (!all) return;
    const words = (query.q ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    const fitting = all.endpoints.filter((one) => {
      const hay = [one.id, one.name, one.path, one.callback_type, ...one.outcomes.flatMap((outcome) => [outcome.name, ...outcome.aliases])].join(' ').toLowerCase();
      return words.every((word) => hay.includes(word));
    });
    const chosen = query.endpoint ?? fitting[0]?.id;
    fill(list, fitting.length ? h('ul', {}, fitting.map((one) => h('li', {}, h('a', {
      href: link('scenarios', { ...query, endpoint: one.id, open: '1' }), 'aria-current': one.id === chosen ? 'true' : null,
    }, h('span', { class: `c-method m-${one.method}` }, one.method), h('span', { class: 'mono' }, one.id), h('span', { class: 'dim' }, `${one.outcomes.length}`)))))
      : h('div', { class: 'empty' }, h('p', {}, 'No endpoint matches this filter.')));
    split.classList.toggle('open', Boolean(query.open));
    const about = all.endpoints.find((one) => one.id === chosen);
    const print = `${chosen} ${store.world}`;
    if (about && form?.print !== print) form = { print, about, ...tryit(about) };
    if (print !== drawn) draw(about);
    drawn = print;
  }

  const more = (outcome) => [
    outcome.is_default || outcome.default ? h('span', { class: 'tag' }, 'default') : null,
    outcome.place && h('div', {}, h('span', { class: 'tag' }, 'yours'), ' ', h('code', {}, `${outcome.place.file}:${outcome.place.line}`)),
    outcome.when.map((all, at) => h('div', {}, at ? 'or ' : 'when ', Object.entries(all).map(([condition, test], nth) => [nth ? ' and ' : '', h('code', {}, condition), ' is ', h('code', {}, JSON.stringify(test))]))),
    outcome.when.length > 0 && outcome.priority !== 0 && h('div', { class: 'dim' }, `priority ${outcome.priority}`),
    outcome.callback && h('span', { class: 'tag delivered' }, outcome.callback === 'normal' ? 'callback' : `callback ${outcome.callback}`),
    outcome.then.map((step) => h('div', { class: 'dim' }, `after ${step.after}: `, h('span', { class: 'mono' }, step.outcome))),
    outcome.sequence.length > 0 && h('div', { class: 'dim' }, `in turn: ${outcome.sequence.join(', ')}${outcome.cycle ? ', and again' : ''}`),
    Object.keys(outcome.weighted).length > 0 && h('div', { class: 'dim' }, `one of ${Object.entries(outcome.weighted).map(([name, weight]) => `${name} (${weight})`).join(', ')}`),
    outcome.description && h('div', {}, outcome.description),
    outcome.message && h('div', { class: 'dim' }, outcome.message),
    outcome.aliases.length > 0 && h('div', { class: 'dim' }, `also as ${outcome.aliases.join(', ')}`),
  ];

  function draw(about) {
    if (!about) return fill(pane, h('div', { class: 'empty' }, h('p', {}, 'Select an endpoint.')));
    fill(pane,
      h('button', { type: 'button', class: 'back', onclick: () => change({ open: '' }) }, '← All endpoints'),
      h('div', { class: 'title' }, h('h2', {}, about.name),
        h('p', { class: 'facts' }, h('span', { class: `c-method m-${about.method}` }, about.method), h('span', { class: 'mono wrap' }, about.path), source(about.source),
          about.callback_type && h('span', { class: 'tag delivered' }, about.callback_type))),
      h('div', { class: 'row actions' }, button('Copy as curl', () => copy(about.curl, 'curl')),
        h('a', { class: 'button', href: link('requests', { endpoint: about.id, world: place().query.world }) }, 'Its requests')),
      form.element,
      h('h3', {}, 'Outcomes'),
      h('div', { class: 'table', role: 'region', tabindex: '0', 'aria-label': 'Outcomes' }, h('table', {},
        h('thead', {}, h('tr', {}, ['Outcome', 'Status', 'Source', 'What'].map((words) => h('th', { scope: 'col' }, words)))),
        h('tbody', {}, about.outcomes.map((outcome) => h('tr', {},
          h('th', { scope: 'row', class: 'mono' }, outcome.name), h('td', {}, h('span', { class: `status ${kind(outcome.status)}` }, String(outcome.status))),
          h('td', {}, source(outcome.source)), h('td', {}, more(outcome))))))),
      h('details', { class: 'fold' }, h('summary', {}, `Errors that every endpoint answers ${all.errors.length}`),
        h('ul', { class: 'outcomes' }, all.errors.map((outcome) => h('li', {}, h('span', { class: 'mono' }, outcome.name), h('span', { class: `status ${kind(outcome.status)}` }, String(outcome.status)), source(outcome.source))))),
      about.fields.length > 0 && [h('h3', {}, 'Fields'),
        h('div', { class: 'table', role: 'region', tabindex: '0', 'aria-label': 'Fields' }, h('table', {},
          h('thead', {}, h('tr', {}, ['Field', 'Type', 'Source', 'Rules'].map((words) => h('th', { scope: 'col' }, words)))),
          h('tbody', {}, about.fields.map((field) => h('tr', {},
            h('th', { scope: 'row', class: 'mono' }, field.name, field.required && h('span', { class: 'bad', title: 'required' }, ' *')),
            h('td', {}, field.type), h('td', {}, source(field.source)), h('td', {}, field.description, ' ', h('span', { class: 'dim' }, field.rules.join('; '))))))))],
      h('h3', {}, 'curl'), curlBox(about.curl));
    pane.scrollTop = 0;
  }

  let generation = store.reload?.generation;
  store.on('reload', (reload) => {
    drawFiles();
    if (reload.generation !== generation) load().catch(() => {});
    generation = reload.generation;
  }, signal);
  const timer = setInterval(drawFiles, 5000);
  signal.addEventListener('abort', () => clearInterval(timer));
  drawFiles();
  load().catch((error) => fill(pane, h('div', { class: 'empty' }, h('p', {}, error.message))));

  const move = (by) => {
    const links = [...list.querySelectorAll('a')];
    const at = links.findIndex((one) => one.getAttribute('aria-current'));
    const to = links[Math.min(Math.max(at + by, 0), links.length - 1)];
    if (!to) return;
    change({ endpoint: new URLSearchParams(to.getAttribute('href').split('?')[1]).get('endpoint') });
    list.querySelector('a[aria-current]')?.scrollIntoView({ block: 'nearest' });
  };
  return {
    placed,
    keys: {
      j: () => move(1), k: () => move(-1), '/': () => filter.focus(),
      Enter: () => {
        change({ open: '1' });
        pane.focus();
      },
      Escape: () => change({ open: '' }),
    },
  };
}
