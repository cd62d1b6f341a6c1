// A public native app on a loopback port of the moment with `oauth4webapi`: sign-in with PKCE, userinfo, refresh, the check a
// resource server makes of the access token, and reuse of an old refresh token, which ends the whole family.
// Settings: issuer, client_id, username, password, audience (one that the access token must carry); optional: scope (default
// "openid profile email offline_access"), callback_path (default "/callback"; the client is registered with
// http://127.0.0.1/<path>), retry_window (seconds in which the token before the newest gives the newest again; default 30).
import { listen, sameScope, settings, step } from './environment.mjs';
import assert from 'node:assert/strict';
import * as oauth from 'oauth4webapi';
import { HttpUserAgent } from './http_user_agent.mjs';

const input = settings('issuer', 'client_id', 'username', 'password', 'audience');
const scope = input.scope ?? 'openid profile email offline_access';
const issuer = new URL(input.issuer);
const http = { [oauth.allowInsecureRequests]: true };
const client = { client_id: input.client_id };

const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, http));
const oauth2Answer = await oauth.discoveryRequest(issuer, { ...http, algorithm: 'oauth2' });
const oauth2Metadata = await oauth.processDiscoveryResponse(issuer, oauth2Answer);
assert.equal(oauth2Metadata.token_endpoint, as.token_endpoint, 'both metadata documents agree');
step(`discovered ${as.issuer}`);

const answered = 'Signed in. You can close this window.';
const server = await listen('http://127.0.0.1:0', (_, response) => response.end(answered));
const redirectUri = `http://127.0.0.1:${server.address().port}${input.callback_path ?? '/callback'}`;
const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const nonce = oauth.generateRandomNonce();
const url = new URL(as.authorization_endpoint);
url.search = new URLSearchParams({
  client_id: client.client_id,
  redirect_uri: redirectUri,
  response_type: 'code',
  scope,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
  ...(scope.includes('offline_access') && { prompt: 'consent' }),
});
const redirect = await new HttpUserAgent(input).authorize(url);
assert.ok(redirect.href.startsWith(`${redirectUri}?`), `redirect to ${redirect}`);
assert.equal(await (await fetch(redirect)).text(), answered, 'the app hears the redirect');
server.close();
const parameters = oauth.validateAuthResponse(as, client, redirect, state);
assert.equal(parameters.get('iss'), input.issuer, 'iss of the authorization response');
step(`signed in, redirected to ${redirectUri}`);

const tokens = await oauth.processAuthorizationCodeResponse(
  as,
  client,
  await oauth.authorizationCodeGrantRequest(as, client, oauth.None(), parameters, redirectUri, verifier, http),
  { expectedNonce: nonce, requireIdToken: true },
);
const { sub } = oauth.getValidatedIdTokenClaims(tokens);
sameScope(tokens.scope ?? scope, scope);
step(`code exchanged for ${sub}`);

const userInfo = async (token) =>
  oauth.processUserInfoResponse(as, client, sub, await oauth.userInfoRequest(as, client, token, http));
assert.equal((await userInfo(tokens.access_token)).sub, sub);

const request = new Request('http://127.0.0.1/', { headers: { authorization: `Bearer ${tokens.access_token}` } });
const claims = await oauth.validateJwtAccessToken(as, request, input.audience, http);
assert.equal(claims.client_id, client.client_id);
assert.equal(claims.sub, sub);
sameScope(claims.scope, scope);
step('userinfo answers, and the access token stands as RFC 9068 says');

const refresh = async (token) =>
  oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, oauth.None(), token, http));
const first = tokens.refresh_token;
assert.ok(first, 'refresh_token');
const second = (await refresh(first)).refresh_token;
const third = await refresh(second);
assert.equal(new Set([first, second, third.refresh_token]).size, 3, 'each refresh token is another');
assert.equal((await userInfo(third.access_token)).sub, sub);
step('refreshed twice');

if ((input.retry_window ?? 30) > 0) {
  const again = await refresh(second);
  assert.equal(again.refresh_token, third.refresh_token, 'a repeated refresh gives the same successor');
  step('the token before the newest gives the newest again');
}

const refused = { name: 'ResponseBodyError', error: 'invalid_grant' };
await assert.rejects(refresh(first), refused);
await assert.rejects(refresh(third.refresh_token), refused);
step('a token two generations old: invalid_grant, and the newest is dead too');
