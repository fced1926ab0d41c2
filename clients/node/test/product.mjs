// @ts-check
/** Asks the product as an application would. */

import assert from 'node:assert/strict';

export const BANK = 'v1.1/bank_account_data_requests';
export const BANK_PATH = '/v1.1/identity/bank_account_data_requests';
export const BANK_CALLBACK = 'NAME_VALIDATOR_REQUEST';

/**
 * A POST where there is a body, else a GET.
 * @param {import('iluma-sandbox').World} world
 * @param {string} path
 * @param {unknown} [body]
 * @param {string} [magic]
 */
export async function ask(world, path, body, magic) {
  const answer = await fetch(world.url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: world.authorization,
      'content-type': 'application/json',
      ...(magic !== undefined && { 'x-magic-reply': magic }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, trace: answer.headers.get('x-sandbox-trace') ?? '', text, json: JSON.parse(text) };
}

/** @param {number} number what asks for the holder of an account */
export function account(number) {
  return { bank_account_number: String(number), bank_code: 'BCA' };
}

/**
 * Where the world's bank callbacks go; the sandbox sends a test there first.
 * @param {import('iluma-sandbox').World} world
 * @param {string} url
 */
export async function register(world, url) {
  const reply = await ask(world, '/v1/callback/urls', { type: BANK_CALLBACK, url });
  assert.equal(reply.json.status, 'SUCCESSFUL', reply.text);
}
