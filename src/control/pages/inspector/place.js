// Where the reader is: the view and its filters, kept in the address bar.

const listeners = new Set();

export function place() {
  const [view, query] = location.hash.replace(/^#\/?/, '').split('?');
  return { view: view || 'requests', query: Object.fromEntries(new URLSearchParams(query ?? '')) };
}

export function link(view, query = {}) {
  const kept = Object.entries(query).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  const text = new URLSearchParams(kept).toString();
  return `#/${view}${text && `?${text}`}`;
}

/** Changes some of the filters; empty ones are removed. */
export function change(changes, { push = false } = {}) {
  const { view, query } = place();
  const to = link(view, { ...query, ...changes });
  if (to === location.hash) return;
  history[push ? 'pushState' : 'replaceState'](null, '', to);
  tell();
}

export function go(view, query = {}) {
  const { world } = place().query;
  const to = link(view, { world, ...query });
  if (to !== location.hash) history.pushState(null, '', to);
  tell();
}

export const onPlace = (listener) => listeners.add(listener);

function tell() {
  for (const listener of listeners) listener(place());
}

addEventListener('popstate', tell);
addEventListener('hashchange', tell);
