// How this tab takes part in the shared stream of events: only while it is visible.

import { streamRequest } from './api.js';
import { BEAT, serve } from './feed.js';

/** After so many joins without an answer, the worker is taken for ended. */
const UNANSWERED_MAX = 2;

/**
 * `heard(event, data)` also hears `snapshot`, with everything that there is, and `closed`, with the status of the refusal.
 * Returns what joins again, after the credentials have changed. The version is in the name of the worker, so that
 * tabs of an older sandbox keep their own.
 */
export function follow(version, heard) {
  let isShared = 'SharedWorker' in globalThis;
  let losses = 0;
  let unanswered = 0;
  let port = null;

  function opened() {
    if (!isShared) {
      const { port1, port2 } = new MessageChannel();
      serve(port2);
      return port1;
    }
    const worker = new SharedWorker(new URL('feed.js', import.meta.url), { type: 'module', name: `iluma-sandbox ${version}` });
    worker.onerror = () => {
      isShared = false;
      port = null;
      join();
    };
    return worker.port;
  }

  function join() {
    if (document.visibilityState === 'hidden') return;
    if (unanswered > UNANSWERED_MAX) {
      losses += 1;
      isShared = isShared && losses < 2;
      port = null;
    }
    if (!port) {
      unanswered = 0;
      port = opened();
      port.onmessage = ({ data: [event, data] }) => {
        unanswered = 0;
        if (event !== 'joined') heard(event, data);
      };
    }
    unanswered += 1;
    port.postMessage(streamRequest());
  }

  const leave = () => port?.postMessage(null);
  document.addEventListener('visibilitychange', () => (document.visibilityState === 'hidden' ? leave() : join()));
  addEventListener('pagehide', leave);
  addEventListener('pageshow', join);
  setInterval(join, BEAT);
  join();
  return join;
}
