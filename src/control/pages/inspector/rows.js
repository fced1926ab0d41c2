// A list that renders only its visible rows, however long it is. The chosen row stays in its place on the
// screen while others come in above.

import { fill, h } from './dom.js';

/** Beside the list there is room for one entry in detail. */
export const wide = matchMedia('(min-width: 1001px)');

const AHEAD = 8;

export class Rows {
  #items = [];
  #chosen = null;
  #drawn = new Map();
  #first = 0;
  #isTall = false;

  /**
   * `row(item)` gives the cells; `key(item)` is unique; `pick(item, isOpened)` is called on a choice. Rows are flat if the list
   * has the width `flatFrom()`, else tall.
   */
  constructor({ id, label, row, key, pick, flatFrom, tall = 46, flat = 26 }) {
    Object.assign(this, { id, row, key, pick, flatFrom, tall, flat });
    this.space = h('div', { role: 'presentation', class: 'space' });
    this.element = h('div', { class: 'rows', role: 'listbox', tabindex: '0', id, 'aria-label': label }, this.space);
    // Below the list: the whole path of the chosen row, where the row has no room for it. Readers of the row have it there.
    this.whole = h('p', { class: 'whole', 'aria-hidden': 'true', hidden: true });
    this.element.addEventListener('scroll', () => this.draw(), { passive: true });
    this.element.addEventListener('keydown', (event) => this.#key(event));
    this.#watch = new ResizeObserver(() => this.draw());
    this.#watch.observe(this.element);
  }

  #watch;

  close() {
    this.#watch.disconnect();
  }

  get height() {
    return this.#isTall ? this.tall : this.flat;
  }

  get items() {
    return this.#items;
  }

  get chosen() {
    return this.#items.find((item) => this.key(item) === this.#chosen) ?? null;
  }

  /** With `keep` the visible rows stay in place, unless the reader is at the top and has chosen nothing (`free`). */
  show(items, { keep = false, again = false, free = this.#chosen === null } = {}) {
    const top = this.element.scrollTop;
    const mayMove = keep && (top > 0 || !free) && this.#items.length > 0;
    const seenAt = Math.floor(top / this.height);
    const seen = mayMove ? this.#items[seenAt] : null;
    this.#items = items;
    this.space.style.height = `${items.length * this.height}px`;
    this.element.hidden = items.length === 0;
    if (seen) {
      const key = this.key(seen);
      const at = items.findIndex((item) => this.key(item) === key);
      if (at >= 0 && at !== seenAt) this.element.scrollTop = top + (at - seenAt) * this.height;
    } else if (!keep) {
      this.element.scrollTop = 0;
    }
    this.draw(again);
  }

  /** How many rows are above the visible ones. */
  get above() {
    return Math.floor(this.element.scrollTop / this.height);
  }

  choose(key, { scroll = false } = {}) {
    this.#chosen = key;
    if (scroll) {
      const at = this.#items.findIndex((item) => this.key(item) === key);
      if (at >= 0) this.#reveal(at);
    }
    this.draw();
  }

  #reveal(at) {
    const { scrollTop, clientHeight } = this.element;
    const top = at * this.height;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + this.height > scrollTop + clientHeight) this.element.scrollTop = top + this.height - clientHeight;
  }

  move(by) {
    if (!this.#items.length) return;
    const at = this.#items.findIndex((item) => this.key(item) === this.#chosen);
    const to = at < 0 && Number.isFinite(by) ? this.above : Math.min(Math.max(at + by, 0), this.#items.length - 1);
    this.#reveal(to);
    this.pick(this.#items[to], false);
  }

  open() {
    if (this.chosen) this.pick(this.chosen, true);
  }

  #key(event) {
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.height) - 1);
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.move(by);
  }

  draw(again = false) {
    const { scrollTop, clientHeight, clientWidth } = this.element;
    const isTall = clientWidth > 0 && clientWidth < this.flatFrom();
    if (isTall !== this.#isTall) {
      this.#isTall = isTall;
      this.element.parentElement?.classList.toggle('tall', isTall);
      again = true;
    }
    if (again) {
      this.#drawn.clear();
      this.space.style.height = `${this.#items.length * this.height}px`;
    }
    const first = Math.max(0, Math.floor(scrollTop / this.height) - AHEAD);
    const last = Math.min(this.#items.length, Math.ceil((scrollTop + clientHeight) / this.height) + AHEAD);
    const drawn = new Map();
    for (let at = first; at < last; at += 1) {
      const item = this.#items[at];
      const key = this.key(item);
      const element = this.#drawn.get(key) ?? this.#make(item, key);
      element.style.transform = `translateY(${at * this.height}px)`;
      element.setAttribute('aria-posinset', at + 1);
      element.setAttribute('aria-setsize', this.#items.length);
      element.setAttribute('aria-selected', String(key === this.#chosen));
      drawn.set(key, element);
    }
    const isSame = drawn.size === this.#drawn.size && first === this.#first && [...drawn.keys()].every((key) => this.#drawn.has(key));
    this.#drawn = drawn;
    this.#first = first;
    if (!isSame || again) fill(this.space, [...drawn.values()]);
    const chosen = drawn.get(this.#chosen);
    if (chosen) this.element.setAttribute('aria-activedescendant', chosen.id);
    else this.element.removeAttribute('aria-activedescendant');
    this.#showWhole(chosen);
  }

  #showWhole(row) {
    const long = row?.querySelector('.long');
    const isCut = Boolean(long) && [long, ...long.children].some((part) => part.scrollWidth > part.clientWidth);
    if (this.whole.hidden === !isCut && this.whole.textContent === (isCut ? long.title : '')) return;
    const at = this.#items.findIndex((item) => this.key(item) === this.#chosen);
    const bottom = () => this.element.scrollTop + this.element.clientHeight;
    const wasSeen = (at + 1) * this.height <= bottom();
    this.whole.hidden = !isCut;
    this.whole.textContent = isCut ? long.title : '';
    if (isCut && wasSeen && (at + 1) * this.height > bottom()) this.#reveal(at); // the path has taken the room of its row
  }

  #make(item, key) {
    const element = h('div', { role: 'option', class: 'one', id: `${this.id}-${key}` }, this.row(item));
    element.addEventListener('click', () => {
      const found = this.#items.find((one) => this.key(one) === key);
      if (found) this.pick(found, true);
    });
    return element;
  }
}
