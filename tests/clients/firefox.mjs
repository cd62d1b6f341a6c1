// Firefox walks the way of a first hour: registration by the letter's link, consent, the account page, sign-out, sign-in again. The
// issuer is http://localhost:<port>: its cookies have plain names of this port, are not Secure, and are kept nonetheless. The headers of
// every page are checked.
// Settings: issuer, letters (folder of the SMTP server), client_id (a public client), redirect_uri (http://localhost:<port>/<path>, this
// script listens there).
import { listen, settings, step } from './environment.mjs';
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { consent, launchFirefox, newPage, pageData, screenshot, signIn, signOut, submit, watch } from './browser.mjs';

const input = settings('issuer', 'letters', 'client_id', 'redirect_uri');
const issuer = input.issuer.replace(/\/$/, '');
const person = { email: 'yves@example.com', username: 'yves', password: 'the moon over the harbour' };
const received = [];
const app = await listen(input.redirect_uri, (request, response) => {
  const { searchParams } = new URL(request.url, input.redirect_uri);
  if (searchParams.has('state')) received.push(Object.fromEntries(searchParams));
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.end('<!doctype html><html lang="en"><title>Client</title><p id="arrived">Back at the client.</p></html>');
});

/** A request for a code; asks for nothing that was allowed before. */
function authorization(changes = {}) {
  const url = new URL(`${issuer}/authorize`);
  url.search = new URLSearchParams({
    client_id: input.client_id,
    redirect_uri: input.redirect_uri,
    response_type: 'code',
    scope: 'openid profile',
    code_challenge: createHash('sha256').update(randomBytes(32).toString('base64url')).digest('base64url'),
    code_challenge_method: 'S256',
    state: randomBytes(8).toString('hex'),
    ...changes,
  });
  return url;
}

/** What the client received for this request. */
async function arrival(page, request) {
  await page.locator('#arrived').waitFor();
  const answer = received.pop();
  assert.equal(answer.state, request.searchParams.get('state'));
  assert.equal(answer.iss, input.issuer);
  return answer;
}

/** The link of the only letter. */
async function link() {
  for (let tries = 0; tries < 400; tries += 1) {
    const name = readdirSync(input.letters).find((one) => one.endsWith('.json'));
    if (name) return /^http:\S+$/m.exec(JSON.parse(readFileSync(join(input.letters, name), 'utf8')).text)[0];
    await new Promise((done) => setTimeout(done, 50));
  }
  return assert.fail('no letter came');
}

const browser = await launchFirefox();
const page = await newPage(browser);
const checked = watch(page, input.issuer);
try {
  const first = authorization();
  await page.goto(first.href);
  await page.locator('a[href*="/register"]').click();
  await page.locator('input[name="email"]').fill(person.email);
  await submit(page, () => page.locator('input[name="email"]').press('Enter'));
  await page.goto(await link());
  assert.equal(new URL(page.url()).search, '', 'the link does not stay in the address');
  await page.locator('input[name="username"]').fill(person.username);
  await page.locator('input[name="new_password"]').fill(person.password);
  await page.locator('button[data-shows="new_password"]').click();
  assert.equal(await page.locator('input[name="new_password"]').getAttribute('type'), 'text', 'the scripts of the page run');
  await submit(page, () => page.locator('input[name="new_password"]').press('Enter'));
  assert.equal(await pageData(page, 'page'), 'consent', 'the link leads on to the app');
  await consent(page, 'allow');
  assert.match((await arrival(page, first)).code, /^sym_ac_/);
  step('registered, signed in and back at the app');

  const cookies = await page.context().cookies(issuer);
  assert.ok(cookies.length >= 2, `kept: ${cookies.map(({ name }) => name)}`);
  for (const { name, secure, httpOnly, sameSite } of cookies) {
    assert.match(name, /^symbolon_\w+_[0-9a-f]{10}$/, 'a plain name of this issuer');
    assert.deepEqual({ secure, httpOnly }, { secure: false, httpOnly: true }, name);
    assert.match(sameSite, /^(Lax|Strict)$/, name);
  }
  step(`cookies: ${cookies.map(({ name }) => name).join(', ')}`);

  await page.goto(`${issuer}/account`);
  assert.equal(await pageData(page, 'page'), 'account');
  const text = await page.locator('main').innerText();
  assert.match(text, /Firefox/, 'this browser is on the page');
  assert.doesNotMatch(text, /\d\d:\d\d UTC/, 'times are of the browser');
  await screenshot(page, 'firefox-account');
  await page.locator('a[href*="/account/grants/"]').first().click();
  assert.equal(await pageData(page, 'page'), 'timeline');

  await page.goto(`${issuer}/logout`);
  assert.equal((await signOut(page)).status(), 303);
  const silent = authorization({ prompt: 'none' });
  await page.goto(silent.href);
  assert.equal((await arrival(page, silent)).error, 'login_required', 'the session is over');
  step('account, its history, signed out');

  const again = authorization();
  await page.goto(again.href);
  assert.equal((await signIn(page, { ...person, password: 'not the password' })).status(), 401);
  assert.equal(await pageData(page, 'problem'), 'wrong-name-or-password');
  await signIn(page, person);
  if ((await pageData(page, 'page').catch(() => '')) === 'consent') await consent(page, 'allow');
  assert.match((await arrival(page, again)).code, /^sym_ac_/);
  step(`signed in again (${await checked()} pages)`);
} catch (error) {
  await screenshot(page, 'failed-firefox');
  throw new Error(`at ${page.url()}: ${error.message}`, { cause: error });
} finally {
  await browser.close();
  app.close();
}
