/** A running sandbox. */

/// <reference lib="esnext.disposable" preserve="true" />

import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

import { findBinary } from './binary.js';
import { Control } from './control.js';
import { SandboxProcess } from './process.js';
import { World } from './world.js';

/** The key that the provider's documentation prints: every sandbox lets it in, and its world is shared by all who use it. */
export const DOCUMENTED_API_KEY = 'iluma_development_FX4f0M5sxDgk5qFyZnk60ZengAfA9o31x3ecd29vihjc4VhyJ8FclZhHjjw';

/** The flags of `iluma-sandbox serve`, and how to start it. */
export interface SandboxOptions {
  seed?: number | bigint;
  /** `'2026-01-01T00:00:00Z'`, or `'system'`. */
  clock?: string;
  /** A folder of scenario files, or several. */
  scenarios?: string | string[];
  strict?: boolean;
  /** HTTPS, by an authority of its own that is kept nowhere but in `caPem`. */
  tls?: boolean;
  bind?: string;
  /** A free one unless it is named. */
  port?: number;
  /** Any other flags: `['--callback-retries', 'none']`. */
  args?: string[];
  /** The binary: a path, or a name on PATH. */
  binary?: string;
  /** To this process's stderr, or to `logFile`. */
  logFormat?: 'off' | 'pretty' | 'json';
  /** A file at whose end the log is written. */
  logFile?: string;
  /** How long it may take to start: 30 seconds unless said otherwise. */
  timeoutMs?: number;
}

export interface ConnectOptions {
  apiKey?: string;
  controlToken?: string;
  /** The certificate authority to trust, where it speaks HTTPS. */
  caPem?: string | undefined;
}

export interface WorldOptions {
  /** Empties the world of that name, where there is one, instead of refusing. */
  reset?: boolean;
}

/** Starts a sandbox on a free port, and resolves when it answers; rejects with what it said when it does not start. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { logFormat = 'off', logFile } = options;
  const flags = ['--bind', options.bind ?? '127.0.0.1', '--port', String(options.port ?? 0)];
  flags.push('--log-format', logFormat);
  if (options.seed !== undefined) {
    flags.push('--seed', String(options.seed));
  }
  if (options.clock !== undefined) {
    flags.push('--clock', options.clock);
  }
  for (const folder of [options.scenarios ?? []].flat()) {
    flags.push('--scenarios', folder);
  }
  if (options.strict) {
    flags.push('--strict');
  }
  const authority = options.tls ? fs.mkdtempSync(path.join(tmpdir(), 'iluma-sandbox-ca-')) : undefined;
  if (authority !== undefined) {
    flags.push('--tls', '--ca-dir', authority);
  }
  flags.push(...(options.args ?? []));
  const binary = findBinary(options.binary);
  const log = logFile === undefined ? undefined : fs.openSync(logFile, 'a');
  const stderr = log ?? (logFormat === 'off' ? 'pipe' : 'inherit');
  try {
    const running = await SandboxProcess.start(binary, flags, stderr, options.timeoutMs ?? 30_000);
    const { url, api_key, callback_token, control_token, ca_file } = running.ready;
    const caPem = ca_file ? fs.readFileSync(ca_file, 'ascii') : undefined;
    return new Sandbox(url, api_key, callback_token, control_token ?? undefined, running, caPem);
  } finally {
    if (authority !== undefined) {
      fs.rmSync(authority, { recursive: true, force: true });
    }
    if (log !== undefined) {
      fs.closeSync(log); // the sandbox has its own
    }
  }
}

/** One that runs already: a sidecar in CI, or that of a colleague. `stop` leaves it alone. */
export async function connectSandbox(url: string, options: ConnectOptions = {}): Promise<Sandbox> {
  const { apiKey = DOCUMENTED_API_KEY, controlToken, caPem } = options;
  const there = url.replace(/\/+$/, '');
  const secrets = await new Control(there, { apiKey, controlToken, caPem }).call('GET', 'world');
  return new Sandbox(there, apiKey, secrets.callback_token, controlToken, undefined, caPem);
}

/** A sandbox, started by `startSandbox` or found by `connectSandbox`. */
export class Sandbox {
  /** Where the API is: `http://127.0.0.1:34567`. */
  readonly url: string;
  /** The key of the world that is there from the start; each test does better with a `world` of its own. */
  readonly apiKey: string;
  /** What callbacks of that world carry as `x-callback-token`. */
  readonly callbackToken: string;
  /** What clients have to trust where it is https: `https.get(url, { ca: sandbox.caPem })`. */
  readonly caPem: string | undefined;
  /** For control calls that belong to no world: `sandbox.control.call('GET', 'coverage')`. */
  readonly control: Control;
  readonly #process: SandboxProcess | undefined;

  constructor(
    url: string,
    apiKey: string,
    callbackToken: string,
    controlToken: string | undefined,
    running?: SandboxProcess,
    caPem?: string,
  ) {
    this.url = url;
    this.apiKey = apiKey;
    this.callbackToken = callbackToken;
    this.caPem = caPem;
    this.control = new Control(url, { controlToken, caPem });
    this.#process = running;
  }

  /** The process, where this object started it. */
  get pid(): number | undefined {
    return this.#process?.ready.pid;
  }

  /**
   * A world of its own: its records, counters, callbacks, clock, faults and journal are nobody else's.
   *
   * The key follows from the seed and the name, so that a test which names itself gets the same ids in every
   * run. A name in use is a `SandboxError` (409), unless `reset` empties that world.
   */
  async world(name?: string, { reset = false }: WorldOptions = {}): Promise<World> {
    const made = await this.control.call('POST', 'worlds', { body: { name, reset } });
    return new World(this.url, made, this.control.controlToken, this.caPem);
  }

  /** Stops the sandbox that `startSandbox` started; a second time does nothing. */
  async stop(): Promise<void> {
    await this.#process?.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
