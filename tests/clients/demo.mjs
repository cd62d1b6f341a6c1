// Chromium walks the running demonstration as a person does: sign-in and consent, decoded tokens, the API, a refresh, a lost answer,
// an automatic refresh, an old refresh token and the death of its family, a forged token, sign-out. Every panel is looked at.
// Settings: username, password, url (of the app; default http://localhost:8081). The demo is started by whoever calls this.
import { settings, step } from './environment.mjs';
import assert from 'node:assert/strict';
import axe from 'axe-core';
import { consent, launch, look, newPage, screenshot, signIn } from './browser.mjs';

const input = settings('username', 'password');
const app = new URL(input.url ?? 'http://localhost:8081').origin;
const scopes = ['openid', 'profile', 'email', 'offline_access', 'notes:read', 'notes:write'];

const browser = await launch();
const page = await newPage(browser);
// Here and not by the page: its Content Security Policy forbids eval.
await page.addInitScript({ content: axe.source });
await page.clock.install();
const complaints = [];
const tokenRequests = [];
page.on('console', (message) => {
  if (/Content Security Policy|Trusted|CORS/i.test(message.text())) complaints.push(message.text());
});
page.on('pageerror', (error) => complaints.push(error.message));
page.on('request', (request) => {
  if (request.method() === 'POST' && new URL(request.url()).pathname.endsWith('/token')) tokenRequests.push(new URLSearchParams(request.postData()));
});

const text = (selector) => page.locator(selector).innerText();
const press = (id) => page.locator(`#${id}`).click();
const json = async (id) => JSON.parse((await page.locator(`#${id}`).textContent()).replace(/(\d,?)  .*$/gm, '$1'));
const generations = () => page.locator('#strip .generation-state').allInnerTexts();
const idle = (id) => page.locator(`#${id}:not([aria-disabled])`).waitFor();
const alert = () => page.locator('#alert').innerText();

/** Waits until the strip shows these states, oldest first. */
async function expectGenerations(...states) {
  await page.waitForFunction((wanted) => {
    const shown = [...document.querySelectorAll('#strip .generation-state')].map((element) => element.textContent);
    return JSON.stringify(shown) === JSON.stringify(wanted);
  }, states).catch(async () => assert.deepEqual(await generations(), states, 'generations of the refresh token'));
}

/** Presses a button that signs in, and agrees where the server asks. */
async function signInAgain(id) {
  await press(id);
  await page.locator('#signed-in, button[name="decision"]').first().waitFor();
  if (!page.url().startsWith(app)) await consent(page, 'allow');
  await page.locator('#signed-in, #alert').filter({ visible: true }).first().waitFor();
  assert.ok(await page.locator('#signed-in').isVisible(), await alert());
}

/** Presses a button of the API panel and returns the status and the answer shown. */
async function callApi(press_) {
  const [answer] = await Promise.all([page.waitForResponse((response) => new URL(response.url()).port !== new URL(app).port && response.request().method() !== 'OPTIONS'), press_()]);
  await page.waitForFunction((status) => document.querySelector('#status').textContent.startsWith(status), String(answer.status()));
  return { status: answer.status(), text: await text('#response'), request: await text('#request') };
}

try {
  await page.goto(app);
  await page.locator('#sign-in').waitFor();
  await look(page, 'demo-welcome');

  await press('sign-in-silently');
  await page.locator('#alert').waitFor();
  assert.match(await alert(), /login_required/, 'prompt=none without a session');
  assert.equal(new URL(page.url()).search, '', 'the answer leaves the address bar');
  await look(page, 'demo-login-required');
  step('prompt=none without a session: login_required');

  await press('sign-in');
  await page.locator('input[name="password"]').waitFor();
  await signIn(page, input);
  await page.locator('button[name="decision"]').first().waitFor();
  await screenshot(page, 'demo-consent');
  await consent(page, 'deny');
  await page.locator('#alert').waitFor();
  assert.match(await alert(), /access_denied/);
  await press('sign-in');
  await page.locator('button[name="decision"]').first().waitFor();
  await consent(page, 'allow');
  await page.locator('#signed-in').waitFor();
  assert.equal(page.url(), `${app}/`, 'the code leaves the address bar');
  await expectGenerations('newest');
  step('denied, then signed in');

  await page.goto(app);
  await press('sign-in-silently');
  await page.locator('#signed-in, #alert').filter({ visible: true }).first().waitFor();
  assert.ok(await page.locator('#signed-in').isVisible(), await alert());
  await expectGenerations('newest');
  step('prompt=none after consent: signed in without a page');

  const { issuer, client_id: client, api } = await page.evaluate(() => fetch('/config.json').then((answer) => answer.json()));
  await page.locator('section.who summary').first().click();
  const identity = await json('id-payload');
  const access = await json('access-payload');
  assert.equal((await json('access-header')).typ, 'at+jwt');
  assert.equal(access.iss, issuer);
  assert.equal(access.client_id, client);
  assert.ok([access.aud].flat().includes(api), `aud of the access token: ${access.aud}`);
  assert.deepEqual(access.scope.split(' ').sort(), [...scopes].sort());
  assert.equal(identity.sub, access.sub);
  assert.equal(identity.aud, client);
  assert.ok(identity.nonce, 'nonce in the ID token');
  assert.equal(identity.email, 'alice@example.com', 'the claims of granted scopes in the ID token');
  await page.locator('#person').waitFor();
  const person = await json('person-claims');
  assert.equal(person.sub, identity.sub, 'userinfo speaks of the person of the ID token');
  const facts = await text('#person-facts');
  for (const shown of [person.name, person.preferred_username, person.email]) assert.ok(shown && facts.includes(shown), `${shown} in: ${facts}`);
  assert.equal(await text('#top-name'), person.name);
  assert.match(await text('#clock-left'), /^\d+:\d\d$/);
  assert.deepEqual(await page.evaluate(() => ({ ...sessionStorage, ...localStorage })), {}, 'nothing is kept after the sign-in');
  assert.equal(tokenRequests[0].get('code_verifier').length, 43);
  await look(page, 'demo-signed-in');
  step(`tokens of ${identity.sub} decoded`);

  assert.equal((await callApi(() => press('whoami'))).status, 200);
  await page.locator('#note').fill('Remember the milk');
  await page.locator('#note').press('Enter');
  await page.locator('#notes li', { hasText: 'Remember the milk' }).waitFor();
  const listed = await callApi(() => press('list-notes'));
  assert.equal(listed.status, 200);
  assert.match(listed.text, /Remember the milk/);
  assert.match(listed.request, /^GET \/notes HTTP\/1\.1/);
  assert.doesNotMatch(listed.request, /eyJ[\w-]{40}/, 'the token is abbreviated');
  const none = await callApi(() => press('no-token'));
  assert.equal(none.status, 401);
  assert.doesNotMatch(none.text, /error="/, 'no error code when nothing was sent (RFC 6750 3.1)');
  const forged = await callApi(() => press('forged'));
  assert.equal(forged.status, 401);
  assert.match(forged.text, /error="invalid_token"/);
  await look(page, 'demo-api');
  step('API: notes added and listed, no token and a forged one refused');

  await press('refresh');
  await expectGenerations('spent', 'newest');
  assert.notEqual((await json('access-payload')).jti, access.jti, 'a fresh access token');
  step('refreshed');

  await idle('lose-answer');
  await press('lose-answer');
  await expectGenerations('spent', 'spent', 'newest');
  await page.locator('#log .step').nth(1).waitFor();
  assert.match(await text('#log'), /The same new refresh token came back/);
  const [first, second] = tokenRequests.slice(-2);
  assert.equal(first.get('refresh_token'), second.get('refresh_token'), 'the same token was presented twice');
  await look(page, 'demo-lost-answer');
  step('lost an answer, got the same successor');

  const plan = await page.locator('#clock-plan time').getAttribute('datetime');
  const before = Number(/(\d+) s before/.exec(await text('#clock-plan'))[1]);
  assert.ok(before >= 60 && before <= 90, `planned ${before} s before the end`);
  const requests = tokenRequests.length;
  const wait = Date.parse(plan) - (await page.evaluate(() => Date.now()));
  await page.clock.fastForward(Math.max(0, wait - 3000));
  assert.equal(tokenRequests.length, requests, 'no refresh before its planned moment');
  await page.clock.fastForward(4000);
  await expectGenerations('spent', 'spent', 'spent', 'newest');
  assert.match(await text('#clock-plan'), /Refreshed automatically/);
  step(`refreshed by itself, ${before} s before the end`);

  await page.route('**/token', (route) => route.abort());
  await page.clock.fastForward('10:00');
  await page.locator('#alert').waitFor();
  assert.match(await alert(), /no_answer/);
  assert.match(await text('#clock-plan'), /Next attempt at/);
  await page.unroute('**/token');
  await page.clock.fastForward('00:20');
  await expectGenerations('spent', 'spent', 'spent', 'spent', 'newest');
  step('no answer at the planned moment: tried again and refreshed');

  await press('present-old');
  await page.locator('#dead').waitFor();
  await expectGenerations('dead', 'dead', 'dead', 'dead', 'dead');
  const log = await text('#log');
  assert.match(log, /treats it as stolen/);
  assert.match(log, /The newest token is rejected as well/);
  assert.equal(log.match(/"invalid_grant"/g).length, 2, log);
  assert.equal(log.match(/error_description/g).length, 2, log);
  assert.equal(await page.locator('#refresh').getAttribute('aria-disabled'), 'true');
  assert.equal((await callApi(() => press('whoami'))).status, 200, 'the access token lives to its own end');
  await look(page, 'demo-family-dead');
  step('an old refresh token: the family is dead');

  // New pages: the clock is right again, as the checks of the ID token need it.
  await page.clock.setSystemTime(new Date());
  await signInAgain('sign-in-again');
  await idle('present-old');
  await press('present-old');
  await page.locator('#dead').waitFor();
  await expectGenerations('dead', 'dead', 'dead');
  assert.match(await text('#log'), /Refreshed first/);
  step('signed in again; a young family dies the same way');

  await page.reload();
  await page.locator('#welcome').waitFor();
  step('a reload forgets the tokens');

  const redeemed = tokenRequests.length;
  await page.goto(`${app}/callback?code=stray&state=stray&iss=${encodeURIComponent(issuer)}`);
  await page.locator('#alert').waitFor();
  assert.match(await alert(), /unknown_answer/);
  // The server would answer at once: the user has consented.
  const authorize = (url) => url.pathname === '/authorize';
  await page.route(authorize, (route) => route.fulfill({ contentType: 'text/html', body: '<title>Waiting</title>' }));
  for (const [code, answer] of [['wrong_state', { state: 'other', iss: issuer }], ['wrong_issuer', { iss: 'https://other.example.com' }]]) {
    const request = page.waitForRequest((one) => one.isNavigationRequest() && new URL(one.url()).searchParams.has('state'));
    await press('sign-in');
    const { state } = Object.fromEntries(new URL((await request).url()).searchParams);
    await page.waitForURL((url) => url.origin === new URL(issuer).origin);
    await page.waitForLoadState();
    await page.goto(`${app}/callback?${new URLSearchParams({ code: 'stray', state, ...answer })}`);
    await page.locator('#alert').waitFor();
    assert.match(await alert(), new RegExp(code));
  }
  await page.unroute(authorize);
  assert.equal(tokenRequests.length, redeemed, 'a code from a wrong answer is not redeemed');
  step('stray answer, wrong state, wrong issuer: refused by the app');

  await page.route(`${app}/config.js`, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, body: (await answer.text()).replace(' notes:write', '') });
  });
  await page.goto(app);
  await signInAgain('sign-in');
  await page.locator('#note').fill('Not allowed');
  const narrow = await callApi(() => press('add-note'));
  assert.equal(narrow.status, 403);
  assert.match(narrow.text, /error="insufficient_scope".*scope="notes:write"/s);
  assert.equal((await callApi(() => press('list-notes'))).status, 200);
  step('without notes:write: 403 insufficient_scope');

  await press('sign-out');
  await page.locator('#sign-in').waitFor();
  assert.ok(page.url().startsWith(app), page.url());
  step('signed out at the server, and sent back');
  await press('sign-in-silently');
  await page.locator('#alert').waitFor();
  assert.match(await alert(), /login_required/, 'signed out at the server');
  assert.deepEqual(complaints, [], 'complaints of the browser');
} catch (error) {
  await screenshot(page, 'failed-demo');
  throw new Error(`at ${page.url()}: ${error.message}`, { cause: error });
} finally {
  await browser.close();
}
