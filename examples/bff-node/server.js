// A backend for a frontend (RFC 10017 §6.1): signs users in, keeps their tokens, and calls the API for the app in the browser. Here
// are its routes; what is behind them is in authorization.js, sessions.js and logout-token.js.
import { fileURLToPath } from 'node:url';
import express from 'express';
import { beginSignIn, finishSignIn, isAnswerTo, isOutage, signOutUrl } from './authorization.js';
import { BadLogoutToken, verifyLogoutToken } from './logout-token.js';
import * as sessions from './sessions.js';
import { settings } from './settings.js';

const LOGIN = '__Host-notes-login';
// `lax`, as the browser comes back from another site. It is for one sign-in, and for ten minutes.
const LOGIN_COOKIE = { path: '/', secure: true, httpOnly: true, sameSite: 'lax', maxAge: 600_000 };

const app = express();
app.disable('x-powered-by');
app.use((request, response, next) => {
  response.set({
    'Content-Security-Policy':
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
  });
  next();
});

app.get('/login', async (request, response) => {
  const { url, begun } = await beginSignIn();
  // In a cookie, not here: who only opens /login should not fill our memory. The user may know these values.
  const kept = JSON.stringify({ ...begun, returnTo: localUrl(request.query.return_to), replaces: sessions.idOf(request) });
  response.cookie(LOGIN, Buffer.from(kept).toString('base64url'), LOGIN_COOKIE);
  response.redirect(303, url.href);
});

app.get('/callback', async (request, response) => {
  const begun = readBegun(request);
  // Without the cookie this is not the browser in which it began. It could be a link by which somebody would have the user sign in to
  // an account that is not theirs.
  if (!begun) return sorry(response, 400, 'This sign-in did not begin in this browser, or began too long ago.');
  const query = new URL(request.originalUrl, settings.APP_URL).search;
  // The sign-in goes on: otherwise any site could end it.
  if (!isAnswerTo(begun, query)) return sorry(response, 400, 'Signing in did not work.');
  response.clearCookie(LOGIN, LOGIN_COOKIE);
  let tokens;
  try {
    tokens = await finishSignIn(query, begun);
  } catch (error) {
    if (isOutage(error)) throw error;
    console.warn('sign-in failed:', error.message, error.error ?? '', error.error_description ?? '');
    // Nothing of the answer is shown: anybody can write one.
    if (error.error === 'access_denied') return sorry(response, 403, 'You have not allowed this app to see your notes.');
    return sorry(response, 400, 'Signing in did not work.');
  }
  sessions.begin(response, tokens);
  await sessions.endReplaced(begun.replaces);
  response.redirect(303, localUrl(begun.returnTo));
});

// What the app in the browser calls. Whatever cookies a browser sends along, another site cannot make it send a header of its own
// choice: for that the browser asks first (CORS), and we do not allow it.
function fromOurApp(request, response, next) {
  if (!request.get('x-csrf')) return response.status(403).json({ error: 'the header X-CSRF is missing' });
  next();
}

app.get('/user', fromOurApp, (request, response) => {
  const { sub, name, preferred_username: username } = sessions.find(request).tokens.user;
  response.json({ sub, name: name ?? username });
});

app.post('/logout', fromOurApp, async (request, response) => {
  const session = sessions.find(request);
  await sessions.end(response, session);
  // The app sends the browser there, so that the user is signed out at the authorization server as well.
  response.json({ url: (await signOutUrl(session.tokens)).href });
});

app.all('/api/notes', fromOurApp, express.raw({ type: () => true, limit: '100kb' }), async (request, response) => {
  const session = sessions.find(request);
  let token = await sessions.accessToken(session);
  let answer = await callApi(request, token);
  if (answer.status === 401) {
    // Refused before its time: the clock here is wrong, or it was revoked. A refresh tells.
    token = await sessions.accessToken(session, token);
    answer = await callApi(request, token);
  }
  // 401 would tell the app that the user has to sign in, which does not help here.
  if (answer.status === 401) return response.status(502).json({ error: 'the API does not take our tokens' });
  response.status(answer.status).type(answer.headers.get('content-type') ?? 'application/octet-stream');
  response.send(Buffer.from(await answer.arrayBuffer()));
});

/** Passes a request on to the API, whose address is ours to choose; of the browser's headers only the type of the body. */
function callApi(request, token) {
  const hasBody = !['GET', 'HEAD'].includes(request.method);
  return fetch(settings.API_URL + request.originalUrl.slice('/api'.length), {
    method: request.method,
    headers: { authorization: `Bearer ${token}`, 'content-type': request.get('content-type') ?? 'application/octet-stream' },
    body: hasBody && Buffer.isBuffer(request.body) ? request.body : undefined,
    redirect: 'manual', // the token goes nowhere else
    signal: AbortSignal.timeout(10_000),
  });
}

app.post('/backchannel-logout', express.urlencoded({ limit: '20kb' }), async (request, response) => {
  try {
    const { sid, sub } = await verifyLogoutToken(request.body?.logout_token);
    // One session, or all of the user's.
    const ended = sessions.remove(({ tokens: { user } }) => (!sid || user.sid === sid) && (!sub || user.sub === sub));
    console.log(`signed out at the authorization server: ${ended} session(s)`);
    response.status(200).end();
  } catch (error) {
    if (!(error instanceof BadLogoutToken)) throw error;
    console.warn(`logout token refused: ${error.message}`);
    response.status(400).json({ error: 'invalid_request' });
  }
});

const root = fileURLToPath(new URL('public', import.meta.url));
app.use(express.static(root));
app.use('/api', (request, response) => response.status(404).json({ error: 'not_found' }));
// Every other path is one of the app's own.
app.get('/{*path}', (request, response) => response.sendFile('index.html', { root }));

app.use((error, request, response, next) => {
  if (response.headersSent) return next(error);
  if (error instanceof sessions.SignedOut) return response.status(401).json({ error: 'signed_out' });
  const isUnavailable = error instanceof sessions.Unavailable || isOutage(error);
  const status = isUnavailable ? 503 : error.status >= 400 && error.status < 500 ? error.status : 500;
  if (status === 503) response.set('Retry-After', '5');
  if (status === 500) console.error(error);
  if (isOutage(error)) console.warn(`not reached: ${error.message} ${error.cause?.message ?? ''}`);
  if (request.path === '/login' || request.path === '/callback') return sorry(response, status, 'The server cannot be reached at the moment.');
  response.status(status).json({ error: isUnavailable ? 'temporarily_unavailable' : 'failed' });
});

app.listen(settings.PORT, 'localhost', (error) => {
  if (error) throw error;
  console.log(`The app is at ${settings.APP_URL}`);
});

/** What was begun in this browser. */
function readBegun(request) {
  try {
    const begun = JSON.parse(Buffer.from(sessions.readCookie(request, LOGIN) ?? '', 'base64url'));
    return begun.state && begun.nonce && begun.verifier && begun;
  } catch {
    return undefined;
  }
}

/** An address of ours: this path, or `/` for what would lead elsewhere. A whole URL, as `//other.example` is a path of one. */
function localUrl(path) {
  const home = new URL('/', settings.APP_URL);
  if (typeof path !== 'string' || path.length > 1000 || !URL.canParse(path, home)) return home.href;
  const url = new URL(path, home);
  return url.origin === home.origin ? url.href : home.href;
}

function sorry(response, status, text) {
  response.status(status).send(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Notes</title>
<link rel="stylesheet" href="/style.css"><main><h1>Notes</h1><p id="problem">${text}</p><p><a href="/">Back to the app</a></p></main></html>`);
}
