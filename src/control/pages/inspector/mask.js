// Masks: personal fields are shown when they are clicked, keys and tokens never.

import { api, known } from './api.js';
import { h } from './dom.js';

const SECRET = /token|secret|authorization|password|cookie|signature|api[-_]?key/i;
const KEYS = /(iluma_(?:development|live|production)_)[A-Za-z0-9/=+]+/g;
const HEX = /\b[0-9a-f]{64}\b/g;

let personal;
/** A value that the sandbox does not show has no mask to click. */
export const isPersonal = (name) => !known.setup.redacts && (personal ??= new RegExp(known.setup.personal_fields, 'i')).test(name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/[-. ]/g, '_'));
export const isSecret = (name) => SECRET.test(name);
export const withoutKeys = (text) => text.replace(KEYS, '$1…');
/** For texts that may hold a callback token: 64 hex digits. */
export const withoutSecrets = (text) => withoutKeys(text).replace(HEX, '…');

/** A text, or a picture, that shows itself when its cover is clicked. */
export function masked(text, name, cls = '', { cover = '••••••', value } = {}) {
  const element = h('button', {
    type: 'button', class: `mask ${cls}`, 'aria-label': `Show ${name}`, title: `Show ${name}`,
  }, cover);
  element.personal = value;
  element.reveal = (title) => {
    const shown = h('span', { class: cls, tabindex: '-1', title }, text);
    const hadFocus = document.activeElement === element;
    element.replaceWith(shown);
    if (hadFocus) shown.focus();
  };
  element.addEventListener('click', (event) => {
    event.stopPropagation();
    element.reveal();
  });
  return element;
}

export function revealAll(root) {
  for (const element of root.querySelectorAll('button.mask')) element.reveal();
}

/** Shows the values that are on the dummy lists: they belong to no real person. */
export async function revealListed(root) {
  const masks = [...root.querySelectorAll('button.mask')].filter((one) => one.personal !== undefined);
  if (!masks.length) return;
  const values = [...new Set(masks.map((one) => String(one.personal)))];
  const { listed: all } = await api('dummy_values', { method: 'POST', body: { values } });
  const listed = new Set(all);
  for (const one of masks) if (listed.has(String(one.personal))) one.reveal('from the dummy lists, so not personal');
}

/** A path may hold a phone number or the like: six digits or more that are no part of an id. */
export const plainPath = (path) => withoutKeys(path).replace(/(?:%2[Bb]|(?<!\w))\+?[0-9]{6,}(?!\w)/g, (digits) => '•'.repeat(Math.min(digits.length, 8)));
