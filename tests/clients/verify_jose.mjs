// A resource server with `jose`: verifies access tokens with the published keys only (jwks_uri of the RFC 8414 metadata).
// Standard input: JSON {issuer, audience, token, expect: "valid" | "invalid"}, or an array of such objects. A failure to reach
// the server is an error, never "invalid". Exits non-zero when a verdict is not the expected one.
import './environment.mjs';
import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';

for (const { issuer, audience, token, expect } of [JSON.parse(await text(process.stdin))].flat()) {
  assert.ok(['valid', 'invalid'].includes(expect), `expect must be "valid" or "invalid", received ${expect}`);
  const { origin, pathname } = new URL(issuer);
  const answer = await fetch(`${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/$/, '')}`);
  assert.equal(answer.status, 200, 'status of the metadata');
  const metadata = await answer.json();
  assert.equal(metadata.issuer, issuer);
  const keys = createRemoteJWKSet(new URL(metadata.jwks_uri));
  await keys.reload();
  const verdict = await verify(token, keys, { issuer, audience });
  console.log(`jose: ${verdict}`);
  assert.equal(verdict.split(':')[0], expect);
}

/** "valid: <claims>" or "invalid: <reason>". */
async function verify(token, keys, expected) {
  try {
    const { payload } = await jwtVerify(token, keys, {
      ...expected,
      typ: 'at+jwt',
      algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
      requiredClaims: ['sub', 'client_id', 'exp', 'iat', 'jti'],
    });
    return `valid: ${JSON.stringify(payload)}`;
  } catch (error) {
    if (!(error instanceof errors.JOSEError) || error instanceof errors.JWKSTimeout) throw error;
    return `invalid: ${error.message}`;
  }
}
