// JSON and headers in a readable form, with personal values masked.

import { bytes, h } from './dom.js';
import { isUpload } from './curl.js';
import { isPersonal, isSecret, masked, withoutKeys, withoutSecrets } from './mask.js';
import { ExactNumber, parse } from './numbers.js';

const INDENT = '  ';

/** Formats and colours. `pictures` are canvases, by the JSON Pointer of their upload in the value. */
export function json(value, label, pictures = {}) {
  const place = h('pre', { class: 'json', tabindex: '0', role: 'region', 'aria-label': label });
  write(place, value, '', '', false, (at) => pictures[at], '');
  return place;
}

function write(place, value, indent, name, hidden, picture, at) {
  const isNumber = typeof value === 'number' || value instanceof ExactNumber;
  if (value && typeof value === 'object' && !isNumber) {
    if (isUpload(value)) return place.append(upload(value, picture(at)));
    const isList = Array.isArray(value);
    const items = isList ? value.map((item) => [null, item]) : Object.entries(value);
    const [open, close] = isList ? '[]' : '{}';
    if (!items.length) return place.append(open + close);
    place.append(`${open}\n`);
    items.forEach(([key, item], count) => {
      place.append(indent + INDENT);
      if (key !== null) place.append(h('span', { class: 'k' }, JSON.stringify(withoutKeys(key))), ': ');
      const below = `${at}/${String(key ?? count).replaceAll('~', '~0').replaceAll('/', '~1')}`;
      write(place, item, indent + INDENT, key ?? name, hidden || isPersonal(key ?? name), picture, below);
      place.append(count < items.length - 1 ? ',\n' : '\n');
    });
    return place.append(indent + close);
  }
  const text = withoutSecrets(JSON.stringify(value));
  const cls = value === null ? 'n' : typeof value === 'string' ? 's' : 'b';
  if (isSecret(name) && typeof value === 'string') place.append(h('span', { class: 's' }, '"…"'));
  else if ((hidden || isPersonal(name)) && (typeof value === 'string' || isNumber) && value !== '') place.append(masked(text, name || 'the value', cls, { value }));
  else place.append(h('span', { class: cls }, text));
}


/** The value at a JSON Pointer. */
export const valueAt = (value, pointer) => pointer.split('/').slice(1)
  .reduce((inner, name) => inner?.[name.replaceAll('~1', '/').replaceAll('~0', '~')], value);

/** An upload has a thumbnail if the page was open when it arrived. Otherwise a pattern of its hash stands for it. */
function upload(facts, drawn) {
  const picture = drawn ? masked(copied(drawn, { role: 'img', 'aria-label': 'thumbnail of the upload' }), 'the picture', 'picture',
    { cover: copied(drawn, { class: 'thumb blurred', 'aria-hidden': 'true' }) }) : pattern(facts);
  const size = Number(facts.width) ? `${facts.width} × ${facts.height}` : 'no picture';
  return h('span', { class: 'upload' }, picture,
    h('span', {}, `${facts.type ?? 'empty file'} · ${bytes(Number(facts.bytes))} · ${size}`,
      h('br'), facts.file_name ? [masked(facts.file_name, 'file name'), ' '] : null,
      h('span', { class: 'dim' }, `sha256 ${facts.sha256.slice(0, 12)}…`)));
}

/** The same picture in a canvas of its own: an element is only in one place. */
function copied(drawn, given) {
  const canvas = h('canvas', { class: 'thumb', ...given });
  [canvas.width, canvas.height] = [drawn.width, drawn.height];
  canvas.getContext('2d').drawImage(drawn, 0, 0);
  return canvas;
}

/** A pattern of the hash, in the file's proportions: the same file looks the same. */
function pattern(facts) {
  const [width, height] = [Number(facts.width) || 1, Number(facts.height) || 1]; // in a form they are texts
  const scale = 44 / Math.max(width, height);
  const canvas = h('canvas', { class: 'thumb', role: 'img', 'aria-label': `pattern of the file's hash` });
  canvas.width = Math.max(8, Math.round(width * scale));
  canvas.height = Math.max(8, Math.round(height * scale));
  const draw = canvas.getContext('2d');
  const hash = facts.sha256.match(/../g).map((hex) => parseInt(hex, 16));
  const hue = (hash[0] * 360) / 256;
  for (let cell = 0; cell < 16; cell += 1) {
    draw.fillStyle = `hsl(${hue + (hash[cell + 1] % 60)} 45% ${30 + (hash[cell + 8] % 45)}%)`;
    draw.fillRect((cell % 4) * canvas.width / 4, Math.floor(cell / 4) * canvas.height / 4, canvas.width / 4 + 1, canvas.height / 4 + 1);
  }
  return canvas;
}

/** A body as the control API gives it: JSON, text, or null. */
export function body(value, size, label, pictures) {
  if (value === null || value === undefined) return h('p', { class: 'dim' }, 'No body.');
  if (typeof value === 'string') {
    // Its fields are unknown, so all of it may be personal.
    return h('pre', { class: 'json', tabindex: '0', role: 'region', 'aria-label': label }, masked(withoutSecrets(value), `${bytes(size)} of text`));
  }
  return json(value, label, pictures);
}

/** Text that is JSON, most likely. */
export function text(content, label) {
  if (!content) return h('p', { class: 'dim' }, 'Nothing.');
  try {
    const value = parse(content);
    if (value && typeof value === 'object') return json(value, label);
  } catch { /* then it is text */ }
  return body(content, content.length, label);
}

export function headers(map) {
  const rows = Object.entries(map).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  return h('dl', { class: 'headers' }, rows.map(([name, value]) => [
    h('dt', {}, name), h('dd', {}, isSecret(name) ? '…' : withoutSecrets(value)),
  ]));
}

/** `POST http://…\nname: value` */
export function head(written) {
  const [line, ...rest] = written.split('\n');
  const map = {};
  for (const one of rest) {
    const at = one.indexOf(': ');
    if (at > 0) map[one.slice(0, at)] = one.slice(at + 2);
  }
  return [h('p', { class: 'mono wrap' }, withoutSecrets(line)), headers(map)];
}
