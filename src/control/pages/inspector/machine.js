// The clock of the sandbox's machine, which may differ from the browser's.

let ahead = 0;
let stopped = null;

export const now = () => stopped ?? Date.now() + ahead;

/** For a page that shows one moment of the past. */
export const stop = (at) => (stopped = Date.parse(at));

/** Learns from the date of a reply, which has whole seconds. */
export function learn(date) {
  const differs = Date.parse(date) + 500 - Date.now();
  if (Number.isFinite(differs)) ahead = Math.abs(differs) < 2000 ? 0 : differs;
}
