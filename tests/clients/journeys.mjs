// Chromium walks an account's whole life as a person does, with a real mailbox: registration, devices, an app and the picture of its
// grant, a new browser, password, address, "this was not me", recovery, the file of one's data, deletion. Every page on the way is
// looked at: phone and desktop, light and dark, axe, the headers. Links come from the letters alone.
// Settings: issuer, letters (folder of the SMTP server), client_id (a public client with offline_access), redirect_uri
// (http://localhost:<port>/<path>, this script listens there).
import { listen, settings, step } from './environment.mjs';
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { consent, launch, look, newPage, pageData, screenshot, submit, tabTo, watch } from './browser.mjs';

const input = settings('issuer', 'letters', 'client_id', 'redirect_uri');
const issuer = input.issuer.replace(/\/$/, '');
const person = { email: 'zoe@example.com', username: 'zoe', name: 'Zoë Example', password: 'the moon over the harbour' };
const codes = [];
const app = await listen(input.redirect_uri, (request, response) => {
  const { searchParams } = new URL(request.url, input.redirect_uri);
  if (searchParams.has('code')) codes.push(searchParams.get('code'));
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.end('<!doctype html><html lang="en"><title>Client</title><p id="arrived">Back at the client.</p></html>');
});

/** The letters to an address so far, oldest first. */
function letters(to) {
  const names = readdirSync(input.letters).filter((name) => name.endsWith('.json')).sort();
  return names.map((name) => JSON.parse(readFileSync(join(input.letters, name), 'utf8'))).filter((letter) => letter.to.includes(to));
}

/** Waits for the next letter to an address that was not read yet, and reads it. */
const read = new Map();
async function letter(to, about) {
  const before = read.get(to) ?? 0;
  for (let tries = 0; tries < 400; tries += 1) {
    const next = letters(to)[before];
    if (next) {
      read.set(to, before + 1);
      assert.match(`${next.subject}\n${next.text}`, about, `the letter to ${to}`);
      return { ...next, link: /^https?:\/\/\S+$/m.exec(next.text)?.[0] };
    }
    await new Promise((done) => setTimeout(done, 50));
  }
  return assert.fail(`no letter ${about} to ${to}`);
}

const form = (path) => `form[action*="${path}"]`;
const send = (page, path) => submit(page, () => page.locator(`${form(path)} button[type="submit"]`).first().click());
const words = (page) => page.locator('main').innerText();

/** Opens a link of a letter; it must not stay in the address. */
async function open(page, link) {
  assert.ok(link?.startsWith(issuer), `a link of ours: ${link?.slice(0, 40)}`);
  await page.goto(link);
  assert.equal(new URL(page.url()).search, '', 'the link does not stay in the address');
  await page.reload(); // looking twice changes nothing
}

async function signIn(page, password, remember = false) {
  await page.goto(`${issuer}/login`);
  await page.locator('input[name="username"]').fill(person.username);
  await page.locator('input[name="password"]').fill(password);
  if (remember) await page.locator('input[name="remember"]').check();
  return submit(page, () => page.locator('input[name="password"]').press('Enter'));
}

async function walk(title, page, run) {
  const checked = watch(page, input.issuer);
  const complaints = [];
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) complaints.push(message.text());
  });
  try {
    await run(page);
    const pages = await checked();
    assert.deepEqual(complaints, [], 'Content Security Policy violations');
    step(`${title} (${pages} pages)`);
  } catch (error) {
    await screenshot(page, `failed-${title.replace(/\W+/g, '-')}`);
    throw new Error(`${title}, at ${page.url()}: ${error.message}`, { cause: error });
  } finally {
    page.removeAllListeners('response');
    page.removeAllListeners('console');
  }
}

const browser = await launch();
try {
  const laptop = await newPage(browser);
  const phone = await newPage(browser, { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });

  await walk('registration', laptop, async (page) => {
    await page.goto(`${issuer}/login`);
    await look(page, 'journey-login');
    await page.locator('a[href*="/register"]').click();
    await look(page, 'journey-register');
    await page.locator('input[name="email"]').fill(person.email);
    assert.equal((await send(page, '/register')).status(), 303);
    assert.match(await words(page), /zoe@example\.com/);
    await look(page, 'journey-register-sent');
    const { link } = await letter(person.email, /account|regist/i);
    await open(page, link);
    await look(page, 'journey-register-finish');
    await page.locator('input[name="username"]').fill(person.username);
    await page.locator('input[name="display_name"]').fill(person.name);
    await page.locator('input[name="new_password"]').fill('zoezoezoezoezoezoe');
    assert.ok((await send(page, '/register/finish')).status() >= 400, 'a password of her own name');
    assert.equal(await page.locator('input[name="username"]').inputValue(), person.username, 'what was typed is kept');
    await look(page, 'journey-register-flaw');
    await page.locator('input[name="new_password"]').fill(person.password);
    assert.equal((await send(page, '/register/finish')).status(), 303);
    assert.equal(await pageData(page, 'state'), 'signed-in', 'the link and the new password sign her in');
    await look(page, 'journey-registered');
    await page.goto(link);
    assert.equal(await pageData(page, 'problem'), 'used', 'the link works once');
    await look(page, 'journey-link-used');
  });

  await walk('the same address again: the same answer, another letter', phone, async (page) => {
    await page.goto(`${issuer}/register`);
    await page.locator('input[name="email"]').fill(person.email);
    assert.equal((await send(page, '/register')).status(), 303);
    const { link } = await letter(person.email, /already/i);
    assert.equal(link?.includes('link='), undefined === link ? undefined : false, 'no link that makes an account');
  });

  await walk('signed in and remembered; by keyboard', laptop, async (page) => {
    await page.goto(`${issuer}/login`);
    await tabTo(page, 'input[name="username"]');
    await page.keyboard.type(person.username);
    await tabTo(page, 'input[name="password"]');
    await page.keyboard.type(person.password);
    await tabTo(page, 'input[name="remember"]');
    await page.keyboard.press('Space');
    await tabTo(page, 'form button[type="submit"]');
    await submit(page, () => page.keyboard.press('Enter'));
    const session = (await page.context().cookies(issuer)).find(({ name }) => /symbolon_session/.test(name));
    assert.ok(session.expires > Date.now() / 1000 + 20 * 86_400, `the session outlives the window: ${session.expires}`);
    await page.goto(`${issuer}/account`);
    await look(page, 'journey-account');
  });

  const verifier = randomBytes(32).toString('base64url');
  const authorization = new URL(`${issuer}/authorize`);
  authorization.search = new URLSearchParams({
    client_id: input.client_id,
    redirect_uri: input.redirect_uri,
    response_type: 'code',
    scope: 'openid offline_access',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    state: 'journey',
  });
  const token = async (fields) => {
    const answer = await fetch(`${issuer}/token`, { method: 'POST', body: new URLSearchParams({ client_id: input.client_id, ...fields }) });
    return { status: answer.status, ...(await answer.json()) };
  };
  let refreshed;
  await walk('an app, its devices and the picture of its grant', laptop, async (page) => {
    await page.goto(authorization.href);
    await consent(page, 'allow');
    await page.locator('#arrived').waitFor();
    const first = await token({ grant_type: 'authorization_code', code: codes.pop(), redirect_uri: input.redirect_uri, code_verifier: verifier });
    assert.equal(first.status, 200, JSON.stringify(first));
    refreshed = first;
    for (let times = 0; times < 4; times += 1) {
      refreshed = await token({ grant_type: 'refresh_token', refresh_token: refreshed.refresh_token });
      assert.equal(refreshed.status, 200);
    }
    await page.goto(`${issuer}/account`);
    await page.locator('details.rename:has(input[value="grant"]) summary').first().click();
    await page.locator('input[id^="name-grant"]').first().fill('work laptop');
    assert.equal((await submit(page, () => page.locator('input[id^="name-grant"]').first().press('Enter'))).status(), 303);
    assert.match(await words(page), /work laptop/);
    await look(page, 'journey-account-app');
    await page.locator('a[href*="/account/grants/"]').first().click();
    assert.match(await words(page), /refresh/i);
    await look(page, 'journey-timeline');
  });

  await walk('a new browser: she is told, sees it, and ends it', phone, async (page) => {
    assert.equal((await signIn(page, person.password)).status(), 303);
    const told = await letter(person.email, /new|sign/i);
    assert.ok(told.link?.includes('/not-me'), 'a link to say that it was not her');
    await page.goto(`${issuer}/account`);
    await look(page, 'journey-account-phone');
    await laptop.goto(`${issuer}/account`);
    assert.equal((await submit(laptop, () => laptop.locator('form[action$="/account/end"]:has(input[value="session"]) button[type="submit"]').first().click())).status(), 303);
    await look(laptop, 'journey-account-ended');
    await page.goto(`${issuer}/account`);
    assert.match(page.url(), /\/login/, 'the phone is signed out at once');
  });

  await walk('an old token comes again', laptop, async (page) => {
    const stale = refreshed.refresh_token;
    refreshed = await token({ grant_type: 'refresh_token', refresh_token: stale });
    refreshed = await token({ grant_type: 'refresh_token', refresh_token: refreshed.refresh_token });
    const reuse = await token({ grant_type: 'refresh_token', refresh_token: stale });
    assert.equal(reuse.error, 'invalid_grant');
    assert.equal((await token({ grant_type: 'refresh_token', refresh_token: refreshed.refresh_token })).error, 'invalid_grant');
    const told = await letter(person.email, /access to your account .* was ended/i);
    await page.goto(/^https?:\S+\/account\/grants\/\w+$/m.exec(told.text)[0]);
    assert.match(await words(page), /reused|a second time/i, 'the letter leads to what happened');
    await look(page, 'journey-theft');
    await page.goto(`${issuer}/account/activity`);
    await look(page, 'journey-activity');
    await page.locator('a[href*="/account/grants/"]').first().click();
    assert.equal(await pageData(page, 'page'), 'timeline', 'and so does the activity');
  });

  await walk('password and address', laptop, async (page) => {
    await page.goto(`${issuer}/account/password`);
    await look(page, 'journey-password');
    await page.locator('input[name="password"]').fill('not the password at all');
    await page.locator('input[name="new_password"]').fill('a lighthouse made of paper');
    assert.ok((await send(page, '/account/password')).status() >= 400, 'the old one is wrong');
    await look(page, 'journey-password-wrong');
    await page.locator('input[name="password"]').fill(person.password);
    await page.locator('input[name="new_password"]').fill('a lighthouse made of paper');
    assert.equal((await send(page, '/account/password')).status(), 303);
    person.password = 'a lighthouse made of paper';
    await look(page, 'journey-password-changed');
    await letter(person.email, /password/i);

    await page.goto(`${issuer}/account/email`);
    await look(page, 'journey-email');
    await page.locator('input[name="email"]').fill('zoe.new@example.com');
    await page.locator('input[name="password"]').fill(person.password);
    assert.ok((await send(page, '/account/email')).status() < 400);
    await look(page, 'journey-email-sent');
    const { link } = await letter('zoe.new@example.com', /confirm/i);
    await open(page, link);
    await look(page, 'journey-email-confirm');
    await send(page, '/confirm-email');
    await look(page, 'journey-email-confirmed');
    await page.goto(`${issuer}/account/details`);
    await look(page, 'journey-details');
  });

  await walk('"this was not me", by the letter to the old address', phone, async (page) => {
    const { link } = await letter(person.email, /address/i);
    await open(page, link);
    await look(page, 'journey-not-me');
    await send(page, '/not-me');
    assert.match(await words(page), /Chrom/i, 'it says which browsers were ended');
    await look(page, 'journey-everything-ended');
    await laptop.goto(`${issuer}/account`);
    assert.match(laptop.url(), /\/login/, 'the laptop is signed out');
    assert.equal((await signIn(laptop, person.password)).status(), 401, 'the password is gone');
  });

  await walk('recovery, in the browser that asked alone', laptop, async (page) => {
    await page.goto(`${issuer}/login`);
    await page.locator('a[href*="/recover"]').first().click();
    await look(page, 'journey-recover');
    await page.locator('input[name="login"]').fill(person.username);
    assert.equal((await send(page, '/recover')).status(), 303);
    await look(page, 'journey-recover-sent');
    // The old address is hers again.
    const { link } = await letter(person.email, /new password/i);
    await phone.goto(link);
    assert.equal(await pageData(phone, 'problem'), 'other-browser', 'another browser is told so');
    await look(phone, 'journey-other-browser');
    await open(page, link);
    await look(page, 'journey-recover-password');
    person.password = 'four herons and a kettle';
    await page.locator('input[name="new_password"]').fill(person.password);
    assert.equal((await send(page, '/recover/password')).status(), 303);
    await look(page, 'journey-recovered');
    await letter(person.email, /password/i);
    assert.equal((await signIn(page, person.password)).status(), 303);
  });

  await walk('her data, and the end of the account', laptop, async (page) => {
    await page.goto(`${issuer}/account/data`);
    await look(page, 'journey-data');
    const download = page.waitForEvent('download');
    await page.locator('a[href$="/account/export"]').click();
    const data = JSON.parse(readFileSync(await (await download).path(), 'utf8'));
    const text = JSON.stringify(data);
    assert.ok(text.includes(person.email) && text.includes(person.name), 'it is hers');
    assert.doesNotMatch(text, /argon2|sym_/, 'no hash and no token');
    await page.locator(`${form('/account/delete')} input[name="password"]`).fill(person.password);
    await send(page, '/account/delete');
    await look(page, 'journey-deleted');
    assert.equal((await signIn(page, person.password)).status(), 401, 'she is gone');
  });
} finally {
  await browser.close();
  app.close();
}
