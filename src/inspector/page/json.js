// JSON and headers as they are read best, with what is personal masked.

import { bytes, h } from './dom.js';
import { isPersonal, isSecret, masked, withoutKeys, withoutSecrets } from './mask.js';

const INDENT = '  ';

/** Formatted and coloured. */
export function json(value, label) {
  const place = h('pre', { class: 'json', tabindex: '0', role: 'region', 'aria-label': label });
  write(place, value, '', '', false);
  return place;
}

function write(place, value, indent, name, hidden) {
  if (Array.isArray(value) || (value && typeof value === 'object')) {
    if (isUpload(value)) return place.append(upload(value));
    const isList = Array.isArray(value);
    const items = isList ? value.map((item) => [null, item]) : Object.entries(value);
    const [open, close] = isList ? '[]' : '{}';
    if (!items.length) return place.append(open + close);
    place.append(`${open}\n`);
    items.forEach(([key, item], at) => {
      place.append(indent + INDENT);
      if (key !== null) place.append(h('span', { class: 'k' }, JSON.stringify(withoutKeys(key))), ': ');
      write(place, item, indent + INDENT, key ?? name, hidden || isPersonal(key ?? name));
      place.append(at < items.length - 1 ? ',\n' : '\n');
    });
    return place.append(indent + close);
  }
  const text = withoutSecrets(JSON.stringify(value));
  const cls = value === null ? 'n' : typeof value === 'string' ? 's' : 'b';
  if (isSecret(name) && typeof value === 'string') place.append(h('span', { class: 's' }, '"…"'));
  else if ((hidden || isPersonal(name)) && (typeof value === 'string' || typeof value === 'number') && value !== '') place.append(masked(text, name || 'the value', cls));
  else place.append(h('span', { class: cls }, text));
}

const isUpload = (value) => typeof value.sha256 === 'string' && 'bytes' in value && 'width' in value;

/**
 * The bytes of an upload are not kept: in place of a thumbnail stands a pattern of its hash, in its proportions.
 * The same file looks the same.
 */
function upload(facts) {
  const [width, height] = [facts.width || 1, facts.height || 1];
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
  const size = facts.width ? `${facts.width} × ${facts.height}` : 'no picture';
  return h('span', { class: 'upload' }, canvas,
    h('span', {}, `${facts.type ?? 'empty file'} · ${bytes(facts.bytes)} · ${size}`,
      h('br'), facts.file_name ? [masked(facts.file_name, 'file name'), ' '] : null,
      h('span', { class: 'dim' }, `sha256 ${facts.sha256.slice(0, 12)}…`)));
}

/** A body as the control API gives it: JSON, text, or null. */
export function body(value, size, label) {
  if (value === null || value === undefined) return h('p', { class: 'dim' }, 'No body.');
  if (typeof value === 'string') {
    // Nothing can be told of its fields, so all of it may be personal.
    return h('pre', { class: 'json', tabindex: '0', role: 'region', 'aria-label': label }, masked(withoutSecrets(value), `${bytes(size)} of text`));
  }
  return json(value, label);
}

/** Text that is JSON, most likely. */
export function text(content, label) {
  if (!content) return h('p', { class: 'dim' }, 'Nothing.');
  try {
    const value = JSON.parse(content);
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
