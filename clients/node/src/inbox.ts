/** A receiver for callbacks that is part of the sandbox. */

import type { Control } from './control.js';
import { NotVerified } from './errors.js';
import { checkOptions, given } from './options.js';
import { written, type Duration, type Received } from './shapes.js';

/**
 * Register `url` as a callback URL, and read the received callbacks.
 *
 * It answers 200. With `` `${inbox.url}?status=500&times=2` `` it refuses the first two callbacks.
 */
export class Inbox {
  /** The URL for callbacks. */
  readonly url: string;
  readonly #control: Control;
  readonly #path: string;

  constructor(control: Control, name: string) {
    this.#control = control;
    this.#path = `inbox/${name}`;
    this.url = `${control.url}/__sandbox/${this.#path}`;
  }

  /** The received callbacks, newest first. Waits until `count` have come; rejects with `NotVerified` after `wait`. */
  async received(count = 0, options: { wait?: Duration; afterSeq?: number } = {}): Promise<Received[]> {
    checkOptions('received', options, ['wait', 'afterSeq']);
    if (!Number.isInteger(count) || count < 0) {
      throw new TypeError(`\`count\` of received is a whole number, and not ${JSON.stringify(count)}`);
    }
    const wait = written(options.wait ?? '5s');
    const waiting = count > 0 ? { count, wait } : {};
    try {
      const query = given({ after_seq: options.afterSeq, ...waiting });
      return (await this.#control.call('GET', this.#path, { query })).received;
    } catch (late) {
      if (!(late instanceof NotVerified)) {
        throw late;
      }
      const arrived = (late.answer.received as Received[] | undefined)?.length ?? 0;
      const why = (late.answer.why ?? []) as string[];
      const came = `${arrived} of ${count} callbacks came to ${this.url}`;
      const lines = why.length > 0 ? [came, ...why.map((reason) => `  ${reason}`)] : [`${came} within ${wait}`];
      throw new NotVerified(lines.join('\n'), { status: 408, answer: { ...late.answer } });
    }
  }

  /** Removes all received callbacks. */
  async empty(): Promise<void> {
    await this.#control.call('DELETE', this.#path);
  }
}
