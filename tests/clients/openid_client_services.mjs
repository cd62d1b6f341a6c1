// What a relying party calls besides signing in, with `openid-client`: client authentication by private_key_jwt, resource
// indicators, claims one by one, pairwise subjects, signed userinfo, introspection (its answers signed too), revocation,
// client_credentials and RP-initiated logout. Every signature is verified, those of answers over a direct channel too.
// Settings: issuer, username, password, client_id, key (the private JWK of the client), algorithm (of its assertions and of all
// that is signed for it), redirect_uri, post_logout_redirect_uri, notes and files (two APIs of the client, with the scopes
// notes:read and files:read), resource_server ({client_id, client_secret} of one that may introspect tokens for notes).
import { sameScope, settings, step } from './environment.mjs';
import assert from 'node:assert/strict';
import { decodeJwt, decodeProtectedHeader, importJWK } from 'jose';
import * as client from 'openid-client';
import { HttpUserAgent } from './http_user_agent.mjs';

const input = settings('issuer', 'client_id', 'key', 'algorithm', 'redirect_uri', 'post_logout_redirect_uri', 'notes', 'files', 'resource_server');
const { algorithm, notes, files } = input;
const execute = [client.allowInsecureRequests, client.enableNonRepudiationChecks];
const discover = (id, metadata, authentication) => client.discovery(new URL(input.issuer), id, metadata, authentication, { execute });
const key = { key: await importJWK(input.key, algorithm), kid: input.key.kid };
const signed = { id_token_signed_response_alg: algorithm, userinfo_signed_response_alg: algorithm };
const config = await discover(input.client_id, signed, client.PrivateKeyJwt(key));
const server = input.resource_server;
const answers = { introspection_signed_response_alg: algorithm };
const resourceServer = await discover(server.client_id, answers, client.ClientSecretBasic(server.client_secret));
const agent = new HttpUserAgent(input);

const refused = (error) => ({ name: 'ResponseBodyError', error });
const audience = (token) => [decodeJwt(token).aud].flat().sort();
const inactive = async (by, token) => assert.deepEqual(await client.tokenIntrospection(by, token), { active: false });

/** Goes to the authorization endpoint; gives what the redirect is checked with, and where it leads. */
async function authorize(scope, resources, more) {
  const checks = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(),
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
    idTokenExpected: true,
  };
  const parameters = new URLSearchParams({
    redirect_uri: input.redirect_uri,
    scope,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    ...more,
  });
  for (const resource of resources) parameters.append('resource', resource);
  return { checks, redirect: await agent.authorize(client.buildAuthorizationUrl(config, parameters)) };
}

const scope = 'openid notes:read files:read';
const acr = config.serverMetadata().acr_values_supported[0];
const claims = { id_token: { email: null, acr: { essential: true, values: [acr] } }, userinfo: { name: { essential: true } } };
const first = await authorize(scope, [notes, files], { claims: JSON.stringify(claims) });
const tokens = await client.authorizationCodeGrant(config, first.redirect, first.checks, { resource: notes });
assert.deepEqual(audience(tokens.access_token), [notes, input.issuer].sort(), 'the code for one API');
sameScope(tokens.scope, 'openid notes:read');
step(`private_key_jwt with ${algorithm}: a code for one API of two`);

const about = tokens.claims();
assert.equal(decodeProtectedHeader(tokens.id_token).alg, algorithm);
assert.match(about.sub, /^p\.[\w-]{43}$/, 'a pairwise subject');
assert.equal(about.acr, acr);
assert.deepEqual(about.amr, ['pwd']);
assert.ok(about.email, 'email, asked for in the ID token');
assert.equal(about.name, undefined, 'name was asked for elsewhere');
const person = await client.fetchUserInfo(config, tokens.access_token, about.sub);
assert.ok(person.name, 'name, asked for at userinfo');
assert.equal(person.email, undefined, 'email was asked for elsewhere');
assert.deepEqual([person.iss, person.aud], [input.issuer, input.client_id], 'a signed answer says who made it for whom');
step(`ID token and userinfo signed with ${algorithm}, claims where they were asked for, subject ${about.sub}`);

const seen = await client.tokenIntrospection(resourceServer, tokens.access_token);
assert.deepEqual([seen.active, seen.scope, seen.sub, seen.client_id], [true, 'notes:read', about.sub, input.client_id]);
assert.deepEqual(seen.aud.sort(), audience(tokens.access_token));
const own = await client.tokenIntrospection(config, tokens.access_token);
sameScope(own.scope, 'openid notes:read');
assert.equal((await client.tokenIntrospection(config, tokens.refresh_token)).active, true, 'its own refresh token');
await inactive(resourceServer, tokens.refresh_token);
await inactive(resourceServer, 'unknown');
step('the resource server learns what concerns it, in a signed answer; the client everything');

const elsewhere = await client.refreshTokenGrant(config, tokens.refresh_token, { resource: files });
assert.deepEqual(audience(elsewhere.access_token), [files, input.issuer].sort());
sameScope(elsewhere.scope, 'openid files:read');
await inactive(resourceServer, elsewhere.access_token);
const both = await client.refreshTokenGrant(config, elsewhere.refresh_token);
assert.deepEqual(audience(both.access_token), [notes, files, input.issuer].sort(), 'all that was granted');
sameScope(both.scope, scope);
const stranger = 'https://stranger.example.com';
await assert.rejects(client.refreshTokenGrant(config, both.refresh_token, { resource: stranger }), refused('invalid_target'));
const unknown = await authorize(scope, [stranger]);
await assert.rejects(client.authorizationCodeGrant(config, unknown.redirect, unknown.checks), {
  name: 'AuthorizationResponseError',
  error: 'invalid_target',
});
step('refreshed for another API, and for all; an unknown one is invalid_target');

await client.tokenRevocation(config, elsewhere.access_token);
await assert.rejects(client.fetchUserInfo(config, elsewhere.access_token, about.sub), { name: 'WWWAuthenticateChallengeError', status: 401 });
assert.equal((await client.tokenIntrospection(config, both.access_token)).active, true, 'the others live');
await assert.rejects(client.tokenRevocation(resourceServer, both.access_token), refused('invalid_request'));
await client.tokenRevocation(config, both.refresh_token, { token_type_hint: 'refresh_token' });
await inactive(config, both.access_token);
await assert.rejects(client.refreshTokenGrant(config, both.refresh_token), refused('invalid_grant'));
await client.tokenRevocation(config, 'unknown');
step('an access token revoked alone, a refresh token with all that came from it');

const itself = await client.clientCredentialsGrant(config, { scope: 'notes:read', resource: notes });
assert.deepEqual(audience(itself.access_token), [notes]);
assert.equal(itself.refresh_token, undefined, 'no refresh token');
const service = await client.tokenIntrospection(resourceServer, itself.access_token);
assert.deepEqual([service.sub, service.client_id, service.scope], [input.client_id, input.client_id, 'notes:read']);
await assert.rejects(client.clientCredentialsGrant(config, { resource: stranger }), refused('invalid_target'));
await client.tokenRevocation(config, itself.access_token);
await inactive(resourceServer, itself.access_token);
step('client_credentials for an API, introspected and revoked');

const last = await authorize(scope, [notes]);
const signedIn = await client.authorizationCodeGrant(config, last.redirect, last.checks);
assert.equal(signedIn.claims().sub, about.sub, 'the same subject each time');
assert.equal(signedIn.claims().sid, about.sid, 'and the same session');
const state = client.randomState();
const { post_logout_redirect_uri } = input;
const parameters = { id_token_hint: signedIn.id_token, post_logout_redirect_uri, state };
const back = await agent.open(client.buildEndSessionUrl(config, parameters));
assert.equal(String(back), `${post_logout_redirect_uri}?${new URLSearchParams({ state })}`);
await inactive(resourceServer, signedIn.access_token);
await assert.rejects(client.refreshTokenGrant(config, signedIn.refresh_token), refused('invalid_grant'));
const nobody = await authorize(scope, [notes], { prompt: 'none' });
await assert.rejects(client.authorizationCodeGrant(config, nobody.redirect, nobody.checks), {
  name: 'AuthorizationResponseError',
  error: 'login_required',
});
step('signed out and back at the app; the session and its tokens have ended');
