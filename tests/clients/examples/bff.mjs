// A backend for a frontend of examples/ in Chromium, with Symbolon and an API: signing in and out, notes, denial, and a sign-out at
// Symbolon of which the app hears by back-channel.
// Settings: issuer, url (of the app), username, password.
import { settings, step } from '../environment.mjs';
import assert from 'node:assert/strict';
import { consent, launch, look, newPage, screenshot, signIn, signOut } from '../browser.mjs';

const input = settings('issuer', 'url', 'username', 'password');
const browser = await launch();
const tab = await newPage(browser);
const complaints = [];
tab.on('console', (message) => /Content Security Policy|Refused to/i.test(message.text()) && complaints.push(message.text()));
tab.on('dialog', (dialog) => complaints.push(`a dialog: ${dialog.message()}`));
tab.on('pageerror', (error) => complaints.push(`${error}`));

const ready = () => tab.locator('body[data-ready]').waitFor();
const open = async (path) => (await tab.goto(input.url + path), await ready());

async function signInAt(path, decision) {
  await open(path);
  await tab.locator('#sign-in').click();
  await tab.locator('input[name="password"], button[name="decision"], #name:visible').first().waitFor();
  if (await tab.locator('input[name="password"]').isVisible()) await signIn(tab, input);
  await tab.locator('button[name="decision"], #name:visible, #problem').first().waitFor();
  if (await tab.locator('button[name="decision"]').first().isVisible()) await consent(tab, decision);
}

try {
  await open('/');
  await look(tab, 'example-bff-signed-out');
  await signInAt('/archive?year=2026', 'deny');
  await tab.locator('#problem', { hasText: 'not allowed' }).waitFor();
  await look(tab, 'example-bff-denied');
  step('says that it was denied');

  await signInAt('/archive?year=2026', 'allow');
  await tab.locator('#name:visible').waitFor();
  assert.equal(tab.url().replace(/#$/, ''), `${input.url}/archive?year=2026`, 'back where it began');
  assert.equal(await tab.locator('#name').textContent(), 'alice Example');
  const cookies = (await tab.context().cookies(input.url)).filter(({ name }) => name.startsWith('__Host-notes'));
  assert.equal(cookies.length, 1);
  const [{ httpOnly, secure, sameSite, path }] = cookies;
  assert.deepEqual({ httpOnly, secure, sameSite, path }, { httpOnly: true, secure: true, sameSite: 'Strict', path: '/' });
  assert.deepEqual(await tab.evaluate(() => [document.cookie, localStorage.length, sessionStorage.length]), ['', 0, 0], 'nothing for a script to read');
  await tab.locator('#text').fill('<img src=x onerror=alert(1)>');
  await tab.locator('#add button').click();
  await tab.locator('#notes li').waitFor();
  assert.deepEqual(await tab.locator('#notes li').allTextContents(), ['<img src=x onerror=alert(1)>']);
  await look(tab, 'example-bff-notes');
  await tab.reload();
  await tab.locator('#notes li').waitFor();
  step('signed in, and added a note');

  await tab.locator('#sign-out').click();
  await tab.locator('#signed-out:visible').waitFor();
  assert.equal(new URL(tab.url()).pathname, '/');
  await tab.goto(`${input.issuer}/account`);
  await tab.locator('input[name="password"]').waitFor();
  step('signed out in the app, and at the server');

  await signInAt('/', 'allow');
  await tab.locator('#notes li').waitFor();
  const other = await tab.context().newPage();
  await other.goto(`${input.issuer}/logout`);
  await signOut(other);
  await other.close();
  for (let tries = 0; !(await tab.locator('#signed-out').isVisible()); tries += 1) {
    assert.ok(tries < 50, 'the app hears of it');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await tab.locator('#reload').evaluate((button) => button.click());
  }
  step('signed out at the server, and so in the app');
  assert.deepEqual(complaints, []);
} catch (error) {
  await screenshot(tab, 'failed-example-bff');
  throw new Error(`at ${tab.url()}: ${error.message}\n${complaints.join('\n')}`, { cause: error });
} finally {
  await browser.close();
}
