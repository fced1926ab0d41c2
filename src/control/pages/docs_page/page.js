"use strict";
// Renders OpenAPI documents. All text goes through textContent: nothing of a document becomes markup.

const DOCUMENTS = [
  { id: "api", name: "API", url: "/openapi.json" },
  { id: "control", name: "Control API", url: "/__sandbox/openapi.json" },
];
const METHODS = ["get", "post", "put", "patch", "delete"];
const $ = (id) => document.getElementById(id);
const state = { document: null, operations: [], shown: [], selected: null, outcome: null, key: null, curl: "curl" };

function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// The document

async function load(which) {
  const about = DOCUMENTS.find((one) => one.id === which) || DOCUMENTS[0];
  state.wanted = about.id;
  if (state.document && state.document.id === about.id) return;
  const [reply] = await Promise.all([fetch(about.url), learnCurl()]);
  if (!reply.ok) throw new Error(`${about.url} answers ${reply.status}`);
  const json = await reply.json();
  if (state.wanted !== about.id) return; // another was asked for meanwhile
  state.document = { ...about, json };
  state.operations = [];
  for (const [path, item] of Object.entries(json.paths || {})) {
    for (const method of METHODS.filter((method) => item[method])) {
      const operation = item[method];
      const parameters = [...(item.parameters || []), ...(operation.parameters || [])].map(resolved);
      const one = { path, method, operation, parameters, id: `${about.id}/${method}${path}` };
      one.text = JSON.stringify([path, method, operation.summary, operation.tags, operation["x-sandbox-endpoint"],
        operation["x-sandbox-outcomes"], fields(bodyOf(operation).schema).map((field) => field.name)]).toLowerCase();
      state.operations.push(one);
    }
  }
  $("raw").href = about.url;
  for (const button of $("documents").children) {
    button.setAttribute("aria-pressed", String(button.dataset.id === about.id));
  }
}

function resolved(value) {
  let steps = 0;
  while (value && value.$ref && steps++ < 20) {
    const { $ref, ...more } = value;
    if (!$ref.startsWith("#/")) return value;
    const parts = $ref.slice(2).split("/").map((part) => decodeURIComponent(part).replace(/~1/g, "/").replace(/~0/g, "~"));
    const found = parts.reduce((at, part) => (at ? at[part] : undefined), state.document.json);
    value = found && Object.keys(more).length ? { ...found, ...more } : found;
  }
  return value;
}

function bodyOf(operation) {
  const content = (resolved(operation.requestBody) || {}).content || {};
  const [type, media] = Object.entries(content)[0] || [];
  return media ? { type, ...media } : {};
}

const exampleOf = (media) => {
  const first = Object.values(media.examples || {}).map(resolved)[0];
  return first ? first.value : media.example;
};

// Schemas in words

function kind(schema) {
  schema = resolved(schema) || {};
  if (schema.anyOf || schema.oneOf) return [...new Set((schema.anyOf || schema.oneOf).map(kind))].join(" or ");
  if (schema.format === "binary") return "file";
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.type === "array" && schema.items) return `array of ${kind(schema.items)}`;
  if (Array.isArray(schema.type)) return schema.type.join(" or ");
  return schema.type || (schema.enum ? "one of" : "any");
}

function rules(schema) {
  schema = resolved(schema) || {};
  const words = [];
  for (const one of schema.anyOf || []) words.push(...rules(one));
  if (schema.enum) words.push(schema.enum.map((value) => JSON.stringify(value)).join(", "));
  for (const key of ["format", "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems"]) {
    if (schema[key] !== undefined && schema[key] !== "binary") words.push(`${key} ${schema[key]}`);
  }
  if (schema.uniqueItems) words.push("no item twice");
  if (schema.default !== undefined) words.push(`default ${JSON.stringify(schema.default)}`);
  if (schema["x-file"]) words.push(`file: ${JSON.stringify(schema["x-file"])}`);
  if (schema.type === "array" && schema.items) words.push(...rules(schema.items).map((rule) => `each: ${rule}`));
  return words;
}

function fields(schema, prefix = "", depth = 0) {
  schema = resolved(schema);
  if (!schema || depth > 6) return [];
  const found = [];
  for (const [name, rule] of Object.entries(schema.properties || {})) {
    const inner = resolved(rule) || {};
    const required = (schema.required || []).includes(name);
    found.push({ name: prefix + name, rule: inner, required });
    const nested = inner.anyOf ? inner.anyOf.map(resolved).find((one) => one && (one.properties || one.items)) : inner;
    if (nested && nested.properties) found.push(...fields(nested, `${prefix}${name}.`, depth + 1));
    if (nested && nested.items) found.push(...fields(nested.items, `${prefix}${name}[].`, depth + 1));
  }
  return found;
}

// Curl

const word = (text) => (/^[\w./:@%+,-][\w./:=@%+,-]*$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`);

/** Over HTTPS a line names the authority to trust, where this page may know it. */
async function learnCurl() {
  if (location.protocol !== "https:") return;
  const reply = await fetch("/__sandbox/setup");
  if (reply.ok) state.curl = (await reply.json()).curl;
}

/** The options of curl for one part of a form. In `-F`, quotes keep a `;` in JSON. */
function formPart(name, value, isFile) {
  if (isFile) return ["-F", word(`${name}=@${name}.png`)];
  if (value === null || typeof value !== "object") return ["--form-string", word(`${name}=${value}`)];
  return ["-F", word(`${name}="${JSON.stringify(value).replace(/[\\"]/g, "\\$&")}";type=application/json`)];
}

function curl(one, outcome) {
  const value = (parameter) => {
    const example = parameter.example !== undefined ? parameter.example : exampleOf(parameter);
    return example !== undefined ? String(example) : `{${parameter.name}}`;
  };
  const path = one.parameters.filter((parameter) => parameter.in === "path")
    .reduce((path, parameter) => path.replace(`{${parameter.name}}`, value(parameter)), one.path);
  const query = one.parameters.filter((parameter) => parameter.in === "query" && parameter.required)
    .map((parameter) => `${parameter.name}=${encodeURIComponent(value(parameter))}`).join("&");
  const parts = [state.curl];
  if (one.method !== "get") parts.push("-X", one.method.toUpperCase());
  const server = ((state.document.json.servers || [])[0] || { url: "/" }).url;
  const base = new URL(server, location.origin).href.replace(/\/$/, "");
  parts.push(word(base + path + (query ? `?${query}` : "")));
  const security = one.operation.security || state.document.json.security || [];
  if (security.length) {
    const schemes = (state.document.json.components || {}).securitySchemes || {};
    state.key = Object.values(schemes).map((scheme) => scheme["x-sandbox-key"]).find(Boolean) || state.key;
    const key = state.key;
    parts.push("-u", key ? word(`${key}:`) : '"$ILUMA_API_KEY:"');
  }
  if (outcome) parts.push("-H", word(`x-magic-reply: ${outcome}`));
  const body = bodyOf(one.operation);
  const example = exampleOf(body);
  if (body.type && body.type.startsWith("multipart")) {
    const properties = (resolved(body.schema) || {}).properties || {};
    for (const [name, value] of Object.entries(example || {})) {
      const file = properties[name] && properties[name].format === "binary";
      if (!outcome) parts.push(...[value].flat().flatMap((item) => formPart(name, item, file)));
    }
  } else if (example !== undefined && !outcome) {
    parts.push("-H", "'content-type: application/json'", "-d", word(JSON.stringify(example)));
  }
  return parts.join(" ");
}

function copyable(text, what) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      say(`${what} copied`);
    } catch {
      say("copying is not allowed here: select it instead");
    }
  };
  return h("div", { class: "line" }, h("pre", { tabindex: 0, "aria-label": what }, text), h("button", { onclick: copy }, "Copy"));
}

function say(text) {
  $("said").textContent = "";
  $("said").textContent = text;
}

// The page

const label = (source) => source && h("span", { class: `label ${source}` }, source);

function table(caption, heads, rows) {
  if (!rows.length) return null;
  return [h("h3", {}, caption), h("div", { class: "scrolls", tabindex: 0, role: "region", "aria-label": caption },
    h("table", {}, h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, rows)))];
}

function fieldRows(list) {
  return list.map(({ name, rule, required }) => h("tr", {},
    h("td", {}, h("code", {}, name), required && h("small", {}, " required")),
    h("td", {}, kind(rule)),
    h("td", {}, rule.description || "", " ", h("small", {}, rules(rule).join("; ")), " ", label(rule["x-source"]))));
}

function outcomes(one) {
  const list = one.operation["x-sandbox-outcomes"] || [];
  const rows = list.map((outcome) => {
    const ask = () => {
      state.outcome = outcome.name;
      render();
      $("example").scrollIntoView({ block: "nearest" });
    };
    const then = outcome.then.map((then) => `after ${then.after} ${then.outcome}`);
    const notes = [outcome.description, outcome.default && "default", outcome.callback && `callback ${outcome.callback}`, ...then,
      outcome.sequence.length && `in turn: ${outcome.sequence.join(", ")}`,
      outcome.aliases.length && `also ${outcome.aliases.join(", ")}`].filter(Boolean);
    return h("tr", {},
      h("td", {}, h("button", { onclick: ask, "aria-pressed": String(state.outcome === outcome.name) }, outcome.name)),
      h("td", { class: outcome.status >= 400 ? "fails" : "" }, String(outcome.status)),
      h("td", {}, notes.join(" · "), " ", label(outcome.source)));
  });
  return table("Outcomes (x-magic-reply)", ["Outcome", "Status", "What it is"], rows);
}

function example(one) {
  if (!state.outcome) return null;
  for (const [status, reply] of Object.entries(one.operation.responses || {})) {
    for (const media of Object.values((resolved(reply) || {}).content || {})) {
      const found = (media.examples || {})[state.outcome];
      if (!found) continue;
      return h("section", { id: "example" }, h("h3", {}, `${state.outcome}: ${status}`),
        copyable(curl(one, state.outcome), `curl for ${state.outcome}`),
        copyable(JSON.stringify(resolved(found).value, null, 2), "reply"));
    }
  }
  return null;
}

function replies(responses, title) {
  const list = Object.entries(responses || {}).map(([status, reply]) => {
    reply = resolved(reply) || {};
    const media = Object.values(reply.content || {})[0] || {};
    const schema = resolved(media.schema) || {};
    const shapes = schema.anyOf || schema.oneOf || (media.schema ? [media.schema] : []);
    const examples = Object.entries(media.examples || {}).map(([name, value]) => {
      value = resolved(value);
      return h("details", {}, h("summary", {}, h("code", {}, name), " ", label(value["x-source"]), " ", value.summary || ""),
        copyable(JSON.stringify(value.value, null, 2), name));
    });
    return h("details", {}, h("summary", { class: /^[45]/.test(status) ? "fails" : "" }, h("b", {}, status), " ",
      h("span", { class: "faint" }, (reply.description || "").split(":")[0])),
      shapes.map((shape, at) => {
        const name = shape.$ref ? shape.$ref.split("/").pop() : shapes.length > 1 ? `shape ${at + 1}` : "shape";
        const rows = fieldRows(fields(shape));
        return rows.length > 0 && h("details", {}, h("summary", {}, h("code", {}, name)), h("table", {}, h("tbody", {}, rows)));
      }),
      examples.length > 0 && [h("p", { class: "faint" }, "Examples"), examples]);
  });
  return list.length ? [h("h3", {}, title), list] : null;
}

function callbacks(one) {
  const found = [];
  for (const [name, urls] of Object.entries(one.operation.callbacks || {})) {
    for (const item of Object.values(urls)) {
      const call = item.post || {};
      const media = bodyOf(call);
      found.push(h("h3", {}, `Callback ${name}`), h("p", {}, call.description || call.summary || ""),
        Object.entries(media.examples || {}).map(([name, value]) =>
          h("details", {}, h("summary", {}, h("code", {}, name)), copyable(JSON.stringify(resolved(value).value, null, 2), name))));
    }
  }
  return found;
}

function detail(one) {
  const { operation } = one;
  const body = bodyOf(operation);
  const parameters = one.parameters.map((parameter) => h("tr", {},
    h("td", {}, h("code", {}, parameter.name), parameter.required && h("small", {}, " required")),
    h("td", {}, parameter.in),
    h("td", {}, parameter.description || "", " ", h("small", {}, rules(parameter.schema).join("; ")))));
  return [
    h("h2", {}, h("span", { class: "verb" }, one.method.toUpperCase()), " ", h("code", {}, one.path)),
    h("p", {}, operation.summary || "", " ", label(operation["x-source"])),
    operation.description && operation.description !== operation.summary && h("p", {}, operation.description),
    copyable(curl(one), "curl"),
    outcomes(one), example(one),
    table("Parameters", ["Name", "In", "What it is"], parameters),
    table(`Body${body.type ? ` (${body.type})` : ""}`, ["Field", "Type", "What it is"], fieldRows(fields(body.schema))),
    replies(operation.responses, "Replies"),
    callbacks(one),
  ];
}

function render() {
  const wanted = $("search").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  state.shown = state.operations.filter((one) => wanted.every((part) => one.text.includes(part)));
  const groups = new Map();
  for (const one of state.shown) {
    const tag = (one.operation.tags || ["Operations"])[0];
    groups.set(tag, [...(groups.get(tag) || []), one]);
  }
  const links = [...groups].map(([tag, list]) => [h("h2", {}, tag), list.map((one) =>
    h("a", { href: `#${one.id}`, "aria-current": one === state.selected ? "true" : undefined },
      h("span", { class: "verb" }, one.method.toUpperCase()), one.path))]);
  $("list").replaceChildren(...(links.length ? links.flat(2) : [h("p", { class: "faint" }, "Nothing has these words.")]));
  $("operation").replaceChildren(...(state.selected ? detail(state.selected) : [h("p", {}, "There is no such operation.")])
    .flat(9).filter((child) => child));
  const current = $("list").querySelector("[aria-current]");
  if (current) current.scrollIntoView({ block: "nearest" });
}

async function route() {
  const id = decodeURIComponent(location.hash.slice(1));
  if (id === "operation") return $("operation").focus(); // the link that skips the list
  try {
    await load(id.split("/")[0]);
    if (id !== decodeURIComponent(location.hash.slice(1))) return; // only the last request is shown
  } catch (error) {
    $("operation").replaceChildren(h("p", { class: "fails" }, `The document cannot be shown: ${error.message}.`));
    return;
  }
  state.selected = state.operations.find((one) => one.id === id) || state.operations[0] || null;
  state.outcome = null;
  document.title = `${state.selected ? `${state.selected.method.toUpperCase()} ${state.selected.path}` : "Documents"} · iluma-sandbox`;
  render();
}

function step(by) {
  const at = state.shown.indexOf(state.selected);
  const next = state.shown[Math.min(Math.max(at + by, 0), state.shown.length - 1)];
  if (next) location.hash = next.id;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.tagName === "INPUT") {
    if (event.key === "Escape") event.target.blur();
    if (event.key === "Enter" && state.shown[0]) location.hash = state.shown[0].id;
    return;
  }
  if (event.key === "/") {
    event.preventDefault();
    $("search").focus();
  } else if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
});

$("documents").append(...DOCUMENTS.map((one) =>
  h("button", { "data-id": one.id, "aria-pressed": "false", onclick: () => { location.hash = `${one.id}/`; } }, one.name)));
$("search").addEventListener("input", render);
addEventListener("hashchange", route);
route();
