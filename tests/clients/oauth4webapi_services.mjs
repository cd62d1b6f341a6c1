// What relying parties and resource servers call besides signing in, with `oauth4webapi`, and with `jose` a relying party that
// is told when a session ends: private_key_jwt and its replay, resource indicators, access tokens checked by signature alone and
// by introspection with signed answers (RFC 9701), signed userinfo, revocation, client_credentials, RP-initiated and
// back-channel logout.
// Settings: those of openid_client_services.mjs, and backchannel_logout_uri (a free port of loopback, where the client is told).
import { sameScope, settings, step } from './environment.mjs';
import assert from 'node:assert/strict';
import { decodeProtectedHeader, importJWK } from 'jose';
import * as oauth from 'oauth4webapi';
import { HttpUserAgent } from './http_user_agent.mjs';
import { LogoutReceiver } from './logout_receiver.mjs';

const input = settings(
  ...['issuer', 'client_id', 'key', 'algorithm', 'redirect_uri', 'post_logout_redirect_uri', 'notes', 'files'],
  ...['resource_server', 'backchannel_logout_uri'],
);
const { algorithm, notes, files, redirect_uri, post_logout_redirect_uri } = input;
const http = { [oauth.allowInsecureRequests]: true };
const as = await oauth.processDiscoveryResponse(new URL(input.issuer), await oauth.discoveryRequest(new URL(input.issuer), http));
const client = { client_id: input.client_id, id_token_signed_response_alg: algorithm, userinfo_signed_response_alg: algorithm };
const key = { key: await importJWK(input.key, algorithm), kid: input.key.kid };
const privateKeyJwt = oauth.PrivateKeyJwt(key);
const resourceServer = { client_id: input.resource_server.client_id, introspection_signed_response_alg: algorithm };
const secret = oauth.ClientSecretBasic(input.resource_server.client_secret);
const agent = new HttpUserAgent(input);
const receiver = await LogoutReceiver.open(input.backchannel_logout_uri, { ...input, jwks_uri: as.jwks_uri });

const refused = (error) => ({ name: 'ResponseBodyError', error });
const to = (resources) => resources.map((resource) => ['resource', resource]);

/** Signs in, or is signed in; the tokens for these APIs, their signatures verified. */
async function signIn(scope, resources) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const nonce = oauth.generateRandomNonce();
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams([
    ...Object.entries({ client_id: client.client_id, redirect_uri, response_type: 'code', scope, state, nonce }),
    ...Object.entries({ code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' }),
    ...to(resources),
  ]);
  const parameters = oauth.validateAuthResponse(as, client, await agent.authorize(url), state);
  const more = { ...http, additionalParameters: to(resources) };
  const answer = await oauth.authorizationCodeGrantRequest(as, client, privateKeyJwt, parameters, redirect_uri, verifier, more);
  const expected = { expectedNonce: nonce, requireIdToken: true };
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, expected);
  await oauth.validateApplicationLevelSignature(as, answer, http);
  return { ...tokens, claims: oauth.getValidatedIdTokenClaims(tokens) };
}

async function refresh(token, resources) {
  const more = { ...http, additionalParameters: to(resources) };
  const answer = await oauth.refreshTokenGrantRequest(as, client, privateKeyJwt, token, more);
  return oauth.processRefreshTokenResponse(as, client, answer);
}

/** What a resource server that is `api` makes of a token by its signature alone. */
async function check(token, api) {
  const request = new Request(api, { headers: { authorization: `Bearer ${token}` } });
  return oauth.validateJwtAccessToken(as, request, api, { ...http, signingAlgorithms: [algorithm] });
}

/** What the server says about a token, in a signed answer whose signature is verified. */
async function introspect(token) {
  const answer = await oauth.introspectionRequest(as, resourceServer, secret, token, { ...http, requestJwtResponse: true });
  assert.equal(answer.headers.get('content-type'), 'application/token-introspection+jwt');
  const told = await oauth.processIntrospectionResponse(as, resourceServer, answer);
  await oauth.validateApplicationLevelSignature(as, answer, http);
  return told;
}

const revoke = async (token) => oauth.processRevocationResponse(await oauth.revocationRequest(as, client, privateKeyJwt, token, http));
const dead = async (token) => assert.deepEqual(await introspect(token), { active: false });

const scope = 'openid profile notes:read files:read';
const tokens = await signIn(scope, [notes, files]);
assert.equal(decodeProtectedHeader(tokens.id_token).alg, algorithm);
assert.match(tokens.claims.sub, /^p\.[\w-]{43}$/, 'a pairwise subject');
step(`signed in by private_key_jwt with ${algorithm}`);

const userInfoAnswer = await oauth.userInfoRequest(as, client, tokens.access_token, http);
assert.equal(userInfoAnswer.headers.get('content-type'), 'application/jwt');
const person = await oauth.processUserInfoResponse(as, client, tokens.claims.sub, userInfoAnswer);
await oauth.validateApplicationLevelSignature(as, userInfoAnswer, http);
assert.ok(person.name, 'name at userinfo');
for (const api of [notes, files]) {
  const claims = await check(tokens.access_token, api);
  assert.deepEqual([claims.sub, claims.client_id], [tokens.claims.sub, client.client_id]);
  sameScope(claims.scope, scope);
}
step('userinfo is signed; the access token stands at both APIs');

const forFiles = await refresh(tokens.refresh_token, [files]);
sameScope((await check(forFiles.access_token, files)).scope, 'openid profile files:read');
await assert.rejects(check(forFiles.access_token, notes), { code: oauth.JWT_CLAIM_COMPARISON });
await assert.rejects(refresh(forFiles.refresh_token, ['https://stranger.example.com']), refused('invalid_target'));
step('refreshed for one API, it stands at that one alone');

const seen = await introspect(tokens.access_token);
assert.deepEqual([seen.active, seen.scope, seen.sub, seen.iss], [true, 'notes:read', tokens.claims.sub, as.issuer]);
await dead(forFiles.access_token);
await dead(tokens.refresh_token);
const plain = await oauth.introspectionRequest(as, client, privateKeyJwt, forFiles.refresh_token, http);
assert.equal(plain.headers.get('content-type'), 'application/json');
assert.equal((await oauth.processIntrospectionResponse(as, client, plain)).active, true, 'its own refresh token');
step('introspected by the resource server, signed, and by the client');

await revoke(tokens.access_token);
await dead(tokens.access_token);
assert.ok((await refresh(forFiles.refresh_token, [])).access_token, 'the grant lives');
await revoke('unknown');
const foreign = await oauth.revocationRequest(as, resourceServer, secret, forFiles.access_token, http);
await assert.rejects(oauth.processRevocationResponse(foreign), refused('invalid_request'));
await revoke(forFiles.refresh_token);
await assert.rejects(refresh(forFiles.refresh_token, []), refused('invalid_grant'));
step('revoked: an access token alone, then all of the grant by a refresh token that was used already');

const itself = async (authentication, resources) => {
  const parameters = [['scope', 'notes:read'], ...to(resources)];
  const answer = await oauth.clientCredentialsGrantRequest(as, client, authentication, parameters, http);
  return oauth.processClientCredentialsResponse(as, client, answer);
};
const own = await itself(privateKeyJwt, [notes]);
assert.equal(own.refresh_token, undefined, 'no refresh token');
const ownClaims = await check(own.access_token, notes);
assert.deepEqual([ownClaims.sub, ownClaims.aud, ownClaims.scope], [client.client_id, notes, 'notes:read']);
assert.equal((await introspect(own.access_token)).active, true);
await assert.rejects(itself(privateKeyJwt, ['https://stranger.example.com']), refused('invalid_target'));
const once = oauth.PrivateKeyJwt(key, { [oauth.modifyAssertion]: (_, assertion) => (assertion.jti = 'the same each time') });
await itself(once, [notes]);
await assert.rejects(itself(once, [notes]), refused('invalid_client'));
step('client_credentials; an assertion is good once');

const second = await signIn(scope, [notes]);
assert.deepEqual([second.claims.sub, second.claims.sid], [tokens.claims.sub, tokens.claims.sid], 'the same session');
const url = new URL(as.end_session_endpoint);
const state = oauth.generateRandomState();
url.search = new URLSearchParams({ id_token_hint: second.id_token, post_logout_redirect_uri, state });
const back = await agent.open(url);
assert.equal(String(back), `${post_logout_redirect_uri}?${new URLSearchParams({ state })}`);
const told = await receiver.next();
assert.deepEqual([told.sub, told.sid], [second.claims.sub, second.claims.sid], 'whose session it was, and which');
await dead(second.access_token);
step(`signed out, back at the app, which was told: ${JSON.stringify(told)}`);

const third = await signIn('openid', [notes]);
assert.notEqual(third.claims.sid, second.claims.sid, 'another session');
url.search = new URLSearchParams({ client_id: client.client_id, post_logout_redirect_uri });
assert.equal(String(await agent.signOut(url)), post_logout_redirect_uri);
assert.equal((await receiver.next()).sid, third.claims.sid);
receiver.close();
step('signed out of the next one, after a question this time, and told again');
