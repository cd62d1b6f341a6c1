// Chromium looks after an account as people do: signs in on the way to it, looks at every page of it, renames, ends, changes the
// password, asks for another address, ends everything, deletes the account. Each page on a phone and a desktop, light and dark.
// Settings: issuer, username, password, new_password; grant (the id of one that ended badly).
import { settings, step } from './environment.mjs';
import assert from 'node:assert/strict';
import { launch, look, newPage, pageData, PHONE, screenshot, signIn, submit, tabTo, watch } from './browser.mjs';

const input = settings('issuer', 'username', 'password', 'new_password', 'grant');
const at = (path) => `${input.issuer.replace(/\/$/, '')}${path}`;
/** The address of the open page, without the empty fragment with which every redirect of the server ends (RFC 9110 10.2.2). */
const here = (page) => page.url().replace(/#$/, '');
const status = '[role="status"]';

/** Runs one walk in a window of its own, signed in, with the headers of its pages checked. */
async function walk(title, run, { password = input.password, ...options } = {}) {
  const page = await newPage(browser, options);
  const checked = watch(page, input.issuer);
  try {
    await page.goto(at('/account'));
    assert.equal(new URL(page.url()).pathname, new URL(at('/login')).pathname, 'who is not signed in signs in first');
    await signIn(page, { ...input, password });
    assert.equal(here(page), at('/account'), 'and comes back');
    await run(page);
    step(`${title} (${await checked()} pages)`);
  } catch (error) {
    await screenshot(page, `failed-account-${title.replace(/\W+/g, '-')}`);
    throw new Error(`${title}, at ${page.url()}: ${error.message}`, { cause: error });
  } finally {
    await page.context().close();
  }
}

/** Sends the form that is sent to `action`, after `fields` were filled in. */
async function send(page, action, fields = {}, within = '') {
  const form = page.locator(`form[action="${new URL(at(action)).pathname}"]${within}`).first();
  for (const [name, value] of Object.entries(fields)) await form.locator(`[name="${name}"]`).fill(value);
  return submit(page, () => form.locator('button[type="submit"]').click());
}

const browser = await launch();
try {
  await walk('every page', async (page) => {
    await look(page, 'account');
    await page.goto(at(`/account/grants/${input.grant}`));
    await look(page, 'account-grant');
    for (const name of ['activity', 'security', 'password', 'email', 'details', 'data']) {
      await page.goto(at('/account'));
      await page.locator(`nav a[href$="/account/${name}"]`).click();
      await page.locator(`nav a[href$="/account/${name}"][aria-current="page"]`).waitFor();
      await look(page, `account-${name}`);
    }
  });

  for (const javaScriptEnabled of [true, false]) {
    await walk(`times ${javaScriptEnabled ? 'of New York' : 'without JavaScript'}`, async (page) => {
      for (const path of ['/account', '/account/activity', `/account/grants/${input.grant}`]) {
        await page.goto(at(path));
        // Not innerText: the pictures have none.
        const text = await page.locator('main').evaluate((main) => main.textContent);
        assert.equal(/\d\d:\d\d UTC/.test(text), !javaScriptEnabled, `${path}: ${text.match(/.{30}\d\d:\d\d UTC/)}`);
        assert.equal(/\d\d:\d\d (GMT-[45]|E[SD]T)/.test(text), javaScriptEnabled, path);
      }
      await page.goto(at('/account/activity'));
      const days = await page.locator('.events time').evaluateAll((times) => times.map((time) => ({
        at: time.dateTime,
        heading: time.closest('section').querySelector('h2').textContent,
        label: time.closest('section').getAttribute('aria-labelledby') === time.closest('section').querySelector('h2').id,
      })));
      assert.ok(days.length > 3);
      const timeZone = javaScriptEnabled ? 'America/New_York' : 'UTC';
      for (const { at: when, heading, label } of days) {
        const day = new Intl.DateTimeFormat('en-GB', { timeZone, day: 'numeric', month: 'long', year: 'numeric' }).format(new Date(when));
        assert.ok(heading.endsWith(`, ${day}`) && label, `${when} is under ${heading}`);
      }
      assert.deepEqual(days.map(({ at: when }) => when), days.map(({ at: when }) => when).toSorted().reverse(), 'newest first');
      const empty = await page.locator('section .events:not(:has(li))').count();
      assert.equal(empty, 0, 'no day is empty');
      if (javaScriptEnabled) await look(page, 'account-activity-new-york');
    }, { javaScriptEnabled, timezoneId: 'America/New_York' });
  }

  await walk('from a theft to its picture', async (page) => {
    await page.goto(at('/account'));
    await page.locator(`details[open] a[href$="/account/grants/${input.grant}"]`).click();
    await page.locator('main[data-page="timeline"]').waitFor();
    await page.locator('nav a[href$="/account/activity"]').click();
    await page.locator(`a[href$="/account/grants/${input.grant}"]`).click();
    await page.locator('main[data-page="timeline"]').waitFor();
  });

  await walk('renaming by keyboard, on a phone', async (page) => {
    const summary = 'li:has(.tag) details.rename summary';
    await page.locator(summary).focus();
    await page.keyboard.press('Enter');
    const name = 'li:has(.tag) details.rename input[name="name"]';
    await tabTo(page, name);
    await look(page, 'account-renaming');
    await page.keyboard.type('Kitchen tablet');
    const answer = await submit(page, () => page.keyboard.press('Enter'));
    assert.equal(answer.status(), 303);
    assert.equal(await pageData(page, 'done'), 'renamed');
    assert.match(await page.locator('li:has(.tag) h3').innerText(), /Kitchen tablet/);
    await look(page, 'account-renamed');
  }, { viewport: PHONE, isMobile: true, hasTouch: true });

  await walk('ending, without JavaScript', async (page) => {
    assert.equal((await send(page, '/account/end', {}, ':has([value="grant"])')).status(), 303);
    assert.equal(await pageData(page, 'done'), 'grant-ended');
    await screenshot(page, 'account-ended-grant');
    assert.equal((await send(page, '/account/end', {}, ':has([value="session"])')).status(), 303);
    assert.equal(await pageData(page, 'done'), 'browser-ended');
    await screenshot(page, 'account-ended-browser');
    assert.equal((await send(page, '/account/end', {}, ':has([value="others"])')).status(), 303);
    assert.equal(await pageData(page, 'done'), 'others-ended');
  }, { javaScriptEnabled: false });

  await walk('name, address, password', async (page) => {
    await page.goto(at('/account/details'));
    assert.equal((await send(page, '/account/details', { display_name: 'Alice Liddell' })).status(), 303);
    assert.match(await page.locator('.saying').innerText(), /Alice Liddell/);
    await look(page, 'account-details-saved');

    await page.goto(at('/account/email'));
    assert.equal((await send(page, '/account/email', { email: 'new@example.org', password: 'wrong' })).status(), 401);
    assert.equal(await page.locator('#email').inputValue(), 'new@example.org', 'the address is kept');
    await look(page, 'account-email-wrong');
    assert.equal((await send(page, '/account/email', { password: input.password })).status(), 303);
    assert.match(await page.locator(status).innerText(), /new@example\.org/);
    await look(page, 'account-email-sent');

    await page.goto(at('/account/password'));
    assert.equal((await send(page, '/account/password', { password: input.password, new_password: 'short' })).status(), 400);
    assert.equal(await pageData(page, 'problem'), 'password-too-short');
    await look(page, 'account-password-short');
    // The current password was right, and is not typed again.
    const changed = await send(page, '/account/password', { new_password: input.new_password });
    assert.equal(changed.status(), 303);
    assert.equal(await pageData(page, 'done'), 'changed');
    await look(page, 'account-password-changed');
    await page.goto(at('/account'));
    await page.locator('h1').waitFor();
    assert.equal(here(page), at('/account'), 'the session goes on');
  });

  await walk('ending everything', async (page) => {
    assert.equal((await send(page, '/account/end', {}, ':has([value="everything"])')).status(), 200);
    assert.equal(await pageData(page, 'page'), 'everything-ended');
    await look(page, 'account-everything-ended');
    await page.goto(at('/account'));
    assert.equal(new URL(page.url()).pathname, new URL(at('/login')).pathname);
  }, { password: input.new_password });

  await walk('export and deletion', async (page) => {
    await page.goto(at('/account/data'));
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.locator('a[href$="/account/export"]').click(),
    ]);
    assert.equal(download.suggestedFilename(), 'account.json');
    assert.equal((await send(page, '/account/delete', { password: 'wrong' })).status(), 401);
    await look(page, 'account-delete-wrong');
    assert.equal((await send(page, '/account/delete', { password: input.new_password })).status(), 200);
    await look(page, 'account-deleted');
  }, { password: input.new_password });
} finally {
  await browser.close();
}
