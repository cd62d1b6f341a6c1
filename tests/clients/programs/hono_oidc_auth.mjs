// @hono/oidc-auth: the e-mail address from the ID token, refresh, revocation at sign-out; and without `OIDC_SCOPES`, when it asks for
// every scope of the discovery document.
import { Visitor, assert, done, input, port, printed, setVariables, step } from './program.mjs';
import { serve } from '@hono/node-server';
import { getAuth, oidcAuthMiddleware, processOAuthCallback, revokeSession } from '@hono/oidc-auth';
import { Hono } from 'hono';

setVariables(printed());
process.env.OIDC_AUTH_SECRET ??= 'a secret of the program, which is long';
// It is due at once: every request refreshes.
process.env.OIDC_AUTH_REFRESH_INTERVAL = '-1';
const app = new Hono();
app.onError((error, context) => context.text(String(error.stack), 500));
app.get('/logout', async (context) => {
  await revokeSession(context);
  return context.text('signed out');
});
app.get('/callback', (context) => processOAuthCallback(context));
app.use('*', oidcAuthMiddleware());
app.get('/', async (context) => context.json(await getAuth(context)));
serve({ fetch: app.fetch, port });

const visitor = new Visitor();
const signedIn = JSON.parse((await visitor.signIn('/')).text);
assert.equal(signedIn.email, 'alice@example.com');
assert.ok(signedIn.rtk, 'a refresh token');
step(`signed in as ${signedIn.email}`);

const refreshed = await visitor.program.json('/');
assert.equal(refreshed.email, 'alice@example.com');
assert.notEqual(refreshed.rtk, signedIn.rtk, 'the refresh token is rotated');
step('refreshed');

assert.equal((await visitor.program.open(`${input.url}/logout`)).status, 200);
assert.ok((await visitor.program.open(input.url)) instanceof URL, 'the next request leads to the server');
step('signed out, and the refresh token is revoked');

process.env.OIDC_SCOPES = '';
const unasked = JSON.parse((await new Visitor().signIn('/')).text);
assert.equal(unasked.email, 'alice@example.com');
step('signed in with every scope that there is');
done();
