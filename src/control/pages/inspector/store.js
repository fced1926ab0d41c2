// The data of the page: the latest exchanges, the worlds, the state of the scenario files. Views listen to its events.

import { NO_WORLD, api, known, recordedEntries } from './api.js';
import { ENTRIES_MAX } from './feed.js';
import { place } from './place.js';
import { follow } from './stream.js';

class Store extends EventTarget {
  /** Newest first. */
  entries = [];
  byTrace = new Map();
  worlds = [];
  reload = null;
  skipped = 0;
  isOpen = false;
  /** False until the first entries have come. */
  isLoaded = false;

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  on(name, listener, signal) {
    this.addEventListener(name, (event) => listener(event.detail), { signal });
  }

  async start() {
    known.setup = await api('setup');
    const recorded = recordedEntries();
    if (recorded) this.heard('snapshot', recorded);
    else this.join = follow(known.setup.version, (event, data) => this.heard(event, data));
    await this.loadWorlds().catch(() => {});
  }

  heard(event, data) {
    switch (event) {
      case 'snapshot': this.replace(data); break;
      case 'closed':
        this.isOpen = false;
        this.tell('connection');
        if (data === 401) this.admit().catch(() => {});
        break;
      case 'exchanges': this.add(data); break;
      case 'skipped':
        this.skipped += data.exchanges;
        this.tell('entries', { added: 0 });
        break;
      case 'reset': this.reset(data.world); break;
      case 'reload':
        this.reload = data;
        this.tell('reload', data);
        break;
      default: this.tell(event, data);
    }
  }

  /** Asks for a token or key that is accepted, then follows with it. */
  admit() {
    this.admission ??= api('setup').then(() => this.join()).finally(() => (this.admission = null));
    return this.admission;
  }

  /** Takes all that the stream knows. Entries that are here already stay as they are. */
  replace({ entries, reload, skipped }) {
    const listed = entries.map((entry) => {
      const known_ = this.byTrace.get(entry.trace);
      return known_?.at === entry.at ? known_ : entry;
    });
    const added = listed.filter((entry) => this.byTrace.get(entry.trace) !== entry).length;
    this.entries = listed.reverse();
    this.byTrace = new Map(listed.map((entry) => [entry.trace, entry]));
    this.skipped = skipped;
    const wasLoaded = this.isLoaded;
    this.isOpen = true;
    this.isLoaded = true;
    this.tell('connection');
    this.heard('reload', reload);
    this.worldsSoon();
    this.tell('entries', { added });
    if (wasLoaded) this.tell('returned'); // what was not heard meanwhile is read again
  }

  add(list) {
    const fresh = [];
    for (const entry of list) {
      if (this.byTrace.has(entry.trace)) continue;
      this.byTrace.set(entry.trace, entry);
      fresh.push(entry);
    }
    if (!fresh.length) return;
    fresh.reverse();
    this.entries = fresh.concat(this.entries);
    for (const gone of this.entries.splice(ENTRIES_MAX)) this.byTrace.delete(gone.trace);
    if (fresh.some((entry) => !this.worlds.some((world) => world.world === entry.world))) this.worldsSoon();
    this.tell('entries', { added: fresh.length });
  }

  reset(world) {
    this.entries = world ? this.entries.filter((entry) => entry.world !== world) : [];
    this.byTrace = new Map(this.entries.map((entry) => [entry.trace, entry]));
    this.skipped = 0;
    this.worldsSoon();
    this.tell('entries', { added: 0 });
  }

  worldsSoon() {
    this.soon ??= setTimeout(() => {
      this.soon = null;
      this.loadWorlds().catch(() => {});
    }, 300);
  }

  async loadWorlds() {
    const { worlds } = await api('worlds');
    this.worlds = worlds;
    this.tell('worlds');
  }

  /** The world that operations are for: the chosen one, else the first. */
  get world() {
    const { world } = place().query;
    return world && world !== 'all' ? world : known.setup.world;
  }

  nameOf(tag) {
    if (tag === NO_WORLD) return 'no world';
    return this.worlds.find((world) => world.world === tag)?.name ?? tag;
  }
}

export const store = new Store();

let catalogue;
/** The current catalogue. It is read again after a reload. */
export function catalog() {
  const generation = store.reload?.generation;
  if (!catalogue || catalogue.generation !== generation) {
    const read = api('catalog');
    catalogue = { generation, read };
    read.catch(() => (catalogue = null));
  }
  return catalogue.read;
}

/** Calls back soon, and once for many causes. */
export function soon(run, ms = 150) {
  let timer = null;
  return () => (timer ??= setTimeout(() => {
    timer = null;
    run();
  }, ms));
}
