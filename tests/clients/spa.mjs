// A real single-page app in headless Chromium: oidc-client-ts signs a person in by redirect, calls userinfo across origins,
// renews by refresh token; after sign-out at the server, renewal fails. Serves the app of spa/ at the origin of redirect_uri.
// Settings: issuer, client_id, redirect_uri (http://localhost:<port>/callback, registered), username, password; optional: scope
// (default "openid profile email"; without offline_access, so that tokens end with the browser session).
import { listen, settings, step } from './environment.mjs';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { consent, launch, look, newPage, screenshot, signIn, signOut, watch } from './browser.mjs';

const input = settings('issuer', 'client_id', 'redirect_uri', 'username', 'password');
const { origin, pathname: callback } = new URL(input.redirect_uri);
const read = (path) => readFileSync(fileURLToPath(new URL(path, import.meta.url)));
const page = ['text/html; charset=utf-8', read('spa/index.html')];
const files = {
  '/': page,
  [callback]: page,
  '/app.js': ['text/javascript', read('spa/app.js')],
  '/oidc-client-ts.js': ['text/javascript', read('node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js')],
  '/settings.json': [
    'application/json',
    JSON.stringify({
      authority: input.issuer,
      client_id: input.client_id,
      redirect_uri: input.redirect_uri,
      scope: input.scope ?? 'openid profile email',
    }),
  ],
};
const server = await listen(input.redirect_uri, (request, response) => {
  const [type, content] = files[new URL(request.url, origin).pathname] ?? [];
  response.writeHead(content ? 200 : 404, { 'content-type': type ?? 'text/plain' });
  response.end(content);
});

/** Presses the app's button and waits for the action's end; `outcome` is what #last must say. Returns the result. */
async function press(tab, name, outcome = name) {
  await tab.locator(`#${name}`).click();
  return result(tab, outcome);
}

async function result(tab, outcome) {
  await tab.waitForFunction(() => /^(?!.*(running|starting))/.test(document.querySelector('#last')?.textContent ?? 'starting'));
  const text = await tab.locator('#result').textContent();
  assert.equal(await tab.locator('#last').textContent(), outcome, text);
  return JSON.parse(text);
}

const browser = await launch();
const tab = await newPage(browser);
const checked = watch(tab, input.issuer);
try {
  await tab.goto(origin);
  assert.equal(await result(tab, 'start'), null, 'nobody is signed in at first');
  await look(tab, 'spa-signed-out');
  await tab.locator('#sign-in').click();
  await tab.locator('input[name="password"]').waitFor();
  await look(tab, 'spa-sign-in-page');
  await signIn(tab, input);
  await tab.locator('button[name="decision"]').first().waitFor();
  await look(tab, 'spa-consent-page');
  await consent(tab, 'allow');
  const user = await result(tab, 'start');
  assert.ok(user.access_token && user.id_token, 'access token and ID token');
  assert.ok(user.refresh_token, 'refresh token');
  assert.equal(user.profile.iss, input.issuer);
  await look(tab, 'spa-signed-in');
  step(`signed in as ${user.profile.sub}`);

  const info = await press(tab, 'user-info');
  assert.equal(info.status, 200);
  assert.equal(info.claims.sub, user.profile.sub);
  step('userinfo across origins');

  const renewed = await press(tab, 'renew');
  assert.notEqual(renewed.access_token, user.access_token, 'a fresh access token');
  assert.notEqual(renewed.refresh_token, user.refresh_token, 'a rotated refresh token');
  assert.equal(renewed.profile.sub, user.profile.sub);
  assert.equal((await press(tab, 'user-info')).status, 200);
  step('renewed silently, by refresh token');

  await tab.reload();
  assert.equal((await result(tab, 'start')).refresh_token, renewed.refresh_token, 'the app survives a reload');
  await tab.goto(`${input.issuer.replace(/\/$/, '')}/logout`);
  await look(tab, 'spa-sign-out-page');
  await signOut(tab);
  await look(tab, 'spa-signed-out-page');
  step('signed out at the server');

  await tab.goto(origin);
  await result(tab, 'start');
  const failure = await press(tab, 'renew', 'renew failed');
  assert.equal(failure.error, 'invalid_grant', JSON.stringify(failure));
  await look(tab, 'spa-renewal-refused');
  assert.ok((await checked()) >= 4, 'the headers of the pages were checked');
  step('renewal is refused: invalid_grant');
} catch (error) {
  await screenshot(tab, 'failed-spa');
  throw new Error(`at ${tab.url()}: ${error.message}`, { cause: error });
} finally {
  await browser.close();
  server.close();
  server.closeAllConnections?.();
}
