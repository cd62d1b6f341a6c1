// Authorization servers that do what a test wants. `Issuer` has nothing but metadata and keys, which can be rotated, withdrawn, broken
// and counted: what an API sees of one. `Provider` also signs users in: what an app sees.
import { body, listen } from '../environment.mjs';
import { SignJWT, exportJWK, exportSPKI, generateKeyPair } from 'jose';

export const AUDIENCE = 'https://api.example.com';

export class Issuer {
  /** Listens at this URL, and publishes a key for each algorithm. */
  static async start(url, issuer = new Issuer()) {
    Object.assign(issuer, { url, keys: new Map(), fetches: 0, broken: false, hung: undefined });
    for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA']) await issuer.publish(alg, alg);
    issuer.server = await listen(url, (request, response) => issuer.answerTo(request, response));
    return issuer;
  }

  /** Makes a key, which can sign from now on; published or not. */
  async publish(kid, alg, isPublished = true) {
    const pair = await generateKeyPair(alg, { extractable: true });
    this.keys.set(kid, { ...pair, alg, isPublished, jwk: { ...(await exportJWK(pair.publicKey)), kid, alg, use: 'sig' } });
  }

  /** Answers nothing from now on; then as one that is broken. */
  hang() {
    this.hung = [];
  }

  release() {
    const hung = this.hung;
    this.hung = undefined;
    for (const response of hung) response.writeHead(500).end();
  }

  answerTo(request, response) {
    if (this.hung) return this.hung.push(response);
    if (request.url === '/jwks') this.fetches += 1;
    const found = {
      '/.well-known/openid-configuration': { issuer: this.url, jwks_uri: `${this.url}/jwks` },
      '/jwks': { keys: [...this.keys.values()].filter((key) => key.isPublished).map(({ jwk }) => jwk) },
    }[request.url];
    response.writeHead(this.broken ? 500 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(this.broken ? {} : found));
  }

  /** A token that an API takes, after changes of its claims and header; undefined leaves one out. */
  async token({ header = {}, claims = {}, key = 'RS256' } = {}) {
    const now = Math.floor(Date.now() / 1000);
    const { privateKey, alg } = this.keys.get(key);
    const all = {
      iss: this.url, aud: AUDIENCE, sub: 'alice', client_id: 'notes', scope: 'openid notes:read', iat: now, exp: now + 600, jti: 'one', ...claims,
    };
    return new SignJWT(all).setProtectedHeader({ alg, typ: 'at+jwt', kid: key, ...header }).sign(privateKey, { crit: { urgent: true } });
  }

  publicKeyText = (key) => exportSPKI(this.keys.get(key).publicKey);
}

/** An authorization server as an app sees it: it signs everybody in as alice, without asking, and does what a test wants. */
export class Provider extends Issuer {
  static async start(url) {
    const provider = Object.assign(await super.start(url, new Provider()), {
      lifetime: 600, refreshes: 0, refuse: undefined, delay: 0, revoked: [], codes: new Map(), refreshToken: undefined, sid: 'session-1', idToken: {}, idTokenKey: 'RS256', answer: {},
    });
    return provider;
  }

  async answerTo(request, response) {
    const { pathname, searchParams } = new URL(request.url, this.url);
    const json = (status, value) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (this.hung && pathname !== '/token') return this.hung.push(response);
    if (this.broken) return json(503, { error: 'temporarily_unavailable' });
    if (pathname === '/.well-known/openid-configuration') {
      const at = (path) => this.url + path;
      return json(200, {
        issuer: this.url, jwks_uri: at('/jwks'), authorization_endpoint: at('/authorize'), token_endpoint: at('/token'), revocation_endpoint: at('/revoke'),
        end_session_endpoint: at('/logout'), response_types_supported: ['code'], subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'], authorization_response_iss_parameter_supported: true,
        token_endpoint_auth_methods_supported: ['client_secret_basic'], code_challenge_methods_supported: ['S256'],
      });
    }
    if (pathname === '/authorize') {
      const code = `code-${this.codes.size}`;
      this.codes.set(code, Object.fromEntries(searchParams));
      const back = new URL(searchParams.get('redirect_uri'));
      back.search = new URLSearchParams({ code, state: searchParams.get('state'), iss: this.url, ...this.answer });
      return response.writeHead(303, { location: back.href }).end();
    }
    const form = new URLSearchParams(await body(request));
    if (pathname === '/revoke') return this.revoked.push(form.get('token')), json(200, {});
    if (pathname !== '/token') return super.answerTo(request, response);
    if (form.get('grant_type') === 'authorization_code') return json(200, await this.tokens(this.codes.get(form.get('code'))));
    this.refreshes += 1;
    await new Promise((resolve) => setTimeout(resolve, this.delay));
    if (this.refuse || form.get('refresh_token') !== this.refreshToken) return json(400, { error: this.refuse || 'invalid_grant' });
    return json(200, await this.tokens());
  }

  /** What /token answers. The token of an API is its number, so that a test can tell them apart. */
  async tokens(asked) {
    this.issued = (this.issued ?? 0) + 1;
    this.refreshToken = `refresh-${this.issued}`;
    const claims = { aud: asked?.client_id ?? this.clientId, sid: this.sid, name: 'alice Example', nonce: asked?.nonce, scope: undefined, client_id: undefined, ...this.idToken };
    this.clientId = claims.aud;
    return {
      access_token: `access-${this.issued}`, token_type: 'Bearer', expires_in: this.lifetime, refresh_token: this.refreshToken,
      id_token: await this.token({ header: { typ: 'JWT', kid: 'RS256' }, claims, key: this.idTokenKey }),
    };
  }

  /** A logout token for the app, after changes. */
  logoutToken({ header = {}, claims = {}, key } = {}) {
    const all = {
      aud: this.clientId, sid: this.sid, client_id: undefined, scope: undefined, jti: `${Math.random()}`, exp: Math.floor(Date.now() / 1000) + 120,
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} }, ...claims,
    };
    return this.token({ header: { typ: 'logout+jwt', ...header }, claims: all, key });
  }
}
