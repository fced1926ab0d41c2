// The data of the page: the latest exchanges, the worlds, the state of the scenario files. Views listen to its events.

import { NO_WORLD, api, follow, known } from './api.js';
import { place } from './place.js';

export const ENTRIES_MAX = 10000;

class Store extends EventTarget {
  /** Newest first. */
  entries = [];
  byTrace = new Map();
  worlds = [];
  reload = null;
  reloadSeenAt = 0;
  skipped = 0;
  isOpen = false;

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  on(name, listener, signal) {
    this.addEventListener(name, (event) => listener(event.detail), { signal });
  }

  async start() {
    known.setup = await api('setup');
    follow(() => ({ world: 'all', backlog: ENTRIES_MAX }), (event, data) => this.heard(event, data));
    await this.loadWorlds().catch(() => {});
  }

  heard(event, data) {
    switch (event) {
      case 'open':
        this.isOpen = true;
        this.isFresh = true;
        this.tell('connection');
        break;
      case 'closed':
        this.isOpen = false;
        this.tell('connection');
        break;
      case 'exchanges': this.add(data); break;
      case 'skipped':
        this.skipped += data.exchanges;
        this.tell('entries', { added: 0 });
        break;
      case 'reset': this.reset(data.world); break;
      case 'reload':
        if (this.isFresh) this.reset(null); // a new stream brings everything again
        this.isFresh = false;
        this.reload = data;
        this.reloadSeenAt = Date.now();
        this.tell('reload', data);
        break;
      default: this.tell(event, data);
    }
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
