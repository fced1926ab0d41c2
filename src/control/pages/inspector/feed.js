// One stream of events for all visible tabs, because a browser opens only six connections to a host. It runs in a shared
// worker. Where a browser has none, each tab runs it for itself.

export const ENTRIES_MAX = 10000;

/** How often a visible tab joins again, and after how long a silent tab is taken for hidden, frozen or crashed. */
export const BEAT = 5000;
const SILENCE_MAX = 3 * BEAT;

/** How long a stream stays open without tabs: as long as a change from one tab to another takes. */
const LINGER = 1000;

/** Tabs with other credentials see other data, so each set of credentials has its own stream. */
const feeds = new Map();

class Feed {
  tabs = new Map();
  entries = new Map();
  /** The entries of a new stream, until it has sent all that there is. */
  fresh = null;
  reload = null;
  skipped = 0;
  isOpen = false;
  stop = new AbortController();

  constructor(id, { events, headers }) {
    Object.assign(this, { id, events, headers });
    this.timer = setInterval(() => this.dropSilent(), BEAT);
    this.follow();
  }

  join(port) {
    const isNew = !this.tabs.has(port);
    this.tabs.set(port, Date.now());
    clearTimeout(this.ending);
    if (isNew && this.isOpen) port.postMessage(['snapshot', this.snapshot()]);
    port.postMessage(['joined']);
  }

  leave(port) {
    if (this.tabs.delete(port) && !this.tabs.size) this.ending = setTimeout(() => this.end(), LINGER);
  }

  end() {
    clearInterval(this.timer);
    feeds.delete(this.id);
    this.stop.abort();
  }

  dropSilent() {
    for (const [port, at] of this.tabs) if (Date.now() - at > SILENCE_MAX) this.leave(port);
  }

  snapshot() {
    return { entries: [...this.entries.values()], reload: this.reload, skipped: this.skipped };
  }

  tell(...message) {
    for (const port of this.tabs.keys()) port.postMessage(message);
  }

  async follow() {
    let wait = 500;
    while (!this.stop.signal.aborted) {
      let status = null;
      try {
        const { signal } = this.stop;
        const response = await fetch(this.events, { headers: this.headers, signal, credentials: 'omit', cache: 'no-store' });
        ({ status } = response);
        if (response.ok) {
          wait = 500;
          this.fresh = new Map();
          await read(response.body, (event, data) => this.heard(event, data));
        }
      } catch { /* it is opened again */ }
      this.isOpen = false;
      this.tell('closed', status);
      await new Promise((resolve) => setTimeout(resolve, wait));
      wait = Math.min(wait * 2, 10000);
    }
  }

  heard(event, data) {
    const entries = this.fresh ?? this.entries;
    if (event === 'ready') {
      this.entries = this.fresh;
      this.fresh = null;
      this.skipped = 0;
      this.isOpen = true;
      return this.tell('snapshot', this.snapshot());
    }
    if (event === 'exchanges') {
      for (const entry of data) entries.set(entry.trace, entry);
      for (const trace of entries.keys()) if (entries.size > ENTRIES_MAX) entries.delete(trace); else break;
    } else if (event === 'reset') {
      for (const [trace, entry] of entries) if (!data.world || entry.world === data.world) entries.delete(trace);
      this.skipped = 0;
    } else if (event === 'skipped') this.skipped += data.exchanges;
    else if (event === 'reload') this.reload = { ...data, seen_at: Date.now() };
    if (event === 'reload') this.tell(event, this.reload);
    else if (!this.fresh) this.tell(event, data);
  }
}

async function read(body, heard) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const events = text.split('\n\n');
    text = events.pop();
    for (const event of events) {
      const lines = event.split('\n');
      const of = (field) => lines.find((line) => line.startsWith(`${field}: `))?.slice(field.length + 2);
      if (of('event')) heard(of('event'), JSON.parse(of('data') ?? 'null'));
    }
  }
}

/** A tab sends `{events, headers}` to join a stream, and null to leave it. */
export function serve(port) {
  let feed = null;
  port.onmessage = ({ data }) => {
    const id = data && JSON.stringify(data);
    if (feed?.id !== id) feed?.leave(port);
    if (!data) return (feed = null);
    if (!feeds.has(id)) feeds.set(id, new Feed(id, data));
    feed = feeds.get(id);
    return feed.join(port);
  };
}

if (globalThis.SharedWorkerGlobalScope) onconnect = ({ ports: [port] }) => serve(port);
