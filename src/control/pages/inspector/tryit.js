// Try it: a request built from the schema of an endpoint, with the values of its sample.

import { api, send, withoutServer } from './api.js';
import { button, fill, h, outcomeOf, say, statusOf } from './dom.js';
import { text as content } from './json.js';
import { number, parse } from './numbers.js';
import { link, place } from './place.js';
import { store } from './store.js';

const kindOf = (rule) => [rule.type].flat().find((one) => one && one !== 'null') ?? 'string';
const isFile = (rule) => rule.format === 'file';

/** The form of an endpoint. After a reload, `learn` takes its new outcomes and keeps what was entered. */
export function tryit(about) {
  if (withoutServer) return { element: h('p', { class: 'dim' }, withoutServer), learn() {} };
  const magic = h('select', { id: 'try-magic' });
  const learn = ({ outcomes }) => {
    const { value } = magic;
    fill(magic, h('option', { value: '' }, 'let the sandbox decide'), outcomes.map((outcome) => h('option', { value: outcome.name }, outcome.name)));
    if (outcomes.some((outcome) => outcome.name === value)) magic.value = value;
  };
  learn(about);
  const body = h('div', {});
  const told = h('div', { class: 'told', 'aria-live': 'polite' });
  const fold = h('details', { class: 'fold try' }, h('summary', {}, 'Try it'), body, told);
  let isDrawn = false;
  fold.addEventListener('toggle', async () => {
    if (!fold.open || isDrawn) return;
    isDrawn = true;
    try {
      draw(await api('schema', { query: { endpoint: about.id } }));
    } catch (error) {
      isDrawn = false;
      say(error.message, true);
    }
  });

  function draw({ schema, sample, method, path, content_type: type }) {
    const required = schema.required ?? [];
    const inPath = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name);
    const properties = { ...Object.fromEntries(inPath.map((name) => [name, { type: 'string' }])), ...schema.properties };
    const fields = Object.entries(properties).map(([name, rule]) => field(name, rule, sample?.[name] ?? rule.examples?.[0], required.includes(name) || inPath.includes(name)));
    const form = h('form', { class: 'form' },
      fields.map((one) => one.row),
      h('div', { class: 'field' }, h('label', { for: 'try-magic' }, h('span', { class: 'mono' }, 'x-magic-reply')), magic),
      h('div', { class: 'row' }, h('button', { class: 'primary' }, 'Send'), h('span', { class: 'dim mono wrap' }, `${method} ${path}`)));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      submit().catch((error) => say(error.message, true));
    });
    fill(body, fields.length ? null : h('p', { class: 'dim' }, 'It has no fields.'), form);

    async function submit() {
      let to = path;
      const values = {};
      const files = new FormData();
      for (const one of fields) {
        const value = await one.value();
        if (inPath.includes(one.name)) to = to.replace(`{${one.name}}`, encodeURIComponent(value ?? ''));
        else if (value !== undefined) {
          values[one.name] = value;
          if (value instanceof Blob) files.append(one.name, value, value.name ?? 'specimen.png');
          else files.append(one.name, typeof value === 'string' ? value : JSON.stringify(value));
        }
      }
      const headers = {};
      if (type === 'application/json') headers['content-type'] = type;
      if (magic.value) headers['x-magic-reply'] = magic.value;
      const answer = await send(store.world, { method, path: to, headers, body: type === 'multipart/form-data' ? files : type ? JSON.stringify(values) : undefined });
      fill(told, h('p', { class: 'facts' }, statusOf(answer.status), h('span', { class: 'mono' }, outcomeOf(answer.outcome)),
        answer.trace && h('a', { href: link('requests', { world: place().query.world, trace: answer.trace, open: '1' }) }, 'see why')),
      content(answer.text, 'Reply'));
    }
  }
  return { element: fold, learn };
}

function field(name, rule, sample, isRequired) {
  const id = `try-${name}`;
  const kind = kindOf(rule);
  const isSent = h('input', { type: 'checkbox', checked: isRequired || sample !== undefined, 'aria-label': `Send ${name}` });
  const options = rule.enum ?? (kind === 'boolean' ? [true, false] : null);
  let input;
  if (isFile(rule)) input = h('input', { type: 'file', id, accept: (rule.properties?.type?.enum ?? []).join(',') });
  else if (options) {
    input = h('select', { id }, options.map((one) => h('option', { value: JSON.stringify(one) }, String(one))));
    if (sample !== undefined) input.value = JSON.stringify(sample);
  } else if (kind === 'array' || kind === 'object') input = h('textarea', { id, rows: '2', spellcheck: 'false', value: JSON.stringify(sample ?? (kind === 'array' ? [] : {})) });
  else input = h('input', { id, type: kind === 'integer' || kind === 'number' ? 'number' : 'text', step: 'any', spellcheck: 'false', autocomplete: 'off', value: sample === undefined ? '' : String(sample) });
  input.addEventListener('input', () => (isSent.checked = true));
  return {
    name,
    row: h('div', { class: 'field' }, h('div', {}, isSent, h('label', { for: id }, h('span', { class: 'mono' }, name), isRequired && h('span', { class: 'bad' }, ' *'))), input,
      h('span', { class: 'dim' }, isFile(rule) ? ['Without a choice a specimen is drawn. ', rule.description] : rule.description)),
    async value() {
      if (!isSent.checked) return undefined;
      if (isFile(rule)) return input.files[0] ?? specimen(rule.properties ?? {});
      if (options) return parse(input.value);
      if (kind === 'array' || kind === 'object') {
        try {
          return parse(input.value);
        } catch (error) {
          throw new Error(`${name}: ${error.message}`);
        }
      }
      return kind === 'integer' || kind === 'number' ? number(input.value) : input.value;
    },
  };
}

/** A picture that says what it is. It is padded after its end to be large enough for the rules; readers ignore that. */
async function specimen(rules) {
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(600, rules.width?.minimum ?? 0);
  canvas.height = Math.max(600, rules.height?.minimum ?? 0);
  const draw = canvas.getContext('2d');
  draw.fillStyle = '#dfe6f2';
  draw.fillRect(0, 0, canvas.width, canvas.height);
  draw.fillStyle = '#27406b';
  draw.font = 'bold 64px sans-serif';
  draw.textAlign = 'center';
  draw.fillText('SPECIMEN', canvas.width / 2, canvas.height / 2);
  const type = rules.type?.enum?.includes('image/png') === false ? 'image/jpeg' : 'image/png';
  const picture = await new Promise((resolve) => canvas.toBlob(resolve, type));
  const least = Math.min((rules.bytes?.minimum ?? 0) + 1024, rules.bytes?.maximum ?? Infinity);
  const padding = new Uint8Array(Math.max(0, least - picture.size));
  return new File([picture, padding], type === 'image/png' ? 'specimen.png' : 'specimen.jpg', { type });
}
