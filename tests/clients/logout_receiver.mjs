// The back-channel logout endpoint of a relying party: takes logout tokens and verifies them field by field with `jose`, as
// OpenID Connect Back-Channel Logout 2.4 to 2.6 says. What is wrong with one is told to whoever waits for it.
import { body, listen } from './environment.mjs';
import assert from 'node:assert/strict';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

export class LogoutReceiver {
  /** Listens at `address`; `expected` are issuer, client_id, algorithm and jwks_uri. */
  static async open(address, expected) {
    const receiver = new LogoutReceiver(expected);
    receiver.path = new URL(address).pathname;
    receiver.server = await listen(address, (request, response) => receiver.answer(request, response));
    return receiver;
  }

  constructor(expected) {
    Object.assign(this, { expected, keys: createRemoteJWKSet(new URL(expected.jwks_uri)), ids: new Set(), heard: [], waiting: [] });
  }

  /** The claims of the next logout token; fails when it is wrong or does not come within half a minute. */
  async next() {
    if (this.heard.length === 0) {
      await new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('expected a logout token within 30 seconds, received none')), 30_000);
        this.waiting.push(() => (clearTimeout(timer), resolve()));
      });
    }
    const { claims, error } = this.heard.shift();
    if (error) throw error;
    return claims;
  }

  close() {
    assert.deepEqual(this.heard, [], 'no logout token that nobody waited for');
    this.server.close();
  }

  async answer(request, response) {
    let outcome;
    try {
      outcome = { claims: await this.verify(request, await body(request)) };
    } catch (error) {
      outcome = { error };
    }
    response.writeHead(outcome.error ? 400 : 200, { 'cache-control': 'no-store' }).end();
    this.heard.push(outcome);
    this.waiting.shift()?.();
  }

  async verify(request, text) {
    assert.equal(request.method, 'POST');
    assert.equal(request.url, this.path);
    assert.equal(request.headers['content-type'].split(';')[0], 'application/x-www-form-urlencoded');
    assert.deepEqual([request.headers.cookie, request.headers.authorization], [undefined, undefined], 'no credentials');
    const form = new URLSearchParams(text);
    assert.deepEqual([...form.keys()], ['logout_token'], 'parameters');

    const { issuer, client_id: audience, algorithm } = this.expected;
    const wanted = { issuer, audience, typ: 'logout+jwt', algorithms: [algorithm] };
    const { payload: claims, protectedHeader } = await jwtVerify(form.get('logout_token'), this.keys, wanted);
    assert.deepEqual(Object.keys(protectedHeader).sort(), ['alg', 'kid', 'typ'], 'header');
    assert.deepEqual(Object.keys(claims).sort(), ['aud', 'events', 'exp', 'iat', 'iss', 'jti', 'sid', 'sub'], 'no nonce, nothing more');
    assert.equal(claims.aud, audience, 'aud is this client alone');
    const now = Date.now() / 1000;
    assert.ok(Number.isInteger(claims.iat) && Math.abs(now - claims.iat) < 30, `iat is now, received ${claims.iat} at ${now}`);
    assert.ok(claims.exp > claims.iat && claims.exp - claims.iat <= 120, `exp at most two minutes after iat, received ${claims.exp - claims.iat}`);
    assert.deepEqual(claims.events, { [EVENT]: {} });
    for (const name of ['sub', 'sid', 'jti']) assert.ok(typeof claims[name] === 'string' && claims[name], name);
    assert.ok(!this.ids.has(claims.jti), 'another jti each time');
    this.ids.add(claims.jti);
    return claims;
  }
}
