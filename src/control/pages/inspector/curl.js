// A kept request as a curl to paste.

import { known } from './api.js';

// Headers that a client sets by itself, or that are not shown.
const LEFT_OUT = new Set(['host', 'authorization', 'content-length', 'user-agent', 'accept', 'accept-encoding', 'accept-language',
  'connection', 'x-sandbox-control-token', 'x-sandbox-world', 'origin', 'referer', 'cookie', 'expect', 'transfer-encoding',
  'cache-control', 'pragma', 'dnt', 'priority', 'te', 'upgrade-insecure-requests']);

export const isOwn = (name) => !LEFT_OUT.has(name) && !name.startsWith('sec-');

/** Text as one word of a shell. */
export function word(text) {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

export function target(request) {
  const query = new URLSearchParams(
    Object.entries(request.query ?? {}).flatMap(([name, value]) => [value].flat().map((one) => [name, one]))).toString();
  return request.path + (query && `?${query}`);
}

export const isForm = (request) => String([request.headers['content-type'] ?? ''].flat()[0]).startsWith('multipart/');

/** Only the facts of a file are kept. */
export const isUpload = (value) => typeof value?.sha256 === 'string' && 'bytes' in value && 'width' in value;

export const hasUpload = (value) => isUpload(value) || (value !== null && typeof value === 'object' && Object.values(value).some(hasUpload));

/** Null if only a part of the body is kept, or only the facts of its files. */
export function bodyOf(request) {
  if (request.body === null) return '';
  if (request.body_sha256) return null;
  const type = String([request.headers['content-type'] ?? ''].flat()[0]);
  if (isForm(request) || hasUpload(request.body)) return null;
  if (type.startsWith('application/x-www-form-urlencoded') && typeof request.body === 'object') return form(request.body).toString();
  return typeof request.body === 'string' ? request.body : JSON.stringify(request.body);
}

function form(fields) {
  const pairs = new URLSearchParams();
  const add = (name, value) => {
    if (value && typeof value === 'object') Object.entries(value).forEach(([key, item]) => add(`${name}[${key}]`, item));
    else pairs.append(name, value ?? '');
  };
  Object.entries(fields).forEach(([name, value]) => add(name, value));
  return pairs;
}

const endingOf = (facts) => (facts.type === 'image/png' ? 'png' : 'jpg');

/** A body with files in base64. The shell inserts them from files that have the names of their fields. */
function filled(value) {
  const files = [];
  const written = JSON.stringify(value, (name, item) => {
    if (!isUpload(item)) return item;
    files.push(`"$(base64 < ${word(`${name}.${endingOf(item)}`)} | tr -d '\\n')"`);
    return MARK;
  });
  return written.split(MARK).flatMap((text, at) => [word(text), ...files.slice(at, at + 1)]).join(' ');
}

/** A private-use character: no text holds it, and JSON does not escape it. */
const MARK = '\ue000';

export function curl(request) {
  const { setup } = known;
  const isPublic = setup.api_key && setup.world === request.world;
  const type = isForm(request);
  const parts = [];
  const content = bodyOf(request);
  const hasFiles = !type && hasUpload(request.body);
  if (request.method !== 'GET' && !(request.method === 'POST' && (content || type))) parts.push(`-X ${word(request.method)}`);
  parts.push(word(setup.url + target(request)));
  parts.push(isPublic ? `-u ${setup.api_key}:` : '-u "$ILUMA_API_KEY:"');
  for (const [name, value] of Object.entries(request.headers)) {
    if (!isOwn(name) || ((type || hasFiles) && name === 'content-type')) continue;
    for (const one of [value].flat()) parts.push(`-H ${word(`${name}: ${one}`)}`);
  }
  if (hasFiles) parts.push(`-H ${word('content-type: application/json')}`);
  if (type && request.body && typeof request.body === 'object') {
    for (const [name, value] of Object.entries(request.body)) {
      const isFile = isUpload(value);
      parts.push(`-F ${word(isFile ? `${name}=@${value.file_name ?? `${name}.${endingOf(value)}`}` : `${name}=${value}`)}`);
    }
  } else if (content) {
    parts.push(`-d ${word(content)}`);
  } else if (hasFiles) {
    parts.push('-d @-');
  } else if (content === null) {
    parts.push('-d @body');
  }
  const line = `${setup.curl} ${parts.join(' \\\n    ')}`;
  return hasFiles ? `printf %s ${filled(request.body)} |\n  ${line}` : line;
}
