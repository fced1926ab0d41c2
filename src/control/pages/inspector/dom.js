// Elements. Text is always inserted as text, because others wrote what the page shows.

import { now } from './machine.js';

/** h('button', {class: 'primary', onclick: send}, 'Send') */
export function h(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'value' || name === 'checked' || name === 'selected') element[name] = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  return put(element, ...children);
}

/** So many characters at the end of a long text stay where there is no room: texts that begin alike often differ there. */
const END_CHARS = 6;

/** A text whose middle is cut off where there is no room for it. */
export function ends(text, cls) {
  const at = text.length > 2 * END_CHARS ? text.length - END_CHARS : text.length;
  return [h('span', { class: cls }, text.slice(0, at)), at < text.length && h('span', { class: `${cls} end` }, text.slice(at))];
}

/** A cell for a long text, in the parts of `ends`. Its name has the text as a whole: screen readers would stop between parts. */
export const long = (cls, text, ...parts) => h('span', { class: `${cls} long`, title: text, role: 'group', 'aria-label': text }, ...parts);

export function put(element, ...children) {
  element.append(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
  return element;
}

export function fill(element, ...children) {
  element.replaceChildren();
  return put(element, ...children);
}

export const $ = (selector) => document.querySelector(selector);

/** Says something for a few seconds, on the screen and to a screen reader. */
let saying;
export function say(text, isBad = false) {
  const place = $('#says');
  place.className = isBad ? 'shown bad' : 'shown';
  place.textContent = text;
  clearTimeout(saying);
  saying = setTimeout(() => (place.className = ''), isBad ? 8000 : 4000);
}

/** A button that runs something and says what went wrong. */
export function button(label, run, given = {}) {
  const element = h('button', { type: 'button', ...given }, label);
  element.addEventListener('click', async () => {
    if (element.getAttribute('aria-disabled') === 'true') return;
    element.setAttribute('aria-disabled', 'true');
    try {
      await run(element);
    } catch (error) {
      say(error.message, true);
    } finally {
      element.removeAttribute('aria-disabled');
    }
  });
  return element;
}

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h('textarea', { class: 'hidden-copy', 'aria-hidden': 'true' });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    if (!done) throw new Error('the browser does not allow the page to copy: select the text instead');
  }
  say(`${what} copied`);
}

/** A modal question; resolves with what was written, or null. */
export function ask(title, words, label, kind = 'password') {
  return new Promise((resolve) => {
    const input = h('input', { type: kind, id: 'asked', autocomplete: 'off', spellcheck: 'false', required: true });
    const dialog = h('dialog', { 'aria-labelledby': 'asks', class: 'ask' },
      h('form', { method: 'dialog' },
        h('h2', { id: 'asks' }, title), h('p', {}, words),
        h('label', { for: 'asked' }, label), input,
        h('div', { class: 'row end' },
          h('button', { type: 'button', onclick: () => dialog.close('') }, 'Not now'),
          h('button', { class: 'primary', value: 'given' }, 'Use it'))));
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'given' ? input.value.trim() : null);
    });
    document.body.append(dialog);
    dialog.showModal();
    input.focus();
  });
}

export function bytes(count) {
  if (count < 1000) return `${count} B`;
  return count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}

export function took(us) {
  if (us < 1000) return `${us} µs`;
  return us < 1e6 ? `${(us / 1000).toFixed(us < 10000 ? 1 : 0)} ms` : `${(us / 1e6).toFixed(1)} s`;
}

function lasting(ms) {
  const s = Math.max(0, ms) / 1000;
  if (s < 60) return `${Math.round(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  return s < 86400 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} d`;
}

export const ago = (ms) => `${lasting(ms)} ago`;

/** The time of day of an instant, in the reader's own zone. */
export function clock(at) {
  const time = new Date(at);
  const two = (number) => String(number).padStart(2, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}

// Times say which clock they are from. The machine's is shown in the reader's own zone, a world's in UTC.

const labelled = (at, clockOf, words) => h('time', { datetime: at, class: `${clockOf}-time`, title: `${at}, by the clock of the ${clockOf}` }, words, h('span', { class: 'dim' }, ` ${clockOf} time`));

export const machineTime = (at) => labelled(at, 'machine', clock(at));

export const worldTime = (at) => labelled(at, 'world', `${at.slice(0, 10)} ${at.slice(11, 23)}`);

/** `12 s ago`, kept up to date. */
export const since = (at) => h('time', { datetime: at, class: 'since', title: `${clock(at)} machine time` }, ago(now() - Date.parse(at)));

/** Brings the relative times up to date. */
export function age() {
  for (const one of document.querySelectorAll('time.since')) one.textContent = ago(now() - Date.parse(one.dateTime));
}

/** `+2.5 s`, from one time of a world to another. */
export function after(from, to) {
  const ms = Date.parse(to) - Date.parse(from);
  return h('span', { class: 'after', title: `${to}, by the clock of the world` }, `+${ms < 1000 ? `${ms} ms` : ms < 60000 ? `${(ms / 1000).toFixed(1)} s` : lasting(ms)}`);
}

export const kind = (status) => `s${Math.floor(status / 100)}`;

export function statusOf(status, fault) {
  return h('span', { class: `status ${kind(status)}` }, fault ? `${status}*` : String(status));
}

export const source = (label) => h('span', { class: `tag ${label}`, title: 'How well this is known' }, label);

/** `outcome` of `v1/endpoint/OUTCOME` */
export const outcomeOf = (tag) => (tag ? tag.slice(tag.lastIndexOf('/') + 1) : '');

export function curlBox(text) {
  return h('div', { class: 'curl' },
    h('pre', { tabindex: '0', role: 'region', 'aria-label': 'curl' }, text),
    button('Copy', () => copy(text, 'curl'), { class: 'small' }));
}
