"use strict";
// Renders the Markdown of the book. All text goes through textContent: nothing of a page becomes markup.

const BOOK = "/__sandbox/docs/book/";
const FIRST = "getting-started";
const $ = (id) => document.getElementById(id);

function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.flat(9));
  return element;
}

/** The anchor that a forge gives a heading. */
const anchor = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, "").replaceAll(" ", "-");

/** `page.md#part` → `#page/part`. Null for a file of the source that is not in the binary. */
function target(to, page) {
  if (/^https?:\/\//.test(to)) return to;
  const [file, part] = to.split("#");
  if (file.startsWith("control/")) return "/__sandbox/docs#control";
  if (file && !/^[a-z-]+\.md$/.test(file)) return null;
  return `#${file ? file.slice(0, -3) : page}${part ? `/${part}` : ""}`;
}

const INLINE = /(`+)(.+?)\1|!\[([^\]]*)\]\([^)]*\)|\[((?:[^\]`]|`[^`]*`)*)\]\(([^)\s]*)\)|<(https?:[^>]+)>|\*\*(.+?)\*\*|\*([^*\s][^*]*)\*/;

function inline(text, page) {
  const parts = [];
  for (let found; (found = INLINE.exec(text));) {
    const [all, , code, , words, to, address, bold, italic] = found;
    parts.push(text.slice(0, found.index));
    if (code !== undefined) parts.push(h("code", {}, code));
    else if (words !== undefined) {
      const href = target(to, page);
      parts.push(href ? h("a", { href }, inline(words, page)) : h("span", { title: to }, inline(words, page)));
    } else if (address) parts.push(h("a", { href: address }, address));
    else if (bold) parts.push(h("b", {}, inline(bold, page)));
    else if (italic) parts.push(h("i", {}, inline(italic, page)));
    text = text.slice(found.index + all.length);
  }
  return [...parts, text];
}

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
const ITEM = /^( *)(?:[-*]|\d+\.) +/;

/** Lines → elements. */
function blocks(lines, page) {
  const made = [];
  for (let at = 0; at < lines.length;) {
    const line = lines[at];
    const until = (stop) => {
      const from = at;
      do at += 1; while (at < lines.length && !stop(lines[at]));
      return lines.slice(from, at);
    };
    const heading = /^(#{1,4}) +(.*)/.exec(line);
    if (!line.trim()) at += 1;
    else if (line.startsWith("<!--")) {
      while (at < lines.length && !lines[at].includes("-->")) at += 1;
      at += 1;
    } else if (heading) {
      at += 1;
      made.push(h(`h${Math.min(heading[1].length + 1, 4)}`, { id: anchor(heading[2]) }, inline(heading[2], page)));
    } else if (line.startsWith("```")) {
      const code = until((next) => next.startsWith("```")).slice(1);
      at += 1;
      made.push(h("pre", { tabindex: "0" }, code.join("\n")));
    } else if (line.startsWith("|")) {
      const [head, , ...rows] = until((next) => !next.startsWith("|")).map(cells);
      made.push(h("div", { class: "scrolls", tabindex: "0" }, h("table", {},
        h("thead", {}, h("tr", {}, head.map((cell) => h("th", { scope: "col" }, inline(cell, page))))),
        h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, inline(cell, page)))))))));
    } else if (ITEM.test(line)) {
      const list = until((next) => next.trim() && !ITEM.test(next) && !next.startsWith("  "));
      made.push(h(/^\d/.test(line) ? "ol" : "ul", {}, items(list, page)));
    } else made.push(h("p", {}, inline(until((next) => !next.trim() || /^(#|```|\||<!--)/.test(next) || ITEM.test(next)).join(" "), page)));
  }
  return made;
}

/** The items of a list, each with the lines that are indented below it. */
function items(lines, page) {
  const found = [];
  for (const line of lines) {
    const item = ITEM.exec(line);
    if (item && !item[1]) found.push([line.slice(item[0].length)]);
    else found.at(-1).push(line.replace(/^ {1,4}/, ""));
  }
  return found.map((one) => {
    const made = blocks(one, page);
    if (made[0]?.tagName === "P") made.splice(0, 1, ...made[0].childNodes);
    return h("li", {}, made);
  });
}

async function read(name) {
  const reply = await fetch(`${BOOK}${name}.md`);
  return reply.ok ? (await reply.text()).split("\n") : null;
}

let shown = null;
async function show() {
  const [page, part] = decodeURIComponent(location.hash.slice(1)).split("/");
  const name = /^[a-z-]+$/.test(page) && page !== "main" ? page : FIRST;
  const main = $("main");
  if (shown !== name) {
    shown = name;
    const lines = await read(name);
    if (shown !== name) return; // another page was asked for meanwhile
    main.replaceChildren(...(lines ? blocks(lines, name) : [h("h2", {}, name), h("p", {},
      `This page is not in the binary. It is docs/${name}.md in the source of the sandbox. `,
      "The command line is in iluma-sandbox --help, and all outcomes are in the inspector, below Scenarios.")]));
    document.title = `${main.querySelector("h2")?.textContent ?? name} · iluma-sandbox`;
    for (const link of $("list").querySelectorAll("a")) {
      if (link.getAttribute("href") === `#${name}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }
  const to = part && document.getElementById(part);
  if (to) to.scrollIntoView();
  else scrollTo(0, 0);
}

(async () => {
  const summary = await read("SUMMARY");
  $("list").replaceChildren(...blocks(summary.slice(1), FIRST));
  addEventListener("hashchange", show);
  await show();
})().catch((error) => $("main").replaceChildren(h("p", {}, error.message)));
