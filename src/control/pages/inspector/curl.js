// A kept request as a curl to paste.

import { known } from './api.js';

// Headers that a client sets by itself, or that are not shown.
const LEFT_OUT = new Set(['host', 'authorization', 'content-length', 'user-agent', 'accept', 'accept-encoding', 'accept-language',
  'connection', 'x-sandbox-control-token', 'x-sandbox-world', 'origin', 'referer', 'cookie', 'expect', 'transfer-encoding',
  'cache-control', 'pragma', 'dnt', 'priority', 'te', 'upgrade-insecure-requests']);

export const isOwn = (name) => !LEFT_OUT.has(name) && !name.startsWith('sec-');

/** Text as one word of a shell. A `=` at the start is quoted for zsh. */
export function word(text) {
  return /^[A-Za-z0-9_./:@%+,-][A-Za-z0-9_./:=@%+,-]*$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

export function target(request) {
  const query = new URLSearchParams(
    Object.entries(request.query ?? {}).flatMap(([name, value]) => [value].flat().map((one) => [name, one]))).toString();
  return request.path + (query && `?${query}`);
}

export const isForm = (request) => String([request.headers['content-type'] ?? ''].flat()[0]).startsWith('multipart/');

const isSize = (value) => value === null || ((typeof value === 'string' || typeof value === 'number') && Number(value) >= 0 && Number.isFinite(Number(value)));
const isText = (value) => value === null || value === undefined || typeof value === 'string';

/** Only the facts of a file are kept. A client may send JSON that looks like them, so each fact is checked. */
export const isUpload = (value) => /^[0-9a-f]{64}$/.test(typeof value?.sha256 === 'string' ? value.sha256 : '')
  && [value.bytes, value.width, value.height].every(isSize) && isText(value.type) && isText(value.file_name);

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

/** The fields of a form as pairs: a list or an object becomes names with brackets. */
export function fieldsOf(fields) {
  const leaves = ([name, value]) => {
    if (value === null || typeof value !== 'object' || isUpload(value)) return [[name, value ?? '']];
    return Object.entries(value).flatMap(([key, item]) => leaves([`${name}[${key}]`, item]));
  };
  return Object.entries(fields).flatMap(leaves);
}

const form = (fields) => new URLSearchParams(fieldsOf(fields));

export const endingOf = (facts) => (facts.type === 'image/png' ? 'png' : 'jpg');

/** A body with files in base64. The shell inserts them from files that have the names of their fields. */
function filled(value) {
  const files = [];
  const mark = unused(JSON.stringify(value));
  const written = JSON.stringify(value, (name, item) => {
    if (!isUpload(item)) return item;
    files.push(`"$(base64 < ${word(`${name}.${endingOf(item)}`)} | tr -d '\\n')"`);
    return mark;
  });
  return written.split(mark).flatMap((text, at) => [word(text), ...files.slice(at, at + 1)]).join(' ');
}

/** A private-use character that a text does not hold. JSON does not escape it. */
export function unused(text) {
  let code = 0xe000;
  while (text.includes(String.fromCharCode(code))) code += 1;
  return String.fromCharCode(code);
}

/** A name inside `-F` as curl reads it: without quotes, `,` and `;` would end it. */
const quoted = (name) => (/^[A-Za-z0-9_.-]+$/.test(name) ? name : `"${name.replaceAll(/[\\"]/g, '\\$&')}"`);

/** The name of an upload, and of the local file to send: the last part of that name. */
export function fileNames(field, facts) {
  const sent = facts.file_name || `${field}.${endingOf(facts)}`;
  return { sent, local: sent.split(/[/\\]/).pop() || `${field}.${endingOf(facts)}` };
}

function filePart(field, facts) {
  const { sent, local } = fileNames(field, facts);
  const file = local === '-' ? './-' : local; // `-` alone is the standard input
  return `-F ${word(`${field}=@${quoted(file)}${file === sent ? '' : `;filename=${quoted(sent)}`}`)}`;
}

/** True if the parts of a form are known. */
export const hasParts = (request) => isForm(request) && request.body !== null && typeof request.body === 'object';

/** The options that send the body. With `-F` and `-d`, curl would read files that a text names with `@` or `<`. */
function bodyOptions(request) {
  if (hasParts(request)) {
    return fieldsOf(request.body).map(([name, value]) =>
      isUpload(value) ? filePart(name, value) : `--form-string ${word(`${name}=${value}`)}`);
  }
  const content = bodyOf(request);
  if (content === '') return [];
  if (content !== null && !content.includes('\0')) return [`--data-raw ${word(content)}`];
  return [!isForm(request) && hasUpload(request.body) ? '--data-binary @-' : '--data-binary @body'];
}

/** The headers to send, as pairs. curl and PowerShell write the content type of a form with its boundary. */
export function headersOf(request) {
  const isWritten = (name) => isOwn(name) && !(hasParts(request) && name === 'content-type');
  const own = Object.entries(request.headers).filter(([name]) => isWritten(name));
  return own.flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
}

/** curl sends an empty header only if its name ends in `;`. */
const headerOption = ([name, value]) => `-H ${word(value === '' ? `${name};` : `${name}: ${value}`)}`;

function methodOptions(request, hasBody) {
  if (request.method === (hasBody ? 'POST' : 'GET')) return [];
  return [request.method === 'HEAD' ? '-I' : `-X ${word(request.method)}`];
}

/** Options that keep curl from changing the path. */
function pathOptions({ path }) {
  return [/[[\]{}]/.test(path) && '-g', /\/\.\.?(\/|$)/.test(path) && '--path-as-is'].filter(Boolean);
}

export function curl(request) {
  const { setup } = known;
  const isPublic = setup.api_key && setup.world === request.world;
  const body = bodyOptions(request);
  const headers = headersOf(request).map(headerOption);
  // Without this, curl would call the body a form.
  if (body.length && !hasParts(request) && !('content-type' in request.headers)) headers.push("-H 'content-type:'");
  const line = [
    ...methodOptions(request, body.length > 0), ...pathOptions(request), word(setup.url + target(request)),
    isPublic ? `-u ${word(`${setup.api_key}:`)}` : '-u "$ILUMA_API_KEY:"', ...headers, ...body,
  ];
  const command = `${setup.curl} ${line.join(' \\\n    ')}`;
  const hasFiles = body.includes('--data-binary @-');
  return hasFiles ? `printf %s ${filled(request.body)} |\n  ${command}` : command;
}
