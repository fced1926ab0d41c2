// Makes the pictures of every view for docs/.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { smaller } from './png.js';
import { BANK, PEPS, PERSON, look, quit, serve } from './stage.js';

const docs = process.env.PICTURES ?? path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../docs');
mkdirSync(docs, { recursive: true });
const only = process.argv.slice(2);

/** A world with one example of everything. */
export async function furnish(sandbox) {
  await sandbox.ask('/v1/callback/urls', { body: { type: 'NAME_VALIDATOR_REQUEST', url: `${sandbox.url}/__sandbox/inbox/mine` } });
  await sandbox.ask('/v1/callback/urls', { body: { type: 'INDIVIDUAL_CFT_PEP', url: `${sandbox.url}/__sandbox/inbox/broken?status=500&times=1` } }).catch(() => {});
  await sandbox.ask(PEPS, { body: { ...PERSON, user_id: '' } });
  await sandbox.magic(BANK, 'COMPLETED_NOT_FOUND');
  await sandbox.magic(BANK, 'SERVICE_UNAVAILABLE_ERROR');
  const form = new FormData();
  form.set('name', 'penito kristian');
  form.set('id_card_number', '3275031210930027');
  const png = Buffer.alloc(204800);
  Buffer.from('89504e470d0a1a0a0000000d49484452000002580000025808020000000', 'hex').copy(png);
  form.set('selfie', new Blob([png], { type: 'image/png' }), 'selfie.png');
  await sandbox.ask('/v0/identity/id_card_verifications', { body: form });
  await sandbox.ask('/v9/identity/nothing');
  const { api_key: key } = (await sandbox.ask('/__sandbox/worlds', { body: { name: 'checkout tests' } })).json();
  await sandbox.ask(BANK, { key, body: { bank_account_number: '1234567890', bank_code: 'BCA' } });
  await sandbox.ask(BANK, { key, body: { bank_account_number: '0000000404', bank_code: 'BCA' } });
  await sandbox.magic(BANK, 'COMPLETED_FOUND; delay=20ms; fault=malformed', { key });
  await sandbox.ask(PEPS, { body: PERSON });
  const pending = (await sandbox.magic(BANK, 'PENDING_THEN_COMPLETED_FOUND')).json();
  await sandbox.ask('/__sandbox/clock/advance', { body: { by: '1s' } });
  await sandbox.ask(`${BANK}/${pending.id}`);
  await sandbox.ask(BANK, { body: { bank_account_number: '0000000404', bank_code: 'BCA' } });
  await sandbox.ask(PEPS, { body: { ...PERSON, given_names: 'Sari Wulandari' } });
  await sandbox.ask('/__sandbox/idle?wait=10s');
}

export async function pictures(sandbox, folder) {
  const { requests } = (await sandbox.ask('/__sandbox/requests?endpoint=v1.1/bank_account_data_requests&method=POST&outcome=PENDING_THEN_COMPLETED_FOUND')).json();
  const { deliveries } = (await sandbox.ask('/__sandbox/deliveries')).json();
  const own = requests[0].world;
  const views = {
    requests: `#/requests?trace=${requests[0].trace}`,
    callbacks: `#/callbacks?delivery=${deliveries[0].id}`,
    scenarios: '#/scenarios?endpoint=v1.1%2Fbank_account_data_requests',
    world: `#/world?world=${own}`,
  };
  await sandbox.ask('/__sandbox/faults', { method: 'PUT', body: { faults: [{ endpoint: 'v1.1/bank_account_data_requests', fault: 'reset', probability: 0.25 }, { delay: 'uniform(100ms, 2s)' }], ttl: '5m' } });
  for (const [name, hash] of Object.entries(views)) {
    for (const [width, height] of [[1600, 900], [400, 800]]) {
      for (const dark of [false, true]) {
        const file = `inspector-${name}-${width}${dark ? '-dark' : ''}.png`;
        if (only.length && !only.some((word) => file.includes(word))) continue;
        const tab = await look(sandbox, { hash: width === 400 && process.env.DETAIL ? `${hash}&open=1` : hash, width, height, dark });
        await tab.locator('main :is(.one, .card h2, .detail h2, .endpoints a):visible').first().waitFor();
        await tab.waitForLoadState('load');
        await tab.waitForTimeout(400); // pictures only: nothing is tested here
        writeFileSync(path.join(folder, file), smaller(await tab.screenshot()));
        if (tab.errors.length) console.error(file, tab.errors);
        await tab.close();
      }
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const scenarios = mkdtempSync(path.join(tmpdir(), 'scenarios-'));
  writeFileSync(path.join(scenarios, 'sandbox.toml'), '');
  const sandbox = await serve('--scenarios', scenarios);
  try {
    await furnish(sandbox);
    await pictures(sandbox, docs);
  } finally {
    await quit();
    await sandbox.stop();
    rmSync(scenarios, { recursive: true });
  }
}
