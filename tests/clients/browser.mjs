// Headless Chromium and Firefox through playwright-core, and what a person does on Symbolon's pages: sign in, decide, look.
// Environment: SYMBOLON_TEST_CHROMIUM (default /usr/bin/chromium) and SYMBOLON_TEST_FIREFOX (default /usr/bin/firefox-esr) are the
// browsers; SYMBOLON_TEST_SCREENSHOTS is the directory that receives the screenshots (none are taken without it). `watch` checks the
// headers of every answer on the way.
import './environment.mjs';
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import { chromium, firefox } from 'playwright-core';

export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 800 };

const username = 'input[name="username"]';
const password = 'input[name="password"]';
const decision = (value) => `button[name="decision"][value="${value}"]`;

/** Starts the browser with a fresh profile; the caller closes it. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.SYMBOLON_TEST_CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** As `launch`, the Firefox that is installed, in New York: it is driven by WebDriver BiDi, and needs no build of Playwright's. */
export function launchFirefox() {
  return firefox.launch({
    channel: 'moz-firefox',
    executablePath: process.env.SYMBOLON_TEST_FIREFOX ?? '/usr/bin/firefox-esr',
    env: { ...process.env, TZ: 'America/New_York' },
  });
}

/** A window of its own (cookies too), which gives up on a step after 20 s. */
export async function newPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: DESKTOP, reducedMotion: 'reduce', ...options });
  context.setDefaultTimeout(20_000);
  return context.newPage();
}

/** Does `action`, which sends a form, and waits until the page after it stands; returns the answer to the POST. */
export async function submit(page, action) {
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.request().method() === 'POST' && response.request().isNavigationRequest()),
    page.waitForEvent('domcontentloaded'),
    action(),
  ]);
  return answer;
}

/** Fills in the sign-in page that is open and sends it; returns the answer to the POST. */
export async function signIn(page, person) {
  await page.locator(username).fill(person.username);
  await page.locator(password).fill(person.password);
  return submit(page, () => page.locator(password).press('Enter'));
}

/** Presses the button of the consent page: "allow" or "deny". */
export async function consent(page, answer) {
  return submit(page, () => page.locator(decision(answer)).click());
}

/** Presses the button of the page that signs out. */
export async function signOut(page) {
  return submit(page, () => page.locator('form:has(input[name="csrf"]) button[type="submit"]').click());
}

/** What the page tells programs of itself: its `data-page`, `data-state`, `data-done` or `data-problem`. */
export function pageData(page, what) {
  return page.locator('main').getAttribute(`data-${what}`);
}

/** Moves the focus with Tab until it is on `selector`, and asserts that the focus can be seen there. */
export async function tabTo(page, selector) {
  for (let presses = 0; presses < 15; presses += 1) {
    const focused = page.locator(`${selector}:focus`);
    if ((await focused.count()) > 0) {
      const style = await focused.evaluate((element) => {
        const { outlineStyle, boxShadow } = getComputedStyle(element);
        return { outlineStyle, boxShadow };
      });
      assert.ok(style.outlineStyle !== 'none' || style.boxShadow !== 'none', `the focus on ${selector} can be seen`);
      return;
    }
    await page.keyboard.press('Tab');
  }
  assert.fail(`Tab does not reach ${selector} at ${page.url()}`);
}

/** Keeps `<name>.png` of the whole page. */
export async function screenshot(page, name) {
  const directory = process.env.SYMBOLON_TEST_SCREENSHOTS;
  if (!directory) return;
  mkdirSync(directory, { recursive: true });
  await page.screenshot({ path: join(directory, `${name}.png`), fullPage: true, animations: 'disabled' });
}

/**
 * Looks at the page on a phone and a desktop, light and dark: keeps a screenshot of each, asserts that nothing has to be
 * scrolled sideways, and that axe finds no breach of WCAG 2.2 AA. Leaves the window as it was.
 */
export async function look(page, name) {
  const before = page.viewportSize();
  for (const [device, viewport] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
    for (const colorScheme of ['light', 'dark']) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      await screenshot(page, `${name}-${device}-${colorScheme}`);
      await assertAccessible(page, `${name} (${device}, ${colorScheme})`);
      const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(excess <= 0, `${name} (${device}): ${excess} px wider than the window`);
    }
  }
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize(before);
}

async function assertAccessible(page, name) {
  const breaches = await page.evaluate(
    async ([source, tags]) => {
      if (!window.axe) (0, eval)(source);
      const { violations } = await window.axe.run(document, { runOnly: tags });
      return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' | ')}`);
    },
    [axe.source, ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']],
  );
  assert.deepEqual(breaches, [], `accessibility of ${name}`);
}

/**
 * From now on checks every answer the server at `issuer` gives this page: the headers of HTML pages, the cookies, and 303
 * after POST. Returns a function that waits for the checks, throws the first failure, and says how many pages were seen.
 */
export function watch(page, issuer) {
  const { origin } = new URL(issuer);
  const checks = [];
  page.on('response', (response) => {
    if (new URL(response.url()).origin === origin) checks.push(checkAnswer(response).catch((error) => error));
  });
  return async () => {
    const results = await Promise.all(checks);
    const failure = results.find((result) => result instanceof Error);
    if (failure) throw failure;
    return results.filter((result) => result === 'page').length;
  };
}

async function checkAnswer(response) {
  const at = `${response.request().method()} ${response.url()} (${response.status()})`;
  const headers = await response.allHeaders();
  assert.ok(response.status() < 500, at);
  for (const { name, value } of await response.headersArray()) {
    if (name.toLowerCase() === 'set-cookie') checkCookie(value, at);
  }
  if (response.status() >= 300 && response.status() < 400) {
    if (response.request().method() === 'POST') assert.equal(response.status(), 303, at);
    assert.equal(headers['referrer-policy'], 'no-referrer', at);
    return 'redirect';
  }
  if (!headers['content-type']?.startsWith('text/html')) return 'other';
  assert.match(headers['content-type'], /charset=utf-8/i, at);
  const policy = headers['content-security-policy'] ?? '';
  assert.match(policy, /default-src 'none'|default-src 'self'/, `${at}: ${policy}`);
  assert.match(policy, /frame-ancestors 'none'/, `${at}: ${policy}`);
  assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval/, at);
  assert.equal(headers['x-frame-options'], 'DENY', at);
  assert.equal(headers['referrer-policy'], 'no-referrer', at);
  assert.equal(headers['x-content-type-options'], 'nosniff', at);
  assert.match(headers['cache-control'] ?? '', /no-store/, `${at}: cache-control`);
  assert.equal(headers['access-control-allow-origin'], undefined, `${at}: pages are not for other origins`);
  return 'page';
}

function checkCookie(line, at) {
  const [pair, ...attributes] = line.split(/;\s*/);
  const names = attributes.map((attribute) => attribute.toLowerCase());
  const secure = pair.startsWith('__Host-'); // not at http://localhost, where Safari would drop it
  assert.match(pair, /^(__Host-)?symbolon_/, `${at}: cookie ${pair.split('=')[0]}`);
  assert.equal(names.includes('secure'), secure, `${at}: ${attributes}`);
  assert.ok(names.includes('httponly') && names.includes('path=/'), `${at}: ${attributes}`);
  assert.ok(names.includes('samesite=lax') || names.includes('samesite=strict'), `${at}: ${attributes}`);
  assert.ok(!names.some((name) => name.startsWith('domain')), `${at}: ${attributes}`);
  assert.ok(line.length < 4096, `${at}: length`);
}
