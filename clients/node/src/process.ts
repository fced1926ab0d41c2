/** Runs the sandbox as a process: from the ready file to its end. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { SandboxError } from './errors.js';

/** The pause between two looks for the ready file. The sandbox needs a few milliseconds to write it. */
const LOOK_MS = 5;
/** How long a sandbox may take to stop before it is killed. */
const STOP_MS = 10_000;
/** How much of its output is kept for an error. */
const SAID_MAX = 64 * 1024;

/** The ready file of the sandbox. */
export interface Ready {
  url: string;
  pid: number;
  api_key: string;
  callback_token: string;
  control_token?: string | null;
  ca_file?: string | null;
}

/**
 * A sandbox that runs until `stop` or until this process ends.
 *
 * Its standard input is a pipe that nobody writes to. However this process ends, the pipe is closed, and
 * `--exit-with-parent` stops the sandbox.
 */
export class SandboxProcess {
  readonly ready: Ready;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ready: Ready) {
    this.#child = child;
    this.ready = ready;
  }

  /** Starts the sandbox, and resolves when it is ready. */
  static async start(
    binary: string,
    flags: string[],
    stderr: 'pipe' | 'inherit' | number,
    timeoutMs: number,
  ): Promise<SandboxProcess> {
    const folder = fs.mkdtempSync(path.join(tmpdir(), 'iluma-sandbox-'));
    const readyFile = path.join(folder, 'ready.json');
    const child = spawn(binary, ['serve', ...flags, '--ready-file', readyFile, '--exit-with-parent'], {
      stdio: ['pipe', 'ignore', stderr],
      detached: process.platform !== 'win32', // Ctrl-C is for the tests, which still need it to end
      windowsHide: true,
    });
    // If a test forgets to stop it, it must not keep the test process alive.
    for (const held of [child, child.stdin, child.stderr] as ({ unref?(): void } | null)[]) {
      held?.unref?.();
    }
    child.stdin?.on('error', () => {}); // it may be gone already
    try {
      return new SandboxProcess(child, await untilReady(child, readyFile, timeoutMs));
    } catch (error) {
      await end(child);
      throw error;
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Stops the sandbox, first gently. Does nothing if it has ended. */
  stop(): Promise<void> {
    return end(this.#child);
  }
}

async function untilReady(child: ChildProcess, readyFile: string, timeoutMs: number): Promise<Ready> {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-SAID_MAX);
  });
  let failure: Error | undefined;
  child.on('error', (error) => {
    failure = error;
  });
  let closed = false;
  child.on('close', () => {
    closed = true; // and all that it said is here
  });
  const giveUp = Date.now() + timeoutMs;
  const inItsWords = () => (said.trim() ? `:\n${said.trim()}` : '');
  for (;;) {
    if (failure !== undefined) {
      throw new SandboxError(`cannot start ${child.spawnfile}: ${failure.message}`, { cause: failure });
    }
    const hadEnded = closed;
    try {
      return JSON.parse(fs.readFileSync(readyFile, 'utf8')) as Ready;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        throw error;
      } // not yet; the file appears whole
    }
    if (hadEnded) {
      const how = child.exitCode === null ? `signal ${child.signalCode}` : `exit code ${child.exitCode}`;
      throw new SandboxError(`the sandbox did not start, ${how}${inItsWords()}`);
    }
    if (Date.now() > giveUp) {
      throw new SandboxError(`the sandbox was not ready within ${timeoutMs / 1000} s${inItsWords()}`);
    }
    await pause(LOOK_MS);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  const exited = once(child, 'exit');
  child.ref();
  child.stdin?.end();
  if (process.platform !== 'win32') {
    child.kill('SIGTERM'); // on Windows that kills, and the end of its input is the gentle way
  }
  const patience = new AbortController();
  const late = pause(STOP_MS, undefined, { signal: patience.signal }).then(
    () => child.kill('SIGKILL'),
    () => {},
  );
  await exited;
  patience.abort();
  await late;
}
