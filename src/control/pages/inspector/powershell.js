// A kept request as a command for PowerShell 7.4 or later.

import { known } from './api.js';
import { bodyOf, endingOf, fieldsOf, fileNames, hasParts, hasUpload, headersOf, isUpload, target, unused } from './curl.js';

/** Text that PowerShell takes literally. It also reads typographic quotes as quotes. */
export const literal = (text) => `'${String(text).replaceAll(/['\u2018\u2019\u201a\u201b]/g, '$&$&')}'`;

const bytes = (expression) => `([Text.Encoding]::UTF8.GetBytes(${expression}))`;

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'OPTIONS', 'PATCH']);

/** JSON with files in base64, read from files that have the names of their fields. */
function filled(body) {
  const files = [];
  const mark = unused(JSON.stringify(body));
  const written = JSON.stringify(body, (name, item) => {
    if (!isUpload(item)) return item;
    files.push(`[Convert]::ToBase64String([IO.File]::ReadAllBytes("$PWD/" + ${literal(`${name}.${endingOf(item)}`)}))`);
    return mark;
  });
  return written.split(mark).flatMap((text, at) => [literal(text), ...files.slice(at, at + 1)]).join(' + ');
}

function form(body) {
  const part = ([name, value]) => {
    const file = isUpload(value) && `Get-Item -LiteralPath ${literal(`./${fileNames(name, value).local}`)}`;
    return `${literal(name)} = ${file || literal(value)}`;
  };
  return `-Form ([ordered]@{ ${fieldsOf(body).map(part).join('; ')} })`;
}

function bodyOptions(request) {
  if (hasParts(request)) return [form(request.body)];
  const content = bodyOf(request);
  if (content === '') return [];
  if (content !== null) return [`-Body ${bytes(literal(content))}`];
  return [hasUpload(request.body) ? `-Body ${bytes(filled(request.body))}` : '-InFile ./body'];
}

function headers(request, isPublic) {
  const key = isPublic ? literal(`${known.setup.api_key}:`) : '"${env:ILUMA_API_KEY}:"';
  const byName = new Map();
  for (const [name, value] of headersOf(request)) byName.set(name, [...(byName.get(name) ?? []), value]);
  byName.delete('content-type');
  const own = [...byName].map(([name, values]) => `; ${literal(name)} = ${literal(values.join(', '))}`);
  return `-Headers @{ authorization = 'Basic ' + [Convert]::ToBase64String(${bytes(key)})${own.join('')} }`;
}

export function powershell(request) {
  const { setup } = known;
  const type = headersOf(request).find(([name]) => name === 'content-type');
  const options = [
    `Invoke-WebRequest -SkipHttpErrorCheck -SkipHeaderValidation ${literal(setup.url + target(request))}`,
    `${METHODS.has(request.method) ? '-Method' : '-CustomMethod'} ${literal(request.method)}`,
    headers(request, setup.api_key && setup.world === request.world),
    ...(type ? [`-ContentType ${literal(type[1])}`] : []),
    ...bodyOptions(request),
  ];
  // PowerShell cannot trust a single authority. The address is the sandbox's own.
  if (setup.url.startsWith('https:')) options.push('-SkipCertificateCheck');
  return options.join(' `\n    ');
}
