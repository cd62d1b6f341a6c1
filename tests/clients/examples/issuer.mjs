// An authorization server with nothing but metadata and keys, which a test can rotate, withdraw, break and count: what an API
// sees of one.
import { listen } from '../environment.mjs';
import { SignJWT, exportJWK, exportSPKI, generateKeyPair } from 'jose';

export const AUDIENCE = 'https://api.example.com';

export class Issuer {
  /** Listens at this URL, and publishes a key for each algorithm. */
  static async start(url) {
    const issuer = new Issuer();
    Object.assign(issuer, { url, keys: new Map(), fetches: 0, broken: false });
    for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA']) await issuer.publish(alg, alg);
    issuer.server = await listen(url, (request, response) => issuer.answer(request, response));
    return issuer;
  }

  /** Makes a key, which can sign from now on; published or not. */
  async publish(kid, alg, isPublished = true) {
    const pair = await generateKeyPair(alg, { extractable: true });
    this.keys.set(kid, { ...pair, alg, isPublished, jwk: { ...(await exportJWK(pair.publicKey)), kid, alg, use: 'sig' } });
  }

  answer(request, response) {
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
