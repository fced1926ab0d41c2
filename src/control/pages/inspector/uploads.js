// Thumbnails of uploads that arrive while the page is open. A file is fetched once, drawn small, and discarded.

import { api, file } from './api.js';
import { valueAt } from './json.js';
import { store } from './store.js';

/** The longer side of a drawn picture. */
const PIXELS = 64;

/** A larger picture is not decoded: a small file can claim to be huge. */
const AREA_MAX = 25_000_000;

const REQUESTS_MAX = 500;

/** The canvases of each trace, by the JSON Pointers of their uploads. */
const drawn = new Map();

export const drawnOf = (trace) => drawn.get(trace) ?? {};

let last = Promise.resolve();
store.on('uploads', (list) => {
  for (const { trace, at } of list) last = last.then(() => drawAll(trace, at)).catch(() => {}); // one at a time
});

store.on('entries', () => {
  for (const trace of drawn.keys()) if (!store.byTrace.has(trace)) drawn.delete(trace);
});

async function drawAll(trace, places) {
  if (!store.byTrace.has(trace)) return;
  const [world] = trace.split('-');
  const { requests: [request] } = await api('requests', { world, query: { trace, limit: 1 } });
  const canvases = {};
  for (const at of places) {
    const canvas = await draw(world, trace, at, valueAt(request?.body, at)).catch(() => null);
    if (canvas) canvases[at] = canvas;
  }
  if (!Object.keys(canvases).length || !store.byTrace.has(trace)) return;
  drawn.set(trace, canvases);
  if (drawn.size > REQUESTS_MAX) drawn.delete(drawn.keys().next().value);
  store.tell('drawn', trace);
}

/** Rejects if the file is broken. Null if it has no recorded size, or one that is too large. */
async function draw(world, trace, at, facts) {
  const [width, height] = [Number(facts?.width), Number(facts?.height)]; // in a form they are texts
  if (!(width * height >= 1 && width * height <= AREA_MAX)) return null;
  const blob = await file(`requests/${encodeURIComponent(trace)}/uploads`, { world, query: { at } });
  // Only one side is given, because a camera may have turned the picture. The other side follows. No side is enlarged.
  const bitmap = await createImageBitmap(blob, Math.min(width, height) > PIXELS ? { resizeWidth: PIXELS, resizeQuality: 'high' } : {});
  const scale = Math.min(1, PIXELS / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext('2d');
  context.fillStyle = 'white'; // behind transparent parts
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas;
}
