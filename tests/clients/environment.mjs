// What every script here shares: its settings, its progress lines and the small differences between Node 18 and later.
// Settings are one JSON object, in argv[2] or in the variable SYMBOLON_TEST_INPUT. Import this file before a client library:
// Node 18 has Web Crypto, but not yet as a global.
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { setDefaultResultOrder } from 'node:dns';
import { createServer } from 'node:http';

globalThis.crypto ??= webcrypto;
globalThis.CryptoKey ??= webcrypto.CryptoKey;
// "localhost" may be both ::1 and 127.0.0.1, and Node 18 tries only the first.
setDefaultResultOrder('ipv4first');

/** The settings of this run; fails when one of the `required` names is absent. */
export function settings(...required) {
  const input = JSON.parse(process.argv[2] ?? process.env.SYMBOLON_TEST_INPUT ?? '{}');
  for (const name of required) {
    assert.ok(input[name] !== undefined, `setting "${name}" is missing; the header of the script lists them`);
  }
  return input;
}

/** One line of progress. */
export function step(text) {
  console.log(`- ${text}`);
}

/** Starts an HTTP server on the host and port of `address` (port 0 or "*" chooses a free one) and gives it back listening. */
export async function listen(address, answer) {
  const { hostname, port } = new URL(address);
  const server = createServer(answer);
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(Number(port), hostname.replace(/^\[|\]$/g, ''), resolve);
  });
  return server;
}

/** Reads the whole body of a request as text. */
export async function body(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

/** Asserts that the space-separated `granted` scope holds exactly the wanted words, in any order. */
export function sameScope(granted, wanted) {
  assert.deepEqual(granted.split(' ').sort(), wanted.split(' ').sort(), 'scope');
}
