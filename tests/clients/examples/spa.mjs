// The example `spa` in Chromium: signing in and out, notes, one tab that refreshes for all, what ends a session and what does not.
// Settings: issuer, url (of the app), username, password.
import { settings, step } from '../environment.mjs';
import assert from 'node:assert/strict';
import { consent, launch, look, newPage, screenshot, signIn, signOut } from '../browser.mjs';

const input = settings('issuer', 'url', 'username', 'password');
const browser = await launch();
const tab = await newPage(browser);
const context = tab.context();
const complaints = [];
let refreshes = 0;
context.on('request', (request) => {
  if (request.url() === `${input.issuer}/token` && request.postData()?.includes('grant_type=refresh_token')) refreshes += 1;
});
context.on('page', listenTo);
listenTo(tab);

function listenTo(page) {
  page.on('console', (message) => /Content Security Policy|Refused to/i.test(message.text()) && complaints.push(message.text()));
  page.on('dialog', (dialog) => complaints.push(`a dialog: ${dialog.message()}`));
  page.on('pageerror', (error) => complaints.push(`${error}`));
}

const ready = (page) => page.locator('body[data-ready]').waitFor();
const open = async (page, path = '/') => (await page.goto(input.url + path), await ready(page));
const says = async (page, text) => page.locator('#message', { hasText: text }).waitFor();
const notes = (page) => page.locator('#notes li').allTextContents();
const isSignedIn = (page) => page.locator('#signed-in').isVisible();

/** Presses Reload, and waits until the API has answered, or the page has said something. */
async function reload(page) {
  await page.locator('#notes').evaluate((list) => list.replaceChildren());
  await page.locator('#reload').dispatchEvent('click'); // also in a tab behind others
  await page.locator('#notes li').or(page.locator('#message:not(:empty)')).first().waitFor();
}

/** Changes what the app knows of when its token ends. */
const expiresIn = (page, seconds) =>
  page.evaluate((seconds) => {
    const name = Object.keys(localStorage).find((name) => name.startsWith('oidc.user:'));
    const user = JSON.parse(localStorage[name]);
    user.expires_at = Math.floor(Date.now() / 1000) + seconds;
    user.profile.iat = user.expires_at - 600;
    localStorage[name] = JSON.stringify(user);
  }, seconds);

async function signInAt(page, path, decision = 'allow') {
  await open(page, path);
  await page.locator('#sign-in').click();
  await page.locator('input[name="password"], button[name="decision"]').first().waitFor();
  if (await page.locator('input[name="password"]').isVisible()) await signIn(page, input);
  if (await page.locator('button[name="decision"]').first().isVisible()) await consent(page, decision);
  await ready(page);
}

try {
  await open(tab);
  await look(tab, 'example-spa-signed-out');
  await signInAt(tab, '/archive?year=2026', 'deny');
  await says(tab, 'not allowed');
  assert.equal(await isSignedIn(tab), false);
  await look(tab, 'example-spa-denied');
  step('says that it was denied');

  for (const query of ['?error=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&error_description=%3Cb%20id%3Dinjected%3E&state=x', '?code=stolen&state=other', '']) {
    await open(tab, `/callback${query}`);
    await says(tab, 'did not work');
    assert.equal(await tab.locator('#injected, #message *').count(), 0, 'text is text');
    assert.equal(await isSignedIn(tab), false, 'nobody is signed in by a link');
  }
  step('signs nobody in that did not begin here');

  await signInAt(tab, '/archive?year=2026');
  assert.equal(tab.url(), `${input.url}/archive?year=2026`, 'back where it began, without the code');
  assert.equal(await tab.locator('#name').textContent(), 'alice Example');
  await tab.locator('#text').fill('<img src=x onerror=alert(1)>');
  await tab.locator('#add button').click();
  await tab.locator('#notes li').waitFor();
  assert.deepEqual(await notes(tab), ['<img src=x onerror=alert(1)>']);
  await look(tab, 'example-spa-notes');
  step('signed in, and added a note');

  const others = await Promise.all([1, 2, 3].map(() => context.newPage()));
  for (const other of others) await open(other);
  assert.ok(await isSignedIn(others[0]), 'another tab is signed in');
  const tabs = [tab, ...others];
  assert.equal(refreshes, 0);
  await expiresIn(tab, 5);
  await Promise.all(tabs.map(reload));
  for (const each of tabs) assert.deepEqual(await notes(each), ['<img src=x onerror=alert(1)>']);
  assert.equal(refreshes, 1, 'one tab refreshes for all');
  step('one of four tabs refreshed for all');

  await context.route('**/token', (route) => route.abort());
  await expiresIn(tab, 5);
  await reload(tab);
  assert.equal((await notes(tab)).length, 1, 'the token at hand is good');
  await expiresIn(tab, -5);
  await reload(tab);
  await says(tab, 'cannot be reached');
  await context.unroute('**/token');
  await context.route('**/token', (route) => route.fulfill({ status: 503, json: { error: 'temporarily_unavailable' } }));
  await reload(tab);
  await says(tab, 'cannot be reached');
  assert.ok(await isSignedIn(tab), 'nothing has ended');
  await context.unroute('**/token');
  await reload(tab);
  assert.equal((await notes(tab)).length, 1);
  step('a failed refresh ends nothing');

  const idle = await context.newPage();
  await idle.clock.install();
  await open(idle);
  const before = refreshes;
  const refreshed = idle.waitForResponse(`${input.issuer}/token`);
  await idle.clock.fastForward('09:30');
  await refreshed;
  assert.equal(refreshes, before + 1, 'refreshes before the end while nobody does anything');
  await idle.close();
  step('refreshes by the clock');

  // Every tab has the same clock.
  const later = await context.newPage();
  await later.clock.install();
  await open(later);
  await expiresIn(later, 600);
  await open(later);
  await context.route('**/token', (route) => route.abort());
  const failed = later.waitForEvent('requestfailed');
  await later.clock.fastForward('09:05'); // some time before the end, so that the token at hand is good
  await failed;
  await reload(later);
  await context.unroute('**/token');
  const again = context.waitForEvent('response', (response) => response.url() === `${input.issuer}/token`);
  await later.clock.fastForward('00:31');
  await again;
  await later.close();
  step('tries again in the background after a failure');

  const hanging = await context.newPage();
  await hanging.clock.install();
  await open(hanging);
  const metadata = `${input.issuer}/.well-known/openid-configuration`;
  await context.route(metadata, () => {});
  const hung = hanging.waitForRequest(metadata);
  await expiresIn(hanging, -5);
  await hanging.locator('#reload').dispatchEvent('click');
  await hung;
  await hanging.clock.fastForward('00:11');
  await says(hanging, 'cannot be reached');
  await context.unroute(metadata);
  await hanging.close();
  step('a request that hangs keeps nobody from refreshing for long');

  // Its answer comes after the sign-out has begun.
  let release;
  const released = new Promise((resolve) => (release = resolve));
  await context.route('**/token', async (route) => {
    const response = await route.fetch();
    await released;
    await route.fulfill({ response });
  });
  await expiresIn(others[0], 5);
  const underWay = others[0].waitForRequest(`${input.issuer}/token`);
  await others[0].locator('#reload').dispatchEvent('click');
  await underWay;
  await tab.locator('#sign-out').dispatchEvent('click');
  await new Promise((resolve) => setTimeout(resolve, 300));
  const answered = others[0].waitForResponse(`${input.issuer}/token`);
  release();
  await (await answered).finished();
  await new Promise((resolve) => setTimeout(resolve, 300)); // until the other tab has stored it
  await tab.waitForURL((url) => url.origin === input.url);
  await ready(tab);
  await tab.locator('#signed-out').waitFor();
  for (const other of others) await other.locator('#signed-out').waitFor();
  assert.equal(await tab.evaluate(() => Object.keys(localStorage).length), 0, 'nor is what another tab was refreshing kept');
  await context.unroute('**/token');
  await tab.goto(`${input.issuer}/account`);
  await tab.locator('input[name="password"]').waitFor();
  step('signed out in every tab, and at the server');

  await signInAt(tab, '/');
  await tab.locator('#notes li').waitFor();
  await others[0].goto(`${input.issuer}/logout`);
  await signOut(others[0]);
  await expiresIn(tab, 5);
  await reload(tab);
  await tab.locator('#signed-out').waitFor();
  await says(tab, 'signed out');
  assert.equal(await tab.evaluate(() => Object.keys(localStorage).length), 0, 'nothing is left');
  step('signed out at the server: invalid_grant ends it');
  assert.deepEqual(complaints, []);
} catch (error) {
  await screenshot(tab, 'failed-example-spa');
  throw new Error(`at ${tab.url()}: ${error.message}\n${complaints.join('\n')}`, { cause: error });
} finally {
  await browser.close();
}
