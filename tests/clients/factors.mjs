// Chromium adds an authenticator app and makes recovery codes, signs in with both, confirms who it is, and removes the app again: each
// page on a phone and a desktop, light and dark; with and without JavaScript, by keyboard. The codes are computed here.
// Settings: issuer, username, password.
import { settings, step } from './environment.mjs';
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { launch, look, newPage, pageData, PHONE, screenshot, signIn, submit, tabTo, watch } from './browser.mjs';

const input = settings('issuer', 'username', 'password');
const at = (path) => `${input.issuer.replace(/\/$/, '')}${path}`;

/** RFC 4648 §6. */
function base32(text) {
  const bits = [...text].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  return Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
}

/** RFC 6238 §4, so many steps from now. */
function totp(key, steps) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac('sha1', base32(key)).update(counter).digest();
  const offset = mac.at(-1) & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** Runs one walk in a window of its own, with the headers of its pages checked. */
async function walk(title, run, options) {
  const page = await newPage(browser, options);
  const checked = watch(page, input.issuer);
  try {
    await run(page);
    step(`${title} (${await checked()} pages)`);
  } catch (error) {
    await screenshot(page, `failed-factors-${title.replace(/\W+/g, '-')}`);
    throw new Error(`${title}, at ${page.url()}: ${error.message}`, { cause: error });
  } finally {
    await page.context().close();
  }
}

/** Presses the button of the form with this field. */
const send = (page, field) => submit(page, () => page.locator(`form:has([name="${field}"]) button[type="submit"]`).first().click());

const browser = await launch();
let key = '';
let codes = [];
try {
  await walk('adding an app', async (page) => {
    await page.goto(at('/account/security'));
    await signIn(page, input);
    await look(page, 'security');
    await page.locator('a[href$="/account/totp/add"]').click();
    await page.locator('#code').waitFor();
    await look(page, 'totp-add');
    key = (await page.locator('.key code').textContent()).replaceAll(' ', '');
    assert.ok((await page.locator('svg.qr').boundingBox()).width > 150, 'the picture can be scanned');
    await page.locator('#code').fill('000000');
    assert.equal((await send(page, 'code')).status(), 400);
    assert.equal(await pageData(page, 'problem'), 'wrong-code');
    await look(page, 'totp-add-wrong');
    assert.equal((await page.locator('.key code').textContent()).replaceAll(' ', ''), key, 'the same key');
    await page.locator('#code').fill(totp(key, -1));
    await page.locator('#name').fill('Phone');
    await send(page, 'code');
    assert.equal(await pageData(page, 'state'), 'offered');
    await look(page, 'recovery-codes-offered');
    await submit(page, () => page.locator('main form button[type="submit"]').click());
    assert.equal(await pageData(page, 'state'), 'made');
    codes = await page.locator('#codes code').allTextContents();
    assert.equal(codes.length, 10);
    await look(page, 'recovery-codes');
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('[data-does="save"]').click()]);
    assert.equal(download.suggestedFilename(), 'recovery-codes.txt');
    await page.emulateMedia({ media: 'print' });
    await screenshot(page, 'recovery-codes-print');
    assert.ok(await page.locator('#codes').isVisible());
    assert.ok(!(await page.locator('nav').first().isVisible()), 'the navigation is not printed');
    await page.emulateMedia({ media: null });
    await page.locator('main .actions a').click();
    await page.locator('main[data-page="security"]').waitFor();
    await look(page, 'security-with-app');
  });

  for (const [steps, javaScriptEnabled] of [[0, true], [1, false]]) {
    await walk(`signing in ${javaScriptEnabled ? 'with' : 'without'} JavaScript, by keyboard`, async (page) => {
      await page.goto(at('/login'));
      await signIn(page, input);
      assert.equal(await pageData(page, 'page'), 'second-factor');
      if (javaScriptEnabled) await look(page, 'verify');
      assert.ok(await page.locator('#code').evaluate((field) => field === document.activeElement), 'the code has the focus');
      await page.keyboard.type('000000');
      const answer = await submit(page, () => page.keyboard.press('Enter'));
      assert.equal(answer.status(), 401);
      if (javaScriptEnabled) await look(page, 'verify-wrong');
      await tabTo(page, '#code');
      await page.keyboard.type(totp(key, steps));
      await submit(page, () => page.keyboard.press('Enter'));
      assert.equal(await pageData(page, 'page'), 'home');
    }, { javaScriptEnabled });
  }

  await walk('signing in on a phone with a recovery code, and removing the app', async (page) => {
    await page.goto(at('/login'));
    await signIn(page, input);
    await page.locator('a[href*="use=recovery"]').click();
    await page.locator('#recovery_code').fill(codes[0].toLowerCase());
    await look(page, 'verify-recovery');
    await send(page, 'recovery_code');
    assert.equal(await pageData(page, 'page'), 'home');
    await page.goto(at('/account/security'));
    assert.ok((await page.locator('main').textContent()).includes('9 codes are left'));
    await page.locator('a[href*="/account/security/remove"]').first().click();
    await page.locator('main[data-page="remove-method"]').waitFor();
    await look(page, 'remove-method');
    await page.locator('#password').fill(input.password);
    await send(page, 'password');
    assert.equal(await pageData(page, 'done'), 'removed');
    await look(page, 'security-removed');
  }, { viewport: PHONE });
} finally {
  await browser.close();
}
