#!/usr/bin/env node
/** `npx iluma-sandbox …` runs the binary that this package finds. */

import { spawn } from 'node:child_process';

import { findBinary } from './binary.js';

try {
  const child = spawn(findBinary(), process.argv.slice(2), { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => child.kill(signal));
  }
  child.on('error', fail);
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
} catch (error) {
  fail(error as Error);
}

function fail(error: Error): void {
  console.error(`iluma-sandbox: ${error.message}`);
  process.exitCode = 1;
}
