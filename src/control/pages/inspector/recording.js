// The export that is embedded in a page without a server. It answers in the place of the control API.

import { stop } from './machine.js';
import { parse } from './numbers.js';

/** Why something is missing or disabled in such a page. */
export const NO_SERVER = 'This page is an export without a server: the inspector of a running sandbox can do this.';

class Recording {
  constructor(data) {
    Object.assign(this, data);
    this.deliveries = this.deliveries.map(({ callback_type: type, ...delivery }) => ({ ...delivery, type }));
    stop(this.head.at);
  }

  /** What the control API would answer. */
  answer(path, { method = 'GET', world, query = {} } = {}) {
    const [name, id] = path.split('/');
    if (method !== 'GET') throw new Error(NO_SERVER);
    switch (name) {
      case 'setup': return { ...this.setup, api_key: null };
      case 'worlds': return { worlds: this.worldsInExport() };
      case 'catalog': return this.catalog;
      case 'coverage': return this.coverage;
      case 'requests': return { requests: this.exchanges.filter((one) => (query.trace ? one.trace === query.trace : one.world === world && isOfTrace(this.idsOf(one), query))) };
      case 'explain': return this.explanations[decodeURIComponent(id)] ?? { because: 'The explanation was no longer there when this page was written.' };
      case 'deliveries': return { deliveries: this.deliveriesOf(world, query), dropped: this.head.dropped.deliveries };
      default: throw new Error(NO_SERVER);
    }
  }

  worldsInExport() {
    const exported = new Set(this.head.worlds.map((one) => one.world));
    return this.worlds.worlds.filter((one) => exported.has(one.world));
  }

  /** Without `state`, the control API lists those that have or had a URL. */
  deliveriesOf(world, { record, state, limit, ...ids }) {
    const fitting = this.deliveries.filter((one) => one.world === world && (!record || one.record === record) && isOfTrace(one, ids)
      && (state ? one.state === state : one.state !== 'no_url'));
    return fitting.slice(0, limit);
  }

  /** The `traceparent` and the `x-request-id` of a request. */
  idsOf({ trace }) {
    const { traceparent, request_id } = this.explanations[trace]?.request ?? {};
    return { traceparent, request_id };
  }

  /** What the stream of events would send first. */
  snapshot() {
    const entries = this.exchanges.map((one) => {
      const { chosen_by: by, record } = this.explanations[one.trace] ?? {};
      return { ...one, ...this.idsOf(one), mark: MARKS[by], record: record?.id };
    });
    return { entries, reload: null, skipped: this.omitted.requests };
  }
}

/** Whether a request or a callback is of the trace that is asked for, by its trace id or by the id of a request. */
const isOfTrace = (one, { traceparent, request_id }) => (!traceparent || one.traceparent?.includes(traceparent)) && (!request_id || one.request_id === request_id);

const MARKS = { no_route: 'unmatched', refusal: 'refused' };

const embedded = globalThis.document?.getElementById('export');

/** Null in a page that a sandbox has served. */
export const recording = embedded ? new Recording(parse(embedded.textContent)) : null;
