// A sandbox, a real Chromium, and common code of the inspector's tests.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const target = process.env.CARGO_TARGET_DIR ?? path.join(repository, 'target');
export const binary = process.env.SANDBOX ?? ['release', 'debug'].map((profile) => path.join(target, profile, 'iluma-sandbox')).find(existsSync);

export const KEY = 'iluma_development_FX4f0M5sxDgk5qFyZnk60ZengAfA9o31x3ecd29vihjc4VhyJ8FclZhHjjw';
export const BANK = '/v1.1/identity/bank_account_data_requests';
export const PEPS = '/v0/identity/individual_cft_peps';
export const PERSON = { given_names: 'Eko Hadi Salim', user_id: 'foo123', nationality: 'ID', score_threshold: 90, scopes: ['PEP'] };

/** Serves on a free port, or on the one that is given, until `stop`. */
export async function serve(...more) {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ILUMA_SANDBOX_')));
  const child = spawn(binary, ['serve', ...(more.includes('--port') ? [] : ['--port', '0']), '--log-format', 'off', ...more], { stdio: ['ignore', 'pipe', 'inherit'], env: environment });
  const url = await new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (data) => {
      text += data;
      const found = /is ready at (\S+)/.exec(text);
      if (found) resolve(found[1]);
    });
    child.on('exit', (code) => reject(new Error(`the sandbox ended with ${code}`)));
    child.on('error', reject);
  });
  const authorization = (key) => `Basic ${Buffer.from(`${key}:`).toString('base64')}`;
  return {
    url,
    page: `${url}/__sandbox/`,
    /** A request to the product or, below `/__sandbox/`, to the control API. A text is sent as it is. */
    async ask(to, { key = KEY, method, body, headers = {} } = {}) {
      const response = await fetch(url + to, {
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        headers: { authorization: authorization(key), ...(body === undefined || body instanceof FormData ? {} : { 'content-type': 'application/json' }), ...headers },
        body: body === undefined || body instanceof FormData || typeof body === 'string' ? body : JSON.stringify(body),
      });
      const text = await response.text();
      return { status: response.status, trace: response.headers.get('x-sandbox-trace'), text, json: () => JSON.parse(text) };
    },
    async magic(to, outcome, more_ = {}) {
      return this.ask(to, { method: 'POST', headers: { 'x-magic-reply': outcome }, ...more_ });
    },
    async stop() {
      const ended = new Promise((resolve) => child.on('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    },
  };
}

let browser;
let folder;

/** One browser for all tests, with a temporary profile. */
async function launched() {
  if (!browser) {
    folder = mkdtempSync(path.join(tmpdir(), 'inspector-'));
    browser = await chromium.launchPersistentContext(folder, {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      headless: true,
      permissions: ['clipboard-read', 'clipboard-write'],
      args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    });
  }
  return browser;
}

export async function quit() {
  await browser?.close();
  browser = undefined;
  if (folder) rmSync(folder, { recursive: true, force: true });
}

/**
 * A tab that shows the inspector. `errors` has the errors of its console, `hosts` the hosts that it called.
 * With INSPECTOR_FROM_DISK, the files of the page are read from disk, but for the shared worker. Use this while you edit them.
 */
export async function look(sandbox, { page = '', hash = '', width = 1280, height = 800, dark = false, ready = true, before = null } = {}) {
  const context = await launched();
  const tab = await context.newPage();
  await tab.setViewportSize({ width, height });
  await tab.emulateMedia({ colorScheme: dark ? 'dark' : 'light', reducedMotion: 'reduce' });
  const errors = [];
  const hosts = new Set();
  tab.on('console', (message) => message.type() === 'error' && errors.push(`${message.text()} (${message.location().url})`));
  tab.on('pageerror', (error) => errors.push(String(error)));
  tab.on('request', (request) => request.url().startsWith('data:') || hosts.add(new URL(request.url()).host));
  if (process.env.INSPECTOR_FROM_DISK && sandbox.url) { // an exported page has its files in itself
    const files = path.join(repository, 'src/control/pages/inspector');
    const types = { js: 'text/javascript', css: 'text/css', html: 'text/html' };
    const answer = (name) => (route) => route.fulfill({ body: readFileSync(path.join(files, name)), contentType: types[name.split('.').pop()] });
    await tab.route(sandbox.page, answer('index.html'));
    await tab.route(`${sandbox.page}inspector/*`, (route) => answer(new URL(route.request().url()).pathname.split('/').pop())(route));
  }
  if (before) await tab.addInitScript(before);
  await tab.goto(sandbox.page + page + hash);
  if (ready) await tab.locator('#live.on').waitFor();
  return Object.assign(tab, { errors, hosts });
}

/** An accessibility scan of a tab. */
export async function findsNothingSerious(tab, name) {
  await tab.evaluate(axe);
  const { violations } = await tab.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }));
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`)]), [], name);
}
