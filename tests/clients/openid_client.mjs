// A confidential web app with `openid-client`: discovery, sign-in with PKCE, state and nonce, ID token, userinfo, refresh,
// and the code presented a second time.
// Settings: issuer, client_id, client_secret, redirect_uri, username, password; optional: scope (default "openid profile
// email"), auth ("client_secret_basic" by default, or "client_secret_post"), sub (the expected subject), authorize (further
// authorization parameters, an object). Nothing listens at redirect_uri: the redirect is read, not followed.
import { sameScope, settings, step } from './environment.mjs';
import assert from 'node:assert/strict';
import * as client from 'openid-client';
import { HttpUserAgent } from './http_user_agent.mjs';

const input = settings('issuer', 'client_id', 'client_secret', 'redirect_uri', 'username', 'password');
const scope = input.scope ?? 'openid profile email';
const authentication = input.auth === 'client_secret_post' ? client.ClientSecretPost : client.ClientSecretBasic;

const config = await client.discovery(new URL(input.issuer), input.client_id, {}, authentication(input.client_secret), {
  execute: [client.allowInsecureRequests],
});
assert.equal(config.serverMetadata().issuer, input.issuer);
assert.equal(config.serverMetadata().authorization_response_iss_parameter_supported, true);
assert.ok(config.serverMetadata().supportsPKCE(), 'metadata names S256');
step(`discovered ${input.issuer}`);

const pkceCodeVerifier = client.randomPKCECodeVerifier();
const expectedState = client.randomState();
const expectedNonce = client.randomNonce();
const started = Math.floor(Date.now() / 1000);
const url = client.buildAuthorizationUrl(config, {
  redirect_uri: input.redirect_uri,
  scope,
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: 'S256',
  state: expectedState,
  nonce: expectedNonce,
  ...input.authorize,
});
const redirect = await new HttpUserAgent(input).authorize(url);
assert.ok(redirect.href.startsWith(input.redirect_uri), `redirect to ${redirect}`);
assert.equal(redirect.searchParams.get('error'), null, `no error, received ${redirect}`);
assert.equal(redirect.searchParams.get('iss'), input.issuer, 'iss of the authorization response');
step('signed in and consented');

const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
const tokens = await client.authorizationCodeGrant(config, redirect, checks);
const claims = tokens.claims();
assert.equal(claims.iss, input.issuer);
assert.equal(claims.nonce, expectedNonce);
assert.ok([claims.aud].flat().includes(input.client_id), 'aud of the ID token');
assert.ok(claims.auth_time >= started - 2 && claims.auth_time <= claims.iat + 2, `auth_time ${claims.auth_time}, iat ${claims.iat}`);
assert.ok(claims.exp > claims.iat, 'exp after iat');
assert.ok(claims.at_hash, 'at_hash');
assert.ok(claims.sid, 'sid');
if (input.sub) assert.equal(claims.sub, input.sub);
assert.equal(tokens.token_type.toLowerCase(), 'bearer');
assert.ok(tokens.expires_in > 0, 'expires_in');
sameScope(tokens.scope ?? scope, scope);
step(`code exchanged, ID token of ${claims.sub} is right`);

const person = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
if (scope.includes('email')) assert.ok(person.email, 'email at userinfo');
step(`userinfo: ${JSON.stringify(person)}`);

assert.ok(tokens.refresh_token, 'refresh_token');
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
assert.notEqual(refreshed.access_token, tokens.access_token, 'a fresh access token');
assert.notEqual(refreshed.refresh_token, tokens.refresh_token, 'the refresh token is rotated');
assert.equal((await client.fetchUserInfo(config, refreshed.access_token, claims.sub)).sub, claims.sub);
step('refreshed, and the new access token works');

// RFC 6749 4.1.2: a code used again is refused, and what came from it ends.
const refused = { name: 'ResponseBodyError', error: 'invalid_grant' };
await assert.rejects(client.authorizationCodeGrant(config, redirect, checks), refused);
await assert.rejects(client.refreshTokenGrant(config, refreshed.refresh_token), refused);
step('the code again: invalid_grant, and its refresh token is dead');
