// Signing in and out, and an access token whenever one is needed. Refresh tokens are used once: if two tabs refreshed with the same
// one, each would undo the work of the other. So all tabs share one place for the tokens, and the one that holds the lock refreshes
// for all of them.
import { ErrorResponse, UserManager, WebStorageStateStore } from 'oidc-client-ts';

const TIMEOUT = 10; // seconds. A request that hangs would keep all tabs from refreshing.

const config = await (await fetch('/config.json', { signal: AbortSignal.timeout(1000 * TIMEOUT) })).json();

const manager = new UserManager({
  authority: config.issuer,
  client_id: config.clientId,
  redirect_uri: `${location.origin}/callback`,
  post_logout_redirect_uri: `${location.origin}/`,
  // Without `offline_access` the refresh token ends with the browser's session at the authorization server, as it should here.
  scope: 'openid profile notes:read notes:write',
  // For all tabs, and kept when the browser is closed. A script that does not belong here could read this as well as any other place
  // in the browser; if that is too much of a risk, keep tokens on a server: see the example `bff-node`.
  userStore: new WebStorageStateStore({ store: localStorage }),
  stateStore: new WebStorageStateStore({ store: sessionStorage }), // what began in one tab ends there
  automaticSilentRenew: false, // it would run in every tab
  requestTimeoutInSeconds: TIMEOUT,
});

// Some time before the end, so that no request meets it, and not everywhere at the same time: otherwise all apps that signed in when
// work began would call again at the same moments, all day.
const AHEAD = 60 + 30 * Math.random(); // seconds, another number in each tab
const RETRY = 15 + 15 * Math.random();

const LOCK = 'notes-refresh';

// When a refresh last failed in this tab, and how.
let failedAt = -Infinity;
let failure;

const listeners = new Set();
let timer;

/** Calls back with the user, or null, now and whenever this changes: here, or in another tab. */
export async function watchUser(listener) {
  listeners.add(listener);
  listener(await manager.getUser());
}

/** Leads to the sign-in page. The app returns to the page that is open now. */
export function signIn() {
  return manager.signinRedirect({ state: location.href });
}

/** At the redirect URI: gets the tokens, and returns the address to go on with. Throws what went wrong. */
export async function finishSignIn() {
  const user = await manager.signinCallback();
  const target = new URL(user.state ?? '/', location.origin);
  await changed();
  return target.origin === location.origin ? target.href : '/';
}

/** Ends the session here and at the authorization server, and with it all tokens. */
export async function signOut() {
  // What another tab is refreshing has come by then: after the sign-out it would be stored again.
  await navigator.locks.request(LOCK, () => manager.signoutRedirect());
}

/** Calls the API as the user; undefined if nobody is signed in any more. */
export async function callApi(path, options = {}) {
  const send = (user) =>
    fetch(config.api + path, {
      signal: AbortSignal.timeout(1000 * TIMEOUT),
      ...options,
      headers: { ...options.headers, Authorization: `Bearer ${user.access_token}` },
    });
  let user = await freshUser();
  if (!user) return undefined;
  const response = await send(user);
  if (response.status !== 401) return response;
  // Refused before its time: the clock here is wrong, or it was revoked. A refresh tells.
  user = await freshUser(user.access_token);
  return user ? send(user) : undefined;
}

/** The user with an access token that can be used. `refused` is one that an API did not take. */
async function freshUser(refused) {
  const came = performance.now();
  const user = await manager.getUser();
  if (!user || !isDue(user, refused)) return user;
  return navigator.locks.request(LOCK, async () => {
    const user = await manager.getUser();
    if (!user || !isDue(user, refused)) return user; // another tab has refreshed, or signed out, while this one was waiting
    if (failedAt > came) throw failure; // one attempt for all that waited for it
    try {
      const refreshed = await manager.signinSilent();
      await changed();
      return refreshed;
    } catch (error) {
      if (error instanceof ErrorResponse && error.error === 'invalid_grant') {
        // It is over: signed out elsewhere, or revoked.
        await manager.removeUser();
        await changed();
        return null;
      }
      // Not reached, or the server is in trouble: nothing has ended, and the token at hand may be good for a while.
      failedAt = performance.now();
      failure = error;
      if (isUsable(user, refused)) return user;
      throw error;
    }
  });
}

function isUsable(user, refused) {
  return user.expires_in > 0 && user.access_token !== refused;
}

/** After a failure not before a while, if there is a token that can be used. */
function isDue(user, refused) {
  if (!isUsable(user, refused)) return true;
  return Date.now() >= dueAt(user) && performance.now() >= failedAt + 1000 * RETRY;
}

/** When to refresh; for short-lived tokens after two thirds of their time. */
function dueAt(user) {
  const lifetime = user.expires_at - user.profile.iat;
  return 1000 * (user.expires_at - Math.min(AHEAD, lifetime / 3));
}

async function changed() {
  const user = await manager.getUser();
  schedule(user);
  for (const listener of listeners) listener(user);
}

/** Refreshes when it is time, also while nobody does anything. */
function schedule(user) {
  clearTimeout(timer);
  if (!user) return;
  const wait = Math.max(dueAt(user) - Date.now(), 1000 * RETRY);
  timer = setTimeout(async () => {
    await freshUser().catch(() => {}); // whoever needs a token is told
    schedule(await manager.getUser());
  }, wait);
}

// Another tab has signed in or out, or has refreshed.
addEventListener('storage', (event) => {
  if (event.storageArea === localStorage) changed();
});
schedule(await manager.getUser());
