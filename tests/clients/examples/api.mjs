// An API of examples/: which tokens it takes, what it answers to others, and when it fetches keys.
// Settings: url (where it listens), issuer (which it was given; this script listens there), old_keys (true where it was given
// KEYS_MAX_AGE=1: then only what happens to old keys is tried).
import { settings, step } from '../environment.mjs';
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { AUDIENCE, Issuer } from './issuer.mjs';

const input = settings('url', 'issuer', 'old_keys');
const issuer = await Issuer.start(input.issuer);
const now = Math.floor(Date.now() / 1000);

/** A request with a token, or with other headers. */
async function call(token, { path = '/notes', headers = {}, ...more } = {}) {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(input.url + path, { headers: { ...authorization, ...headers }, ...more });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, challenge: response.headers.get('www-authenticate') };
}

async function taken(token, what) {
  const answer = await call(token);
  assert.equal(answer.status, 200, `${what}: ${answer.challenge} ${answer.text}`);
}

async function refused(token, what, more) {
  const answer = await call(token, more);
  assert.equal(answer.status, 401, `${what}: ${answer.status} ${answer.text}`);
  assert.match(answer.challenge ?? '', /^Bearer realm="notes", error="invalid_token", error_description="[^"\\]+"$/, what);
  assert.equal(JSON.parse(answer.text).error, 'invalid_token', what);
}

/** Calls until the answer has this status. */
async function until(status, token, more) {
  for (const end = Date.now() + 15_000; Date.now() < end; ) {
    const answer = await call(token, more);
    if (answer.status === status) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`no answer ${status}`);
}

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

async function tokens() {
  for (const key of ['RS256', 'PS256', 'ES256', 'EdDSA', 'rotated']) await taken(await issuer.token({ key }), key);
  for (const typ of ['AT+JWT', 'application/at+jwt']) await taken(await issuer.token({ header: { typ } }), typ);
  await taken(await issuer.token({ claims: { aud: ['https://other.example.com', AUDIENCE] } }), 'one audience of two');
  await taken(await issuer.token({ claims: { scope: 'notes:write notes:read' } }), 'the second scope');
  assert.equal((await call(await issuer.token(), { headers: { authorization: `bearer ${await issuer.token()}` } })).status, 200, 'a scheme in lower case');
  step('takes what it should');

  const bad = {
    'an ID token': { header: { typ: 'JWT' } },
    'a logout token': { header: { typ: 'logout+jwt' } },
    'no typ': { header: { typ: undefined } },
    'another issuer': { claims: { iss: 'https://other.example.com' } },
    'an issuer with a slash': { claims: { iss: `${issuer.url}/` } },
    'no issuer': { claims: { iss: undefined } },
    'another audience': { claims: { aud: 'https://other.example.com' } },
    'an audience that begins so': { claims: { aud: `${AUDIENCE}/admin` } },
    'no audience': { claims: { aud: undefined } },
    'expired': { claims: { exp: now - 60 } },
    'no exp': { claims: { exp: undefined } },
    'an exp that is no number': { claims: { exp: 'never' } },
    'not valid yet': { claims: { nbf: now + 300 } },
    'no user': { claims: { sub: undefined } },
    'a header that must be understood': { header: { crit: ['urgent'], urgent: true } },
    'a key of another algorithm': { key: 'RS256', header: { kid: 'PS256' } },
    'a kid that is a path': { header: { kid: '../../etc/passwd' } },
  };
  for (const [what, changes] of Object.entries(bad)) await refused(await issuer.token(changes), what);
  const [header, claims, signature] = (await issuer.token()).split('.');
  const forged = (alg, sign) => {
    const text = `${part({ alg, typ: 'at+jwt', kid: 'RS256' })}.${claims}`;
    return `${text}.${sign(text)}`;
  };
  const secret = await issuer.publicKeyText('RS256');
  const more = {
    'no signature': forged('none', () => ''),
    'None': forged('None', () => signature),
    'a public key as a secret': forged('HS256', (text) => createHmac('sha256', secret).update(text).digest('base64url')),
    'another algorithm in the header': forged('PS256', () => signature),
    'a changed claim': `${header}.${part({ ...JSON.parse(Buffer.from(claims, 'base64url')), sub: 'bob' })}.${signature}`,
    'a changed signature': `${header}.${claims}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
    'no signature at all': `${header}.${claims}`,
    'four parts': `${header}.${claims}.${signature}.x`,
    'no token': 'hello',
    'a header that is no object': `${part(['RS256'])}.${claims}.${signature}`,
    'claims that are no object': `${header}.${part('alice')}.${signature}`,
    'a kid that is no text': `${part({ alg: 'RS256', typ: 'at+jwt', kid: 1 })}.${claims}.${signature}`,
    'dots': '..',
  };
  for (const [what, token] of Object.entries(more)) await refused(token, what);
  step('refuses what it should');
}

async function answers() {
  const plain = [{}, { headers: { authorization: 'Basic YWxpY2U6c2VjcmV0' } }, { headers: { authorization: 'Bearer' } }];
  for (const more of [...plain, { path: `/notes?access_token=${await issuer.token()}` }]) {
    const answer = await call(undefined, more);
    assert.equal(answer.status, 401, answer.text);
    assert.equal(answer.challenge, 'Bearer realm="notes"', 'nothing was tried: no error in the challenge');
  }
  for (const scope of ['openid', undefined, '', 'notes:reading', 'NOTES:READ', ['notes:read'], 'notes:write']) {
    const answer = await call(await issuer.token({ claims: { scope } }));
    assert.equal(answer.status, 403, `${scope}: ${answer.text}`);
    assert.match(answer.challenge, /^Bearer realm="notes", error="insufficient_scope", error_description="[^"]+", scope="notes:read"$/);
  }
  const write = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ text: 'buy figs' }) };
  const only = await call(await issuer.token(), write);
  assert.equal(only.status, 403, 'reading is not writing');
  assert.match(only.challenge, /scope="notes:write"/);
  const writer = await issuer.token({ claims: { scope: 'notes:read notes:write' } });
  const added = await call(writer, write);
  assert.deepEqual([added.status, JSON.parse(added.text)], [201, { text: 'buy figs', by: 'notes' }]);
  assert.deepEqual(JSON.parse((await call(writer)).text), [{ text: 'buy figs', by: 'notes' }]);
  assert.deepEqual(JSON.parse((await call(await issuer.token({ claims: { sub: 'bob' } }))).text), [], "not another user's");
  for (const body of ['{', '[]', 'null', '{"text":1}', '{"text":""}', JSON.stringify({ text: 'x'.repeat(281) }), 'x'.repeat(100_000)]) {
    const { status } = await call(writer, { ...write, body });
    assert.ok(status >= 400 && status < 500, `${body.slice(0, 20)}: ${status}`);
  }
  for (const [path, more] of [['/other', { status: 404 }], ['/notes', { status: 405, method: 'DELETE' }], ['/notes', { ...write, status: 400, body: '{' }]]) {
    const { status, headers, text } = await call(writer, { path, ...more });
    assert.ok(status === more.status || status === 404, `${path}: ${status}`);
    if (headers.get('content-type')?.includes('json')) assert.equal(typeof JSON.parse(text).error, 'string', `${path}: ${text}`);
  }
  assert.equal((await call(undefined, write)).status, 401, 'a note without a token');
  step('answers as RFC 6750 says');

  const origin = 'http://localhost:3000';
  const asks = { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' };
  const preflight = await call(undefined, { method: 'OPTIONS', headers: asks });
  assert.ok(preflight.status < 300, `${preflight.status}`);
  assert.match(preflight.headers.get('access-control-allow-headers'), /authorization/i);
  for (const answer of [preflight, await call(undefined, { headers: { origin } }), await call(writer, { headers: { origin } })]) {
    assert.equal(answer.headers.get('access-control-allow-origin'), origin);
    assert.equal(answer.headers.get('access-control-allow-credentials'), null);
  }
  assert.match((await call(undefined, { headers: { origin } })).headers.get('access-control-expose-headers'), /www-authenticate/i);
  const other = await call(writer, { headers: { origin: 'https://other.example.com' } });
  assert.notEqual(other.headers.get('access-control-allow-origin'), 'https://other.example.com');
  assert.notEqual(other.headers.get('access-control-allow-origin'), '*');
  step('answers other origins');
}

async function keys() {
  issuer.broken = true;
  const down = await call(await issuer.token());
  assert.equal(down.status, 503, `no keys yet: ${down.text}`);
  assert.ok(Number(down.headers.get('retry-after')) > 0);
  assert.equal(down.challenge, null, 'the token may be good');
  issuer.broken = false;
  await until(200, await issuer.token());
  assert.equal(issuer.fetches, 1);
  await Promise.all(Array.from({ length: 20 }, async () => taken(await issuer.token(), 'one of many')));
  assert.equal(issuer.fetches, 1, 'keys are kept');

  await issuer.publish('rotated', 'RS256');
  await Promise.all(Array.from({ length: 20 }, async () => taken(await issuer.token({ key: 'rotated' }), 'a new key')));
  assert.equal(issuer.fetches, 2, 'twenty tokens with a new key: fetched once');
  await issuer.publish('hidden', 'RS256', false);
  for (const kid of ['hidden', 'invented', 'hidden']) await refused(await issuer.token({ key: 'hidden', header: { kid } }), `the key ${kid}`);
  assert.equal(issuer.fetches, 2, 'invented keys do not make it fetch');
  step('fetches keys when it has to, and not more often');
}

/** Takes a token without waiting for the authorization server, which hangs. */
async function takenAtOnce(what) {
  const start = Date.now();
  await taken(await issuer.token(), what);
  assert.ok(Date.now() - start < 900, `${what}: after ${Date.now() - start} ms`);
}

async function oldKeys() {
  await issuer.publish('hidden', 'RS256', false);
  await taken(await issuer.token(), 'a key');
  issuer.hang();
  const invented = await issuer.token({ key: 'hidden' });
  const waiting = Array.from({ length: 50 }, () => call(invented));
  while (issuer.hung.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await takenAtOnce('a known key, while an invented one is looked for');
  assert.equal(issuer.hung.length, 1, 'one attempt for all');
  issuer.release();
  for (const answer of await Promise.all(waiting)) assert.equal(answer.status, 503, 'the key may be a new one');
  assert.equal((await call(invented)).status, 503);
  step('a token with a known key waits for no other');

  issuer.broken = true;
  await new Promise((resolve) => setTimeout(resolve, 1100)); // KEYS_MAX_AGE
  await taken(await issuer.token(), 'keys are used for longer while there are no new ones');
  issuer.hang();
  await new Promise((resolve) => setTimeout(resolve, 1100)); // until the next attempt
  const first = taken(await issuer.token(), 'one waits for the attempt');
  while (issuer.hung.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await takenAtOnce('the others do not');
  issuer.release();
  await first;
  issuer.broken = false;
  issuer.keys.get('RS256').isPublished = false;
  await until(401, await issuer.token());
  await taken(await issuer.token({ key: 'ES256' }), 'another key');
  step('a withdrawn key is not trusted for longer than KEYS_MAX_AGE');
}

if (input.old_keys) {
  await oldKeys();
} else {
  await keys();
  await tokens();
  await answers();
}
process.exit(0);
