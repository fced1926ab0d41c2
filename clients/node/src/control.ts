/** A client for the control API of a sandbox. */

import * as http from 'node:http';
import * as https from 'node:https';

import { SandboxError, ofAnswer } from './errors.js';
import { checkNames, checkValues, names } from './options.js';

/** Longer than any answer takes: a request waits 60 s at most, and an advance waits for receivers. */
const TIMEOUT_MS = 600_000;

export interface CallOptions {
  query?: Record<string, unknown>;
  body?: unknown;
}

const CALL = names<CallOptions>({ query: true, body: true });

/** The header that chooses the world of a key. */
export function authorization(apiKey: string): string {
  return `Basic ${Buffer.from(`${apiKey}:`).toString('base64')}`;
}

/**
 * The control API, for one world or, without a key, for none.
 *
 * It does not use `fetch`, because tests often replace that with a mock.
 */
export class Control {
  readonly url: string;
  readonly controlToken: string | undefined;
  /** The certificate authority to trust if `url` is https. The default is those of the system. */
  readonly caPem: string | undefined;
  readonly #headers: Record<string, string> = { accept: 'application/json' };

  constructor(
    url: string,
    options: { apiKey?: string | undefined; controlToken?: string | undefined; caPem?: string | undefined } = {},
  ) {
    this.url = url;
    this.controlToken = options.controlToken;
    this.caPem = options.caPem;
    if (options.apiKey !== undefined) {
      this.#headers.authorization = authorization(options.apiKey);
    }
    if (options.controlToken !== undefined) {
      this.#headers['x-sandbox-control-token'] = options.controlToken;
    }
  }

  /**
   * The answer of `/__sandbox/{path}`: JSON if it is JSON, else text. Throws a `SandboxError` with the sandbox's
   * message if it refuses.
   */
  async call(method: string, path: string, options: CallOptions = {}): Promise<any> {
    checkNames('call', options, CALL);
    const { query = {}, body } = options;
    checkValues('call.query', query);
    const target = new URL(`/__sandbox/${path}`, this.url);
    for (const [name, value] of Object.entries(query)) {
      if (value === null) {
        throw new TypeError(`\`${name}\` of call.query is null: leave it out, or give it a value`);
      }
      target.searchParams.set(name, String(value));
    }
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers = { ...this.#headers, ...(payload !== undefined && { 'content-type': 'application/json' }) };
    const { status, contentType, text } = await this.#exchange(method, target, headers, payload);
    const answer: unknown = contentType.startsWith('application/json') ? JSON.parse(text) : text;
    if (status < 200 || status >= 300) {
      throw ofAnswer(status, answer);
    }
    return answer;
  }

  #exchange(
    method: string,
    target: URL,
    headers: Record<string, string>,
    payload: string | undefined,
  ): Promise<{ status: number; contentType: string; text: string }> {
    return new Promise((resolve, reject) => {
      const fail = (cause: Error) =>
        reject(new SandboxError(`the sandbox at ${this.url} does not answer: ${cause.message}`, { cause }));
      const { request } = target.protocol === 'https:' ? https : http;
      // Each call has its own connection, so no open connection stops the test process from ending.
      const trust = this.caPem === undefined ? {} : { ca: this.caPem };
      const asked = request(target, { method, headers, agent: false, timeout: TIMEOUT_MS, ...trust }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', fail);
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            contentType: answer.headers['content-type'] ?? '',
            text: Buffer.concat(chunks).toString(),
          }),
        );
      });
      asked.on('timeout', () => asked.destroy(new Error(`nothing for ${TIMEOUT_MS / 1000} s`)));
      asked.on('error', fail);
      asked.end(payload);
    });
  }
}
