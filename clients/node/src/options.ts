/** Checks options. A misspelt or undefined option would be left out silently, and a test would check less than it says. */

/** The names of the options of a type, each exactly once: the compiler checks it. */
export function names<Options extends object>(all: { [Name in keyof Required<Options>]: true }): readonly string[] {
  return Object.keys(all);
}

/** Throws a `TypeError` if `options` is no object, or has an option that `where` does not know. */
export function checkNames(where: string, options: unknown, known: readonly string[]): void {
  checkObject(where, options);
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      const near = nearest(name, known);
      const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean \`${near}\`?`;
      throw new TypeError(`unknown option \`${name}\` of ${where}: ${hint}`);
    }
  }
}

/** Also refuses values that JSON leaves out or changes to null: undefined, a function, NaN. */
export function checkOptions(where: string, options: unknown, known: readonly string[]): void {
  checkNames(where, options, known);
  checkValues(where, options as object);
}

/** Refuses a value that is no object, or has values that JSON leaves out or changes to null. */
export function checkValues(where: string, values: unknown): void {
  checkObject(where, values);
  for (const [name, value] of Object.entries(values)) {
    if (JSON.stringify(value) === undefined || (typeof value === 'number' && !Number.isFinite(value))) {
      const shown = typeof value === 'number' ? value : typeof value;
      throw new TypeError(`\`${name}\` of ${where} is ${shown}: leave it out, or give it a value`);
    }
  }
}

/** The values that are not undefined. */
export function given(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function checkObject(where: string, options: unknown): asserts options is object {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${where} takes an object of options, and not ${JSON.stringify(options) ?? typeof options}`);
  }
}

/** The known name that was most likely meant: at most half of it differs. Case and separators do not count. */
function nearest(written: string, known: readonly string[]): string | undefined {
  const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '');
  let best: { name: string; distance: number } | undefined;
  for (const name of known) {
    const distance = editDistance(plain(written).slice(0, 50), plain(name));
    if (distance * 2 <= Math.max(plain(written).length, plain(name).length) && distance < (best?.distance ?? Infinity)) {
      best = { name, distance };
    }
  }
  return best?.name;
}

/** How many letters must be inserted, removed or replaced. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (const [at, letter] of [...one].entries()) {
    const next = [at + 1];
    for (const [beside, otherLetter] of [...other].entries()) {
      const replaced = (row[beside] ?? 0) + (letter === otherLetter ? 0 : 1);
      next.push(Math.min(replaced, (row[beside + 1] ?? 0) + 1, (next[beside] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
