// Everything that is said to the authorization server: how a sign-in begins and ends, refreshing, signing out.
import * as client from 'openid-client';
import { settings } from './settings.js';

// No `offline_access`: the tokens end with the session at the authorization server. Ask for it if they are to outlive that.
const SCOPE = 'openid profile notes:read notes:write';
const TIMEOUT = 5; // seconds

const REDIRECT_URI = `${settings.APP_URL}/callback`;

let discovered;

/** What the authorization server says about itself, asked for once. */
export function configuration() {
  discovered ??= client
    .discovery(new URL(settings.ISSUER), settings.CLIENT_ID, undefined, client.ClientSecretBasic(settings.CLIENT_SECRET), {
      timeout: TIMEOUT,
      // The first has signatures of ID tokens checked, also of those that come by TLS from the server itself.
      execute: [client.enableNonRepudiationChecks, ...(isOnThisMachine(settings.ISSUER) ? [client.allowInsecureRequests] : [])],
    })
    .catch((error) => {
      discovered = undefined; // so that the next one tries again
      throw error;
    });
  return discovered;
}

/** Where http is good enough. */
function isOnThisMachine(url) {
  return ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname);
}

/** Where to send the browser, and what to remember of it until it is back. */
export async function beginSignIn() {
  const begun = {
    state: client.randomState(), // the answer belongs to this browser
    nonce: client.randomNonce(), // the ID token belongs to this sign-in
    verifier: client.randomPKCECodeVerifier(), // the code is of use to nobody else
  };
  const url = client.buildAuthorizationUrl(await configuration(), {
    redirect_uri: REDIRECT_URI,
    scope: SCOPE,
    state: begun.state,
    nonce: begun.nonce,
    code_challenge: await client.calculatePKCECodeChallenge(begun.verifier),
    code_challenge_method: 'S256',
  });
  return { url, begun };
}

/** Whether a query is an answer to what was begun. Any site can send the browser here with another. */
export function isAnswerTo(begun, query) {
  const states = new URLSearchParams(query).getAll('state');
  return states.length === 1 && states[0] === begun.state;
}

/** The tokens for the answer in a query, and who the user is. Throws if the answer is not the one to what was begun, or an error. */
export async function finishSignIn(query, begun) {
  const answer = new URL(REDIRECT_URI);
  answer.search = query;
  // Checks `iss` (RFC 9207), and the ID token with its signature, `aud`, `exp` and nonce.
  const tokens = await client.authorizationCodeGrant(await configuration(), answer, {
    expectedState: begun.state,
    expectedNonce: begun.nonce,
    pkceCodeVerifier: begun.verifier,
    idTokenExpected: true,
  });
  return { ...read(tokens), user: tokens.claims() };
}

/** New tokens. The refresh token is used up: the next one is in the answer. */
export async function refresh(tokens) {
  return { ...tokens, ...read(await client.refreshTokenGrant(await configuration(), tokens.refreshToken)) };
}

/** Ends a refresh token, and all that came from it. */
export async function revoke(tokens) {
  if (tokens.refreshToken) await client.tokenRevocation(await configuration(), tokens.refreshToken);
}

/** Where to send the browser to sign out there as well. */
export async function signOutUrl(tokens) {
  return client.buildEndSessionUrl(await configuration(), {
    id_token_hint: tokens.idToken,
    post_logout_redirect_uri: `${settings.APP_URL}/`,
  });
}

/** Whether a server was not reached or is in trouble, as opposed to what it has said. Nothing has ended then. */
export function isOutage(error) {
  const status = error.status ?? error.cause?.status;
  return (
    error.message === 'fetch failed' || // what Node says if there was no connection
    ['TimeoutError', 'AbortError'].includes(error.name) ||
    ['OAUTH_TIMEOUT', 'OAUTH_ABORT', 'ERR_JWKS_TIMEOUT', 'ERR_JOSE_GENERIC'].includes(error.code) ||
    status >= 500
  );
}

/** The parts of an answer that are kept, only those that it has. */
function read(tokens) {
  const lifetime = tokens.expiresIn() ?? 60;
  const now = Date.now();
  const found = {
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token,
    idToken: tokens.id_token,
    expiresAt: now + 1000 * lifetime,
    refreshAt: now + 1000 * (lifetime - ahead(lifetime)),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

/**
 * How long before its end a token is renewed: a minute, so that no request meets the end, and up to half a minute more, so that not
 * all who signed in when work began call again at the same moment. At most the last third of its time.
 */
function ahead(lifetime) {
  return Math.min(60 + 30 * Math.random(), lifetime / 3);
}
