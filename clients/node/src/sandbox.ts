/** A running sandbox. */

/// <reference lib="esnext.disposable" preserve="true" />

import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

import { findBinary } from './binary.js';
import { Control } from './control.js';
import { SandboxError } from './errors.js';
import { checkNames, names } from './options.js';
import { SandboxProcess } from './process.js';
import { World } from './world.js';

/** The API key in the provider's documentation. Every sandbox accepts it, and everybody who uses it shares its world. */
export const DOCUMENTED_API_KEY = 'iluma_development_FX4f0M5sxDgk5qFyZnk60ZengAfA9o31x3ecd29vihjc4VhyJ8FclZhHjjw';

/** The flags of `iluma-sandbox serve`, and how to start it. */
export interface SandboxOptions {
  seed?: number | bigint;
  /** `'2026-01-01T00:00:00Z'`, or `'system'`. */
  clock?: string;
  /** A folder of scenario files, or several. */
  scenarios?: string | string[];
  strict?: boolean;
  /** Serves HTTPS, with its own certificate authority. Only `caPem` has its certificate. */
  tls?: boolean;
  bind?: string;
  /** The default is a free port. */
  port?: number;
  /** Any other flags: `['--callback-retries', 'none']`. */
  args?: string[];
  /** The binary: a path, or a name on PATH. */
  binary?: string;
  /** Logs to the stderr of this process, or to `logFile`. */
  logFormat?: 'off' | 'pretty' | 'json';
  /** The file to which the log is appended. */
  logFile?: string;
  /** How long the start may take. The default is 30 seconds. */
  timeoutMs?: number;
}

export interface ConnectOptions {
  /** The default is `ILUMA_SANDBOX_API_KEY`, or else the key of the documentation. */
  apiKey?: string | undefined;
  /** The default is `ILUMA_SANDBOX_CONTROL_TOKEN`. The container image always requires a token. */
  controlToken?: string | undefined;
  /** The certificate authority to trust, if the sandbox serves HTTPS. The default is the file `ILUMA_SANDBOX_CA_FILE`. */
  caPem?: string | undefined;
}

export interface WorldOptions {
  /** Empties the world of that name if it exists, instead of an error. */
  reset?: boolean;
}

const START = names<SandboxOptions>({
  seed: true,
  clock: true,
  scenarios: true,
  strict: true,
  tls: true,
  bind: true,
  port: true,
  args: true,
  binary: true,
  logFormat: true,
  logFile: true,
  timeoutMs: true,
});
const CONNECT = names<ConnectOptions>({ apiKey: true, controlToken: true, caPem: true });

/** Refuses options that `startSandbox` does not know. */
export function checkStartOptions(options: SandboxOptions): void {
  checkNames('startSandbox', options, START);
}

/** The errors of a sandbox that requires a control token. */
const TOKEN_ERRORS = ['control_token_required', 'wrong_control_token'];

/** Starts a sandbox on a free port, and resolves when it is ready. If it does not start, rejects with its error. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  checkStartOptions(options);
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

/**
 * Connects to a running sandbox, such as a sidecar in CI. `stop` does not stop it.
 *
 * Without `url` it uses the variable `ILUMA_SANDBOX_URL`, as the commands of the sandbox do.
 */
export async function connectSandbox(url?: string, options: ConnectOptions = {}): Promise<Sandbox> {
  const named = url || variable('ILUMA_SANDBOX_URL');
  if (named === undefined) {
    throw new SandboxError('no URL of a sandbox: set ILUMA_SANDBOX_URL, or pass `url`');
  }
  if (typeof named !== 'string') {
    throw new TypeError('`url` of connectSandbox takes a text: `connectSandbox(url, options)`');
  }
  checkNames('connectSandbox', options, CONNECT);
  const apiKey = options.apiKey || variable('ILUMA_SANDBOX_API_KEY') || DOCUMENTED_API_KEY;
  const controlToken = options.controlToken || variable('ILUMA_SANDBOX_CONTROL_TOKEN');
  const caFile = variable('ILUMA_SANDBOX_CA_FILE');
  const caPem = options.caPem ?? (caFile === undefined ? undefined : fs.readFileSync(caFile, 'ascii'));
  const there = named.replace(/\/+$/, '');
  const secrets = await new Control(there, { apiKey, controlToken, caPem }).call('GET', 'world').catch(nameTheToken);
  return new Sandbox(there, apiKey, secrets.callback_token, controlToken, undefined, caPem);
}

/** The value of a variable. An empty one counts as not set, as in the commands. */
function variable(name: string): string | undefined {
  return process.env[name] || undefined;
}

function nameTheToken(error: unknown): never {
  if (error instanceof SandboxError && TOKEN_ERRORS.includes(error.error ?? '')) {
    const message = `${error.message}. Set ILUMA_SANDBOX_CONTROL_TOKEN, or pass \`controlToken\``;
    throw new SandboxError(message, { ...(error.status && { status: error.status }), answer: error.answer, cause: error });
  }
  throw error;
}

/** A sandbox of `startSandbox` or `connectSandbox`. */
export class Sandbox {
  /** The URL of the API: `http://127.0.0.1:34567`. */
  readonly url: string;
  /** The key of the world that exists from the start. Each test should use its own `world` instead. */
  readonly apiKey: string;
  /** The value of `x-callback-token` in callbacks of that world. */
  readonly callbackToken: string;
  /** The certificate authority that clients must trust, if the URL is https: `https.get(url, { ca: sandbox.caPem })`. */
  readonly caPem: string | undefined;
  /** For control calls without a world: `sandbox.control.call('GET', 'coverage')`. */
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

  /** The process, if this object started it. */
  get pid(): number | undefined {
    return this.#process?.ready.pid;
  }

  /**
   * Creates a world with its own records, counters, callbacks, clock, faults and journal.
   *
   * The key is derived from the seed and the name, so a test that passes its name gets the same ids in every
   * run. A name in use is a `SandboxError` (409), unless `reset` empties that world.
   */
  async world(name?: string, options: WorldOptions = {}): Promise<World> {
    checkNames('world', options, ['reset']);
    const { reset = false } = options;
    const made = await this.control.call('POST', 'worlds', { body: { name, reset } });
    return new World(this.url, made, this.control.controlToken, this.caPem);
  }

  /** Stops the sandbox of `startSandbox`. A second call does nothing. */
  async stop(): Promise<void> {
    await this.#process?.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
