// Who is signed in: the tokens stay here, and the browser has a cookie that says nothing. Also: that each session is refreshed in
// time, by one request for all that wait.
import { createHash, randomBytes } from 'node:crypto';
import * as authorization from './authorization.js';

// `__Host-` (RFC 6265bis): the browser takes it by https from this host alone, so that no other host of the domain can plant one.
const NAME = '__Host-notes';
// `strict`: not even a link from another site comes with it.
const COOKIE = { path: '/', secure: true, httpOnly: true, sameSite: 'strict' };
const LIFETIME = 8 * 3600 * 1000;
const RETRY = 5000; // after a refresh that failed

/** The user has to sign in. */
export class SignedOut extends Error {}
/** The token is too old, and there is no new one at the moment. Nothing has ended. */
export class Unavailable extends Error {}

// In memory: after a restart everybody signs in again, without a password as long as the session at the authorization server lasts. A
// real store (Redis, your database) goes here. Encrypt the tokens in it, and keep the lock of `refreshing` there too; if two
// processes refresh at once nevertheless, Symbolon gives both the same new token.
const sessions = new Map();

/** By a hash of the cookie: whoever reads the store cannot use what is in it as a cookie. */
const keyOf = (cookie) => createHash('sha256').update(cookie).digest('base64url');

/** Begins a session, always with a new cookie: one that was there before the sign-in may be known to others. */
export function begin(response, tokens) {
  for (const [key, { endsAt }] of sessions) if (endsAt < Date.now()) sessions.delete(key);
  const cookie = randomBytes(32).toString('base64url');
  sessions.set(keyOf(cookie), { tokens, endsAt: Date.now() + LIFETIME });
  response.cookie(NAME, cookie, COOKIE);
}

/** What names the session of a request in the store, if it has a cookie; of no use as a cookie. */
export function idOf(request) {
  const cookie = readCookie(request, NAME);
  return cookie && keyOf(cookie);
}

/**
 * Ends the session that this browser had when a sign-in began: with a new cookie, nobody can. Its name comes from /login, as the
 * browser sends no `strict` cookie when it is back from another site.
 */
export async function endReplaced(id) {
  const session = sessions.get(id);
  if (session) await close(session);
}

/** The session of a request; throws SignedOut. */
export function find(request) {
  const cookie = readCookie(request, NAME);
  const session = cookie && sessions.get(keyOf(cookie));
  if (!session || session.endsAt < Date.now()) throw new SignedOut();
  return session;
}

/** Ends one, and takes the cookie back. */
export async function end(response, session) {
  response.clearCookie(NAME, COOKIE);
  await close(session);
}

/** The tokens are of no use any more, so they are revoked; that may fail. */
async function close(session) {
  remove((other) => other === session);
  await authorization.revoke(session.tokens).catch((error) => console.warn(`not revoked: ${error.message}`));
}

/** Ends all sessions of which this is so; returns how many. */
export function remove(isSo) {
  const found = [...sessions].filter(([, session]) => isSo(session));
  for (const [key, session] of found) {
    session.ended = true;
    sessions.delete(key);
  }
  return found.length;
}

/** An access token that can be used. `refused` is one that the API did not take. */
export async function accessToken(session, refused) {
  const isDue = session.tokens.accessToken === refused || Date.now() >= session.tokens.refreshAt;
  if (isDue) {
    // Twenty requests at once, one refresh: whoever comes while it is under way waits for the same one.
    session.refreshing ??= refresh(session, refused).finally(() => (session.refreshing = undefined));
    await session.refreshing;
  }
  return session.tokens.accessToken;
}

async function refresh(session, refused) {
  let tokens;
  try {
    tokens = await authorization.refresh(session.tokens);
  } catch (error) {
    if (error.error === 'invalid_grant') {
      // It is over: signed out elsewhere, or revoked.
      remove((other) => other === session);
      throw new SignedOut();
    }
    // Not reached, or the server is in trouble. The token at hand may be good for a while; if not, the user need not sign in again.
    console.warn(`not refreshed: ${error.message}`);
    if (session.tokens.accessToken === refused || Date.now() >= session.tokens.expiresAt) throw new Unavailable();
    session.tokens.refreshAt = Date.now() + RETRY;
    return;
  }
  session.tokens = tokens;
  if (session.ended) {
    // Signed out while this was under way.
    await authorization.revoke(tokens).catch(() => {});
    throw new SignedOut();
  }
}

/** The value of a cookie. */
export function readCookie(request, name) {
  const pairs = request.get('cookie')?.split(/; */) ?? [];
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}
