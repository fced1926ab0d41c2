// The parts of one trace: the requests and callbacks with the same trace id, or with the same id of a request.

import { NO_WORLD, api } from './api.js';
import { fill, h, machineTime, outcomeOf, statusOf } from './dom.js';
import { plainPath } from './mask.js';
import { link } from './place.js';

const PARTS_MAX = 100;

/** What `--redact` writes in place of a value. */
const HIDDEN = '…';

/** The filter that finds the parts. Null if there is no trace. */
function filterOf({ traceparent, request_id }) {
  if (traceparent) return { traceparent: traceparent.slice(3, 35) };
  return request_id && !request_id.includes(HIDDEN) ? { request_id } : null;
}

/** The headers of a trace as pairs of a list. */
export const tracePairs = ({ traceparent, request_id }) => [['traceparent', traceparent], ['x-request-id', request_id]]
  .filter(([, value]) => value).map(([name, value]) => [h('dt', {}, name), h('dd', { class: 'mono wrap' }, value)]);

/** Draws the parts of a trace, oldest first, and marks the one that is shown. `isCurrent` says whether it is shown still. */
export async function drawTrace(element, world, ids, shown, isCurrent) {
  const filter = filterOf(ids);
  if (!filter || world === NO_WORLD) return fill(element);
  const query = { ...filter, limit: PARTS_MAX };
  const [{ requests }, { deliveries }] = await Promise.all(['requests', 'deliveries'].map((list) => api(list, { world, query })));
  if (!isCurrent()) return undefined;
  const parts = [
    ...requests.map((one) => ({ at: one.at, key: one.trace, draw: () => [h('a', { href: link('requests', { world, trace: one.trace }) }, one.method), ' ',
      h('span', { class: 'mono' }, plainPath(one.path)), ' ', statusOf(one.status), ' ', h('span', { class: 'mono' }, outcomeOf(one.outcome))] })),
    ...deliveries.map((one) => ({ at: one.attempts[0]?.sent_at ?? null, key: one.id, draw: () => [h('a', { href: link('callbacks', { world, delivery: one.id }) }, 'callback'), ' ',
      h('span', { class: 'mono' }, one.type), ' ', h('span', { class: `tag ${one.state}` }, one.state)] })),
  ];
  // Callbacks that were not sent yet have no time, and come last.
  parts.sort((one, other) => (one.at ?? '9').localeCompare(other.at ?? '9'));
  return fill(element, h('h3', {}, 'One trace'), h('dl', { class: 'pairs' }, tracePairs(ids)),
    h('ol', { class: 'timeline' }, parts.map((part) => h('li', { class: part.key === shown ? 'done' : '' },
      h('span', { class: 'when' }, part.at ? machineTime(part.at) : 'not sent'), h('div', {}, part.draw(), part.key === shown && h('span', { class: 'dim' }, ' this one'))))));
}
