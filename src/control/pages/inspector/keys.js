// The keyboard.

import { h } from './dom.js';

const HELP = [
  ['j  k', 'next, previous'], ['enter', 'open it'], ['esc', 'back to the list, and to the newest request'], ['/', 'filter'],
  ['r', 'send the request again; in Callbacks: redeliver'], ['1 2 3 4', 'Requests, Callbacks, Scenarios, World'], ['?', 'these keys'],
];

export function listen({ view, go }) {
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (document.querySelector('dialog[open]')) return;
    const on = event.target;
    if (on instanceof HTMLElement && on.closest('input, textarea, select, [contenteditable]')) return;
    const { key } = event;
    if (key === 'Enter' && on.closest?.('button, a, summary')) return;
    if (key === '?') {
      event.preventDefault();
      return help();
    }
    const number = ['1', '2', '3', '4'].indexOf(key);
    if (number >= 0) return go(number);
    const run = view()?.keys?.[key];
    if (run) {
      event.preventDefault();
      run();
    }
  });
}

export function help() {
  const dialog = h('dialog', { 'aria-labelledby': 'keys', class: 'ask' },
    h('h2', { id: 'keys' }, 'Keys'),
    h('dl', { class: 'keys' }, HELP.map(([key, words]) => [h('dt', {}, key.split(/\s+/).map((one) => [h('kbd', {}, one), ' '])), h('dd', {}, words)])),
    h('form', { method: 'dialog', class: 'row end' }, h('button', { class: 'primary' }, 'Close')));
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
