// The page of `iluma-sandbox export --html`: opened from a file, after its sandbox has ended.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { BANK, KEY, PEPS, PERSON, binary, findsNothingSerious, look, quit, serve } from './stage.js';

const MARKUP = '</script><script>window.hurt=1</script><!--\u2028<img src=x onerror="window.hurt=1">';
const OTHER = `iluma_development_${'o'.repeat(60)}`;
const NO_SERVER = 'This page is an export without a server: the inspector of a running sandbox can do this.';

let folder;
let file;
let trace;
let tab;

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'export-'));
  file = path.join(folder, 'run.html');
  const sandbox = await serve();
  await sandbox.ask('/v1/callback/urls', { body: { type: 'NAME_VALIDATOR_REQUEST', url: `${sandbox.url}/__sandbox/inbox/mine` } });
  ({ trace } = await sandbox.ask(PEPS, { body: { ...PERSON, user_id: MARKUP } }));
  await sandbox.magic(BANK, 'COMPLETED_FOUND');
  await sandbox.magic(BANK, 'SERVER_ERROR', { key: OTHER });
  await sandbox.ask('/nowhere');
  await sandbox.ask('/__sandbox/deliveries?count=1&wait=5s');
  execFileSync(binary, ['export', '--html', file, '--url', sandbox.url]);
  await sandbox.stop();
});
after(async () => {
  await quit();
  rmSync(folder, { recursive: true, force: true });
});

/** Opens the page of the export. Checks that nothing was loaded, and that nothing in it has run. */
async function looking(hash, use, more = {}) {
  tab = await look({ page: pathToFileURL(file).href }, { hash, ready: false, ...more });
  try {
    await tab.locator('#live', { hasText: 'export' }).waitFor();
    await use();
    assert.equal(await tab.evaluate(() => window.hurt), undefined, 'no text of a client runs');
    assert.deepEqual(tab.errors, [], 'the console says nothing');
    assert.deepEqual([...tab.hosts], [''], 'only the file itself is read');
  } finally {
    await tab.close();
  }
}

describe('an exported page', () => {
  test('shows requests, explanations and replies without a server', () => looking('', async () => {
    const rows = tab.locator('#requests [role=option]');
    await rows.first().waitFor();
    assert.equal(await rows.count(), 5);
    await tab.locator(`#requests-${trace}`).click();
    const detail = tab.locator('.detail');
    await detail.locator('.because').waitFor();
    assert.match(await detail.locator('.because').innerText(), /\w/);
    assert.equal(await tab.locator('.c-outcome', { hasText: 'no route' }).count(), 1);
    await tab.getByRole('button', { name: 'Show personal fields' }).click();
    assert.ok((await detail.innerText()).includes('</script>'), 'the text of the client is shown as text');
  }));

  test('says why it cannot send a request again', () => looking(`#/requests?trace=${trace}&open=1`, async () => {
    const again = tab.getByRole('button', { name: 'Send again' });
    await again.waitFor();
    assert.ok(await again.isDisabled());
    await tab.locator('.detail').getByText(NO_SERVER).waitFor();
    assert.equal(await tab.getByRole('button', { name: /^Queue/ }).count(), 0);
    await tab.getByRole('button', { name: 'Copy as curl' }).click();
    await tab.locator('#says.shown', { hasText: 'copied' }).waitFor();
  }));

  test('shows callbacks, and no part of the view that needs a server', () => looking('#/callbacks', async () => {
    await tab.locator('#deliveries [role=option]').first().waitFor();
    assert.ok(await tab.getByRole('button', { name: 'Redeliver' }).isDisabled());
    assert.deepEqual(await tab.locator('.segments a').allInnerTexts(), ['Deliveries']);
    await tab.locator('.detail').getByText(NO_SERVER).waitFor();
    assert.equal(await tab.locator('.tag.state.delivered').count(), 1);
  }));

  test('shows the endpoints without a form to try them', () => looking('#/scenarios', async () => {
    await tab.locator('.endpoints a').first().waitFor();
    await tab.locator('.detail').getByText(NO_SERVER).waitFor();
    assert.equal(await tab.getByText('Try it').count(), 0);
  }));

  test('shows the coverage of the run instead of what controls a world', () => looking('#/world', async () => {
    await tab.locator('meter').waitFor();
    assert.ok(await tab.locator('meter').evaluate((meter) => meter.value > 0));
    await tab.getByText(NO_SERVER).waitFor();
    assert.equal(await tab.getByRole('button', { name: /Reset|Advance|Add/ }).count(), 0);
  }));

  for (const dark of [false, true]) {
    for (const width of [400, 1600]) {
      test(`gives an accessibility scan nothing serious: ${dark ? 'dark' : 'light'}, ${width} pixels`, () => looking('', async () => {
        const go = (hash) => tab.evaluate((to) => (location.hash = to), hash);
        const seen = async (name) => {
          await findsNothingSerious(tab, name);
          const [wide, screen] = await tab.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
          assert.ok(wide <= screen, `${name}: ${wide} pixels in ${screen}`);
        };
        await tab.locator('#requests [role=option]').first().waitFor();
        await seen('requests');
        await go(`#/requests?trace=${trace}&open=1`);
        await tab.locator('.detail .because').waitFor();
        await seen('a request');
        await go('#/requests?q=nothing+like+it');
        await tab.getByRole('heading', { name: 'No request matches these filters' }).waitFor();
        await seen('no request');
        await go('#/callbacks?open=1');
        await tab.locator('#deliveries [role=option], .detail .attempts').first().waitFor();
        await seen('callbacks');
        await go('#/callbacks?delivery=dlv_1&open=1');
        await tab.locator('.detail .attempts').waitFor();
        await seen('a callback');
        await go('#/scenarios');
        await tab.locator('.endpoints a').first().waitFor();
        await seen('scenarios');
        await go('#/scenarios?endpoint=v1.1%2Fbank_account_data_requests&open=1');
        await tab.locator('.detail').getByText(NO_SERVER).waitFor();
        await seen('an endpoint');
        await go('#/world');
        await tab.locator('meter').waitFor();
        await seen('world');
        await tab.keyboard.press('?');
        await tab.getByRole('dialog').waitFor();
        await seen('keys');
      }, { dark, width, height: 800 }));
    }
  }

  test('has no key, allows nothing but its own script, and ends no tag early', () => {
    const html = readFileSync(file, 'utf8');
    for (const secret of [KEY, OTHER]) assert.ok(!html.includes(secret), 'keys are masked');
    assert.match(html, /<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; img-src data:; base-uri 'none'; form-action 'none'">/);
    assert.equal(html.split('</script>').length, 3, 'the data and the script');
    assert.ok(!html.includes('\u2028') && !html.includes('<!--'));
    assert.ok(!/ (?:src|href)="(?!data:|#)/.test(html.slice(0, html.indexOf('<body>'))));
  });
});
