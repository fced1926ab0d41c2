// JSON whose numbers keep their digits: JavaScript's own numbers have about 16.

/** A number that is written as it was read. */
export class ExactNumber extends Number {
  constructor(source) {
    super(source);
    this.source = source;
  }

  toString() {
    return this.source;
  }

  toJSON() {
    return JSON.rawJSON(this.source);
  }
}

/** A number of JavaScript, or an exact one where that would lose digits. Browsers without `JSON.rawJSON` lose them. */
export function number(source) {
  const value = Number(source);
  const losesDigits = !Number.isSafeInteger(value) && String(value) !== source;
  return losesDigits && JSON.rawJSON ? new ExactNumber(source) : value;
}

const MAY_LOSE_DIGITS = /[\d.]{16}/;

/** `JSON.parse`, with exact numbers. */
export function parse(text) {
  if (!MAY_LOSE_DIGITS.test(text)) return JSON.parse(text);
  return JSON.parse(text, (name, value, context) => (typeof value === 'number' && context?.source ? number(context.source) : value));
}
