// Back-channel logout: the authorization server tells that a session has ended there, with a signed token (OpenID Connect
// Back-Channel Logout 1.0 §2.4 to 2.6).
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { configuration, isOutage } from './authorization.js';
import { settings } from './settings.js';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const MAX_AGE = 300; // seconds

/** What is wrong with a logout token. */
export class BadLogoutToken extends Error {}

let keys;
const used = new Map(); // the `jti` of tokens, until these are too old anyway; in your session store if there are several processes

/** The claims of a logout token, which names a session (`sid`), a user (`sub`), or both. Throws BadLogoutToken. */
export async function verifyLogoutToken(token) {
  const server = (await configuration()).serverMetadata();
  keys ??= createRemoteJWKSet(new URL(server.jwks_uri), { timeoutDuration: 5000 });
  let claims;
  try {
    ({ payload: claims } = await jwtVerify(token ?? '', keys, {
      issuer: server.issuer,
      audience: settings.CLIENT_ID,
      typ: 'logout+jwt', // an ID token is no logout token
      algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
      requiredClaims: ['iat', 'exp', 'jti'],
      maxTokenAge: MAX_AGE,
      clockTolerance: 30,
    }));
  } catch (error) {
    // No keys: that is no fault of the token's, and the server calls again.
    if (isOutage(error) || !(error instanceof errors.JOSEError)) throw error;
    throw new BadLogoutToken(error.message);
  }
  const isText = (value) => value === undefined || (typeof value === 'string' && value !== '');
  const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject(claims.events) || !isObject(claims.events[EVENT])) throw new BadLogoutToken('it is about something else');
  if ('nonce' in claims) throw new BadLogoutToken('it has a nonce, as an ID token does');
  if (!isText(claims.sid) || !isText(claims.sub) || !(claims.sid ?? claims.sub)) throw new BadLogoutToken('it names neither a session nor a user');
  if (typeof claims.jti !== 'string') throw new BadLogoutToken('its jti is no text');

  const now = Date.now();
  for (const [jti, until] of used) if (until < now) used.delete(jti);
  if (used.has(claims.jti)) throw new BadLogoutToken('it was used before');
  used.set(claims.jti, now + 1000 * (MAX_AGE + 60));
  return claims;
}
