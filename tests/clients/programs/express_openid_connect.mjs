// express-openid-connect: sign-in, `req.oidc.user` from the ID token, userinfo, refresh, RP-initiated logout.
import { Visitor, assert, done, input, port, printed, run, step } from './program.mjs';
import express from 'express';
import { createRequire } from 'node:module';

const { auth } = createRequire(import.meta.url)('express-openid-connect');
const app = express();
process.env.SECRET = 'a long random string of the program'; // for its cookies
run(printed(), { app, auth });
app.get('/', (request, response) => response.json(request.oidc.user));
app.get('/userinfo', async (request, response) => response.json(await request.oidc.fetchUserInfo()));
app.get('/refresh', async (request, response) => {
  const before = request.oidc.accessToken.access_token;
  const { access_token: after } = await request.oidc.accessToken.refresh();
  response.json({ renewed: after !== before, user: request.oidc.user, userinfo: await request.oidc.fetchUserInfo() });
});
app.listen(port);

const visitor = new Visitor();
const user = JSON.parse((await visitor.signIn('/')).text);
assert.equal(user.name, 'alice Example');
assert.equal(user.email, 'alice@example.com');
step(`signed in as ${user.name}`);

assert.equal((await visitor.program.json('/userinfo')).email, 'alice@example.com');
const refreshed = await visitor.program.json('/refresh');
assert.ok(refreshed.renewed, 'a fresh access token');
assert.equal(refreshed.user.name, 'alice Example', 'what the app knows after a refresh');
assert.equal(refreshed.userinfo.sub, user.sub);
step('refreshed');

const logout = await visitor.program.open(`${input.url}/logout`);
assert.equal(logout.pathname, '/logout');
const back = await visitor.server.open(logout);
assert.equal(back.href, input.url + (back.href.endsWith('/') ? '/' : ''), 'where signing out leads');
const again = await visitor.server.open(await visitor.program.open(input.url));
assert.match(again.text, /name="password"/, 'the server asks to sign in again');
step('signed out at the server');
done();
