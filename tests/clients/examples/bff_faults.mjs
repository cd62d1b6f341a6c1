// A backend for a frontend of examples/, with an authorization server and an API that do what the test wants: what its cookies are, how
// often it refreshes, what ends a session and what does not, which answers and logout tokens it takes.
// Settings: name (of the example), url (where it listens), issuer and api (which it was given; this script listens there).
import { listen, settings, step } from '../environment.mjs';
import assert from 'node:assert/strict';
import { Provider } from './issuer.mjs';

const input = settings('name', 'url', 'issuer', 'api');
const provider = await Provider.start(input.issuer);
const heard = [];
let takes = () => true;
const api = await listen(input.api, async (request, response) => {
  const token = request.headers.authorization?.replace('Bearer ', '');
  heard.push({ token, headers: request.headers, url: request.url, method: request.method });
  const good = takes(token);
  response.writeHead(good === true ? 200 : good || 401, { 'content-type': 'application/json', 'set-cookie': 'api=1', 'x-secret': token }).end('[]');
});

/** A browser, as far as cookies go: it keeps Secure ones of loopback. */
class Visitor {
  cookies = new Map();

  async open(path, { csrf = true, headers = {}, ...more } = {}) {
    const cookie = [...this.cookies].map((pair) => pair.join('=')).join('; ');
    const own = { ...(csrf && { 'x-csrf': '1' }), ...(cookie && { cookie }) };
    const response = await fetch(new URL(path, input.url), { redirect: 'manual', ...more, headers: { ...own, ...headers } });
    this.lines = response.headers.get('set-cookie')?.split(/,\s*(?=__Host)/) ?? [];
    for (const line of this.lines) {
      const [pair, ...attributes] = line.split(/;\s*/);
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      if (!value || attributes.some((attribute) => /^max-age=0$|^expires=thu, 01 jan 1970/i.test(attribute))) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, location: response.headers.get('location') };
  }

  /** From /login to the answer of the provider, which is not delivered yet. */
  async begin(returnTo) {
    const login = await this.open(`/login${returnTo === undefined ? '' : `?return_to=${encodeURIComponent(returnTo)}`}`, { csrf: false });
    assert.equal(login.status, 303, login.text);
    assert.equal(new URL(login.location).origin, input.issuer);
    return (await fetch(login.location, { redirect: 'manual' })).headers.get('location');
  }

  async signIn(returnTo) {
    const answer = await this.open(await this.begin(returnTo), { csrf: false });
    assert.equal(answer.status, 303, answer.text);
    return answer;
  }

  user = async () => (await this.open('/user')).status;
  notes = async () => (await this.open('/api/notes')).status;
}

async function visitor() {
  const visitor = new Visitor();
  await visitor.signIn();
  return visitor;
}

async function until(status, ask) {
  for (const end = Date.now() + 20_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 100))) {
    if ((await ask()) === status) return;
  }
  assert.fail(`no answer ${status}`);
}

async function cookies() {
  const alice = new Visitor();
  await alice.begin();
  const [login] = alice.lines;
  for (const attribute of ['Secure', 'HttpOnly', 'Path=/', 'SameSite=Lax']) assert.ok(login.includes(attribute), `${attribute} of ${login}`);
  const answer = await alice.signIn();
  const session = alice.lines.find((line) => !line.includes('login'));
  for (const attribute of ['Secure', 'HttpOnly', 'Path=/', 'SameSite=Strict']) assert.ok(session.includes(attribute), `${attribute} of ${session}`);
  assert.match(session, /^__Host-[\w-]+=[\w-]{40,};/);
  assert.doesNotMatch(session, /domain/i);
  assert.equal(alice.cookies.size, 1, 'the cookie of the sign-in is gone');
  assert.ok(!/access-|refresh-/.test(JSON.stringify([...answer.headers])), 'no token in the browser');
  const user = await alice.open('/user');
  assert.deepEqual(JSON.parse(user.text), { sub: 'alice', name: 'alice Example' });

  const notes = await alice.open('/api/notes?page=2', { headers: { authorization: 'Bearer mine', 'x-forwarded-host': 'evil.example' } });
  assert.equal(notes.status, 200);
  const [call] = heard.splice(0);
  assert.deepEqual([call.token, call.url, call.headers.cookie, call.headers['x-csrf']], [`access-${provider.issued}`, '/notes?page=2', undefined, undefined]);
  assert.deepEqual([notes.headers.get('set-cookie'), notes.headers.get('x-secret')], [null, null], "nothing of the API's headers but the type");
  for (const path of ['/api/admin', '/api/notes/../admin', '/api/notes/%2e%2e/admin', '/api//notes', '/api', '/api/']) await alice.open(path);
  assert.deepEqual(heard.splice(0).map(({ url }) => url), [], 'only what the app needs is passed on');
  const first = [...alice.cookies.values()][0];
  const [name] = alice.cookies.keys();
  const revoked = provider.refreshToken;
  const back = await alice.begin();
  alice.cookies.delete(name); // a browser that is back from another site sends no `strict` cookie
  assert.equal((await alice.open(back, { csrf: false })).status, 303);
  assert.notEqual(alice.cookies.get(name), first, 'another cookie after each sign-in');
  const old = new Visitor();
  old.cookies.set(name, first);
  assert.equal(await old.user(), 401, 'the session before it has ended');
  assert.ok(provider.revoked.includes(revoked), 'and its token was revoked');
  assert.equal(await alice.user(), 200);
  for (const path of ['/', '/app.js', '/archive', '/user', '/login']) {
    const { status, headers } = await alice.open(path);
    assert.equal(status, path === '/login' ? 303 : 200, path);
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/, path);
    assert.equal(headers.get('access-control-allow-origin'), null);
  }
  assert.match((await alice.open('/user')).headers.get('cache-control'), /no-store/);
  step('cookies are as they should be, and tokens stay here');
}

async function csrf() {
  const alice = await visitor();
  const calls = [['/user'], ['/api/notes'], ['/api/notes', { method: 'POST', body: '{}' }], ['/logout', { method: 'POST' }]];
  for (const [path, more] of calls) assert.equal((await alice.open(path, { ...more, csrf: false })).status, 403, `${path} without the header`);
  assert.notEqual((await alice.open('/logout')).status, 303, 'no logout by a link');
  const preflight = await alice.open('/api/notes', { method: 'OPTIONS', csrf: false, headers: { origin: 'https://evil.example', 'access-control-request-headers': 'x-csrf', 'access-control-request-method': 'POST' } });
  assert.equal(preflight.headers.get('access-control-allow-origin'), null);
  assert.equal(preflight.headers.get('access-control-allow-headers'), null);
  assert.equal(await alice.user(), 200, 'still signed in');
  assert.deepEqual(heard.splice(0), []);
  const nobody = new Visitor();
  for (const [path, more] of calls) assert.equal((await nobody.open(path, more)).status, 401, `${path} of nobody`);
  nobody.cookies.set('__Host-notes', 'x'.repeat(43));
  assert.equal(await nobody.user(), 401, 'an invented cookie');
  step('requests of other sites do nothing');
}

async function answers() {
  const paths = {
    '/archive?year=2026#top': '/archive?year=2026#top', '//evil.example': '/', 'https://evil.example/': '/', '/\\evil.example': '/', '\\\\evil.example': '/',
    'javascript:alert(1)': '/', '/\t/evil.example': '/', 'https:evil.example': undefined, '/.//evil.example': undefined, [`/${'x'.repeat(5000)}`]: '/', 'http://[': '/',
    [`${input.url}@evil.example/`]: '/', [`${input.url}.evil.example/`]: '/',
  };
  for (const [path, expected] of Object.entries(paths)) {
    const alice = new Visitor();
    const { location } = await alice.signIn(path);
    const target = new URL(location, input.url);
    assert.equal(target.origin, input.url, `${path} leads to ${location}`);
    if (expected) assert.equal(target.href, new URL(expected, input.url).href, path);
  }
  const alice = new Visitor();
  assert.equal((await alice.open('/login?return_to=/a&return_to=/b', { csrf: false })).status, 303);
  step('users return to the app alone');

  const refused = async (what, change, expected = 400) => {
    const mallory = new Visitor();
    const answer = new URL(await mallory.begin());
    change(answer.searchParams, mallory);
    const page = await mallory.open(answer, { csrf: false });
    assert.equal(page.status, expected, `${what}: ${page.text}`);
    assert.match(page.headers.get('content-type'), /text\/html; ?charset=utf-8/i);
    assert.doesNotMatch(page.text, /injected|<img/, what);
    assert.equal(await mallory.user(), 401, what);
  };
  const injected = '<img src=x onerror=injected>';
  await refused('another state', (query) => query.set('state', injected));
  await refused('no state', (query) => query.delete('state'));
  await refused('two states', (query) => query.append('state', injected));
  await refused('another issuer', (query) => query.set('iss', 'https://evil.example'));
  await refused('no issuer', (query) => query.delete('iss'));
  await refused('no code', (query) => query.delete('code'));
  const error = (name) => (query) => (query.delete('code'), query.set('error', name), query.set('error_description', injected));
  await refused('denied', error('access_denied'), 403);
  await refused('an error', error('server_error'));
  await refused('an error with markup', error(injected));
  const led = new Visitor();
  const own = await led.begin();
  const foreign = new URL(own);
  for (const state of ['other', undefined]) {
    if (state) foreign.searchParams.set('state', state);
    else foreign.searchParams.delete('state');
    assert.equal((await led.open(foreign, { csrf: false })).status, 400);
  }
  assert.equal((await led.open(own, { csrf: false })).status, 303, 'what other sites lead to does not end a sign-in that is under way');
  await refused('another browser', (query, mallory) => mallory.cookies.clear());
  await refused('a broken cookie', (query, mallory) => mallory.cookies.forEach((value, name) => mallory.cookies.set(name, 'e30')));
  await refused('a cookie of nothing', (query, mallory) => mallory.cookies.forEach((value, name) => mallory.cookies.set(name, '%00')));
  const denied = new Visitor();
  const url = new URL(await denied.begin());
  error('access_denied')(url.searchParams);
  url.searchParams.set('state', 'other');
  assert.equal((await denied.open(url, { csrf: false })).status, 400, 'not even a denial with another state');
  for (const [what, claims] of Object.entries({
    'another nonce': { nonce: 'other' }, 'another audience': { aud: 'other' }, 'another issuer': { iss: 'https://evil.example' }, 'an old ID token': { exp: 1, iat: 0 },
  })) {
    provider.idToken = claims;
    await refused(`an ID token: ${what}`, () => {});
    provider.idToken = {};
  }
  await provider.publish('forged', 'RS256', false);
  provider.idTokenKey = 'forged';
  await refused('an ID token: another signature', () => {});
  provider.idTokenKey = 'RS256';
  const twice = new Visitor();
  const back = await twice.begin();
  assert.equal((await twice.open(back, { csrf: false })).status, 303);
  assert.equal((await twice.open(back, { csrf: false })).status, 400, 'an answer works once');
  assert.equal(await twice.user(), 200, 'and ends nothing');
  step('answers that are not for this browser sign nobody in');
}

async function refreshing() {
  const alice = await visitor();
  const start = provider.refreshes;
  takes = (token) => token !== `access-${provider.issued}` || provider.refreshes > start;
  provider.delay = 300;
  const twenty = () => Promise.all(Array.from({ length: 20 }, () => alice.notes()));
  assert.deepEqual(await twenty(), Array(20).fill(200));
  assert.equal(provider.refreshes, start + 1, 'twenty tokens that were refused: one refresh');
  takes = () => false;
  assert.deepEqual(await twenty(), Array(20).fill(502), 'an API that takes no token');
  assert.equal(provider.refreshes, start + 2);
  takes = () => true;
  assert.equal(await alice.user(), 200, 'that does not sign out');
  for (const status of [403, 404, 503, 302]) {
    takes = () => status;
    assert.equal(await alice.notes(), status, 'what the API answers is passed on');
  }
  takes = () => true;
  heard.length = 0;

  // The third of a lifetime before its end, as it is short.
  provider.lifetime = 3;
  const bob = await visitor();
  const before = provider.refreshes;
  for (const end = Date.now() + 10_000; provider.refreshes === before && Date.now() < end; ) {
    assert.deepEqual(new Set(await Promise.all(Array.from({ length: 20 }, () => bob.notes()))), new Set([200]));
    provider.lifetime = 600;
  }
  assert.equal(provider.refreshes, before + 1, 'before it expires, once');
  assert.ok(heard.length >= 20 && !heard.some(({ token }) => !token.startsWith('access-')));
  provider.delay = 0;
  step('twenty requests, one refresh');
}

async function outages() {
  provider.lifetime = 1;
  const alice = await visitor();
  provider.lifetime = 600;
  provider.broken = true;
  await until(503, () => alice.notes());
  const down = await alice.open('/api/notes');
  assert.ok(Number(down.headers.get('retry-after')) > 0, 'says when to try again');
  provider.server.close();
  provider.server.closeAllConnections();
  assert.equal(await alice.notes(), 503, 'nobody listens');
  assert.equal(await alice.user(), 200, 'still signed in');
  assert.ok((await alice.open('/login', { csrf: false })).status <= 503, 'a page');
  await new Promise((resolve) => provider.server.listen(Number(new URL(input.issuer).port), 'localhost', resolve));
  provider.broken = false;
  await until(200, () => alice.notes());
  step('an outage ends no session');

  takes = (token) => token !== `access-${provider.issued}`;
  for (const mistake of ['invalid_client', 'unauthorized_client', 'temporarily_unavailable']) {
    provider.refuse = mistake;
    assert.equal(await alice.notes(), 503, mistake);
    assert.equal(await alice.user(), 200, `${mistake} ends no session`);
  }
  provider.refuse = 'invalid_grant';
  assert.equal(await alice.notes(), 401, 'invalid_grant');
  assert.equal(await alice.user(), 401, 'ends the session');
  provider.refuse = undefined;
  takes = () => true;
  step('invalid_grant does');

  api.close();
  api.closeAllConnections();
  const bob = await visitor();
  assert.equal(await bob.notes(), 503, 'an API that is down');
  assert.equal(await bob.user(), 200);
  await new Promise((resolve) => api.listen(Number(new URL(input.api).port), 'localhost', resolve));
  assert.equal(await bob.notes(), 200);
  step('an API that is down is not a sign-out');
}

async function signingOut() {
  const alice = await visitor();
  const cookie = new Map(alice.cookies);
  const revoked = provider.refreshToken;
  const answer = await alice.open('/logout', { method: 'POST' });
  assert.equal(answer.status, 200, answer.text);
  const url = new URL(JSON.parse(answer.text).url);
  assert.equal(url.origin + url.pathname, `${input.issuer}/logout`);
  assert.equal(url.searchParams.get('post_logout_redirect_uri'), `${input.url}/`);
  assert.ok(url.searchParams.get('id_token_hint'));
  assert.equal(alice.cookies.size, 0, 'the cookie is taken back');
  assert.ok(provider.revoked.includes(revoked), 'and the token revoked');
  alice.cookies = cookie;
  assert.equal(await alice.user(), 401, 'the cookie is of no use');

  const bob = await visitor();
  takes = (token) => token !== `access-${provider.issued}`;
  provider.delay = 500;
  const waiting = bob.notes();
  await until(1, async () => Number(provider.refreshes > 0 && heard.length > 0));
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal((await bob.open('/logout', { method: 'POST' })).status, 200);
  assert.equal(await waiting, 401, 'signed out while a refresh was under way');
  assert.ok(provider.revoked.includes(provider.refreshToken), 'what that brought is revoked');
  takes = () => true;
  provider.delay = 0;
  step('signed out by the user');
}

async function post(token, more = {}) {
  const fields = token === undefined ? {} : { logout_token: token };
  return (await fetch(`${input.url}/backchannel-logout`, { method: 'POST', body: new URLSearchParams(fields), ...more })).status;
}

/** For one that fetches keys itself. */
async function inventedKeys() {
  const invented = await provider.logoutToken({ header: { kid: 'other' } });
  provider.hang();
  let waiting;
  // It looks for unknown keys now and then.
  for (const end = Date.now() + 15_000; provider.hung.length === 0 && Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 100))) {
    waiting = post(invented);
  }
  assert.equal(provider.hung.length, 1);
  const start = Date.now();
  assert.equal((await new Visitor().open('/login', { csrf: false })).status, 303);
  assert.ok(Date.now() - start < 1000, `a sign-in waited for an invented key: ${Date.now() - start} ms`);
  provider.release();
  assert.deepEqual([await waiting, await post(invented)], [503, 503], 'the key may be a new one');
  step('nobody waits for a key that was invented');
}

async function loggedOut() {
  provider.sid = 'session-2';
  const [alice, other] = [await visitor(), await visitor()];
  provider.sid = 'session-3';
  const elsewhere = await visitor();
  provider.sid = 'session-2';
  const bad = {
    'another type': { header: { typ: 'JWT' } }, 'an access token': { header: { typ: 'at+jwt' } }, 'another audience': { claims: { aud: 'other' } },
    'another issuer': { claims: { iss: 'https://evil.example' } }, 'no event': { claims: { events: undefined } }, 'another event': { claims: { events: { 'http://other': {} } } },
    'an event that is no object': { claims: { events: { 'http://schemas.openid.net/event/backchannel-logout': true } } }, 'events that are a text': { claims: { events: 'http://schemas.openid.net/event/backchannel-logout' } },
    'a nonce': { claims: { nonce: 'x' } }, 'nobody': { claims: { sub: undefined, sid: undefined } }, 'no jti': { claims: { jti: undefined } }, 'a jti that is a number': { claims: { jti: 7 } },
    'no iat': { claims: { iat: undefined } }, 'an old iat': { claims: { iat: 1000 } }, 'an iat in the future': { claims: { iat: Math.floor(Date.now() / 1000) + 3600 } }, 'expired': { claims: { exp: 1000 } },
    'a sid that is a list': { claims: { sid: ['session-2'] } }, 'an unknown key': { header: { kid: 'other' } }, 'another algorithm': { header: { kid: 'ES256' } },
  };
  for (const [what, changes] of Object.entries(bad)) assert.equal(await post(await provider.logoutToken(changes)), 400, what);
  const good = await provider.logoutToken();
  const [head, claims] = good.split('.');
  for (const token of [undefined, '', 'x', `${head}.${claims}.`, `${head}.${claims}.AAAA`]) assert.equal(await post(token), 400, token);
  assert.equal(await post(undefined, { body: 'x'.repeat(100_000), headers: { 'content-type': 'application/x-www-form-urlencoded' } }) >= 400, true);
  assert.equal(await post(undefined, { body: '{}', headers: { 'content-type': 'application/json' } }) < 500, true);
  for (const visitor of [alice, other, elsewhere]) assert.equal(await visitor.user(), 200, 'nobody is signed out by these');

  assert.equal(await post(good), 200);
  assert.deepEqual([await alice.user(), await other.user(), await elsewhere.user()], [401, 401, 200], 'the sessions of this sid');
  const again = await visitor();
  assert.equal(await post(good), 400, 'a token works once');
  assert.equal(await again.user(), 200);
  assert.equal(await post(await provider.logoutToken({ claims: { sid: undefined, sub: 'bob' } })), 200, 'nobody of ours');
  assert.equal(await post(await provider.logoutToken({ claims: { sid: 'session-2', sub: 'bob' } })), 200);
  assert.equal(await again.user(), 200, 'a session of somebody else');
  assert.equal(await post(await provider.logoutToken({ claims: { sid: undefined } })), 200);
  assert.deepEqual([await again.user(), await elsewhere.user()], [401, 401], 'without sid, all sessions of the user');
  step('signed out by back-channel');
}

const parts = { cookies, csrf, answers, refreshing, outages, signingOut, loggedOut, ...(input.name === 'bff' && { inventedKeys }) };
for (const part of input.only ? [parts[input.only]] : Object.values(parts)) await part();
process.exit(0);
