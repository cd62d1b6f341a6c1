// Chromium walks the pages as people do: sign-in, wrong password, expired form, denial, consent, error page, home, sign-out,
// choosing an account; by keyboard only, without JavaScript, on phones; and response_mode=form_post. The headers of every
// page are checked.
// Settings: issuer, client_id (any kind that uses PKCE), web_client_id (one whose consent is remembered), redirect_uri
// (http://localhost:<port>/<path>, registered for both; this script listens there), username, password; optional: scope (default
// "openid profile email").
import { body, listen, settings, step } from './environment.mjs';
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { consent, launch, look, newPage, pageData, PHONE, screenshot, signIn, signOut, submit, tabTo, watch } from './browser.mjs';

const input = settings('issuer', 'client_id', 'web_client_id', 'redirect_uri', 'username', 'password');
const csrf = 'input[name="csrf"]';
const received = [];

/** The client's side: keeps what arrives at the redirect URI. */
const app = await listen(input.redirect_uri, async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, input.redirect_uri);
  if (pathname === new URL(input.redirect_uri).pathname) {
    const parameters = request.method === 'POST' ? new URLSearchParams(await body(request)) : searchParams;
    received.push({ method: request.method, ...Object.fromEntries(parameters) });
  }
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.end('<!doctype html><html lang="en"><title>Client</title><p id="arrived">Back at the client.</p></html>');
});

/** An authorization URL with a fresh challenge and state; asks for consent each time, so that runs do not depend on each other. */
function authorization(changes = {}) {
  const url = new URL(`${input.issuer.replace(/\/$/, '')}/authorize`);
  url.search = new URLSearchParams({
    client_id: input.client_id,
    redirect_uri: input.redirect_uri,
    response_type: 'code',
    scope: input.scope ?? 'openid profile email',
    code_challenge: createHash('sha256').update(randomBytes(32).toString('base64url')).digest('base64url'),
    code_challenge_method: 'S256',
    state: randomBytes(8).toString('hex'),
    prompt: 'consent',
    ...changes,
  });
  return url.href;
}

/** Asserts that the page arrived at the client, and returns what the client received for the request at `url`. */
async function arrival(page, url) {
  await page.locator('#arrived').waitFor();
  const answer = received.pop();
  assert.equal(answer.state, new URL(url).searchParams.get('state'), 'state comes back');
  assert.equal(answer.iss, input.issuer, 'iss of the answer');
  return answer;
}

/** Runs one walk in a window of its own, with the headers of its pages checked. */
async function walk(title, run, options) {
  const page = await newPage(browser, options);
  const checked = watch(page, input.issuer);
  const complaints = [];
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) complaints.push(message.text());
  });
  try {
    await run(page);
    const pages = await checked();
    assert.ok(pages > 0, 'the headers of at least one page were checked');
    assert.deepEqual(complaints, [], 'Content Security Policy violations');
    step(`${title} (${pages} pages)`);
  } catch (error) {
    await screenshot(page, `failed-${title.replace(/\W+/g, '-')}`);
    throw new Error(`${title}, at ${page.url()}: ${error.message}`, { cause: error });
  } finally {
    await page.context().close();
  }
}

/** Does `action` after the form of the open page was given a form token that is not its own; the page must say so. */
async function expireForm(page, action) {
  await page.locator(csrf).first().evaluate((field) => field.setAttribute('value', 'expired'));
  assert.equal((await action()).status(), 400, 'status of an expired form');
  await page.locator('[role="alert"]').waitFor();
  assert.equal(await pageData(page, 'problem'), 'form-expired', 'the page says that the form has expired');
}

const browser = await launch();
try {
  await walk('sign-in, wrong password, expired form, denial', async (page) => {
    const url = authorization();
    await page.goto(url);
    await look(page, 'sign-in');
    await expireForm(page, () => signIn(page, input));
    await look(page, 'sign-in-expired');
    await page.goto(url);

    const wrong = { ...input, password: 'not the password' };
    assert.equal((await signIn(page, wrong)).status(), 401, 'status of a wrong password');
    await page.locator('[role="alert"]').waitFor();
    assert.equal(await pageData(page, 'problem'), 'wrong-name-or-password', 'the wrong password is announced');
    assert.equal(await page.locator('input[name="username"]').inputValue(), input.username, 'the name is kept');
    assert.equal(await page.locator('input[name="password"]').inputValue(), '', 'the password is not');
    await look(page, 'sign-in-wrong-password');

    await signIn(page, input);
    await look(page, 'consent');
    await expireForm(page, () => consent(page, 'allow'));
    await page.goto(url);
    await consent(page, 'deny');
    const denial = await arrival(page, url);
    assert.equal(denial.error, 'access_denied');
    assert.equal(denial.code, undefined);
  });

  await walk('consent, home, sign-out', async (page) => {
    const url = authorization();
    await page.goto(url);
    const before = await page.context().cookies(input.issuer);
    await signIn(page, input);
    await consent(page, 'allow');
    assert.match((await arrival(page, url)).code, /^sym_ac_/);
    const session = await page.context().cookies(input.issuer);
    assert.ok(session.some(({ name, value }) => !before.some((old) => old.name === name && old.value === value)), 'a new cookie');

    await page.goto(`${input.issuer.replace(/\/$/, '')}/`);
    assert.match(await page.locator('body').innerText(), new RegExp(input.username, 'i'), 'home says who is signed in');
    await look(page, 'home');
    await page.goto(`${input.issuer.replace(/\/$/, '')}/logout`);
    await look(page, 'sign-out');
    assert.equal((await signOut(page)).status(), 303, 'status after sign-out');
    await look(page, 'signed-out');
    await page.goto(authorization({ prompt: 'none' }));
    await page.locator('#arrived').waitFor();
    assert.equal(received.pop().error, 'login_required', 'the session is over');

    // The old cookie is of no use either: the session ended on the server.
    await page.context().addCookies(session);
    await page.goto(authorization({ prompt: 'none' }));
    await page.locator('#arrived').waitFor();
    assert.equal(received.pop().error, 'login_required', 'the session is over on the server');
  });

  await walk('unknown redirect URI', async (page) => {
    const unknown = 'https://client.example.com/not-registered?a=<b>';
    const answer = await page.goto(authorization({ redirect_uri: unknown }));
    assert.equal(answer.status(), 400);
    assert.equal(answer.headers().location, undefined);
    assert.equal(answer.request().redirectedFrom(), null, 'no redirect on the way');
    const text = await page.locator('body').innerText();
    assert.ok(text.includes(unknown), 'the page shows the redirect URI received');
    assert.match(text, /expected/i);
    assert.match(text, /request id/i);
    await look(page, 'error-redirect-uri');
  });

  await walk('sign-in by keyboard', async (page) => {
    const url = authorization();
    await page.goto(url);
    await tabTo(page, 'input[name="username"]');
    await page.keyboard.type(input.username);
    await tabTo(page, 'input[name="password"]');
    await page.keyboard.type(input.password);
    await page.keyboard.press('Enter');
    await page.locator('button[name="decision"]').first().waitFor();
    await tabTo(page, 'button[name="decision"][value="allow"]');
    await screenshot(page, 'consent-keyboard-focus');
    await page.keyboard.press('Enter');
    assert.match((await arrival(page, url)).code, /^sym_ac_/);
  });

  await walk('a password is shown and sent hidden, a double click sends once', async (page) => {
    const url = authorization();
    await page.goto(url);
    const [field, show] = [page.locator('input[name="password"]'), page.locator('button[data-shows="password"]')];
    await page.locator('input[name="username"]').fill(input.username);
    await field.fill(input.password);
    assert.match(await show.innerText(), /^Show\s+the password$/);
    await show.click();
    assert.equal(await field.getAttribute('type'), 'text');
    assert.match(await show.innerText(), /^Hide\s+the password$/);
    await look(page, 'sign-in-password-shown');
    await field.focus();
    await tabTo(page, 'button[data-shows="password"]');
    await page.keyboard.press('Enter');
    assert.equal(await field.getAttribute('type'), 'password');
    await show.click();
    const types = [];
    const posts = [];
    await page.exposeFunction('sentAs', (type) => types.push(type));
    await page.evaluate(() => document.querySelector('form').addEventListener('submit', () => {
      window.sentAs(document.querySelector('input[name="password"]').type);
    }));
    page.on('request', (request) => request.method() === 'POST' && posts.push(request.url()));
    await page.locator('.actions button[type="submit"]').dblclick({ noWaitAfter: true });
    await page.locator('button[name="decision"]').first().waitFor();
    assert.equal(posts.length, 1, 'one request');
    assert.equal(types[0], 'password', 'what is sent is hidden before');
    await consent(page, 'allow');
    assert.match((await arrival(page, url)).code, /^sym_ac_/);
  });

  await walk('back to the app without signing in', async (page) => {
    for (const mode of ['query', 'form_post']) {
      const url = authorization({ response_mode: mode });
      await page.goto(url);
      await submit(page, () => page.locator('.back button').click());
      assert.equal((await arrival(page, url)).error, 'access_denied');
    }
  });

  for (const [width, height] of [[390, 844], [360, 640]]) {
    await walk(`deciding on a phone of ${width} by ${height}`, async (page) => {
      await page.goto(authorization({ scope: 'openid profile email address phone offline_access' }));
      await signIn(page, input);
      await page.locator('button[name="decision"]').first().waitFor();
      for (const size of ['100%', '200%']) {
        await page.evaluate((fontSize) => Object.assign(document.documentElement.style, { fontSize }), size);
        for (const end of [false, true]) {
          await page.evaluate((isEnd) => window.scrollTo(0, isEnd ? document.body.scrollHeight : 0), end);
          for (const value of ['deny', 'allow']) {
            const isReached = await page.locator(`button[name="decision"][value="${value}"]`).evaluate((button) => {
              const { left, right, top, bottom } = button.getBoundingClientRect();
              const at = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
              return top >= 0 && left >= 0 && bottom <= window.innerHeight && right <= window.innerWidth && button.contains(at);
            });
            assert.ok(isReached, `${value} at ${size}${end ? ' at the end' : ''}`);
          }
          await page.screenshot(process.env.SYMBOLON_TEST_SCREENSHOTS ? { path: `${process.env.SYMBOLON_TEST_SCREENSHOTS}/consent-${width}-${size.replace('%', '')}-${end ? 'end' : 'top'}.png` } : {});
        }
        // Nothing is hidden behind the buttons once the page is at its end, and they leave most of the window to what is read.
        const [last, bar] = await page.evaluate(() => [
          document.querySelector('.facts').getBoundingClientRect().bottom,
          document.querySelector('.decision').getBoundingClientRect(),
        ]);
        assert.ok(last <= bar.top + 1, `${last} ${bar.top}`);
        assert.ok(bar.height < height / 3, `${bar.height} of ${height}`);
        const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(excess <= 0, `${size}: ${excess} px wider than the window`);
      }
      await page.evaluate(() => Object.assign(document.documentElement.style, { fontSize: '' }));
      await look(page, `consent-six-${width}`);
    }, { viewport: { width, height }, isMobile: true, hasTouch: true });
  }

  await walk('select account by keyboard, on a phone', async (page) => {
    const choice = (value) => `button[name="choice"][value="${value}"]`;
    await page.goto(authorization());
    await signIn(page, input);
    const url = authorization({ prompt: 'select_account consent' });
    await page.goto(url);
    assert.equal(new URL(page.url()).pathname.split('/').pop(), 'select-account');
    const text = await page.locator('main').innerText();
    assert.ok(text.includes(input.username), 'the page says who is signed in');
    await look(page, 'select-account');
    await page.locator(csrf).first().evaluate((field) => field.setAttribute('value', 'expired'));
    assert.equal((await submit(page, () => page.locator(choice('other')).click())).status(), 400, 'status of an expired form');
    assert.equal(await pageData(page, 'problem'), 'form-expired', 'the page says that the form has expired');
    await look(page, 'select-account-expired');

    await page.goto(url);
    await tabTo(page, choice('continue'));
    await screenshot(page, 'select-account-keyboard-focus');
    await page.keyboard.press('Enter');
    await page.locator('button[name="decision"]').first().waitFor();
    await consent(page, 'allow');
    assert.match((await arrival(page, url)).code, /^sym_ac_/);

    // Back: the page is still good, and the other way leads to the sign-in page, empty.
    const again = authorization({ prompt: 'select_account' });
    await page.goto(again);
    await tabTo(page, choice('other'));
    await screenshot(page, 'select-account-keyboard-focus-other');
    await page.keyboard.press('Enter');
    await page.locator('input[name="username"]').waitFor();
    assert.equal(await page.locator('input[name="username"]').inputValue(), '', 'nobody is proposed');
    await page.goBack();
    await page.locator(choice('other')).waitFor();
    await submit(page, () => page.locator(choice('other')).click());
    await signIn(page, input);
    await consent(page, 'allow');
    assert.match((await arrival(page, again)).code, /^sym_ac_/);
  }, { viewport: PHONE, isMobile: true, hasTouch: true });

  const darkPhone = { viewport: PHONE, colorScheme: 'dark', isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
  for (const [title, options] of Object.entries({ 'without JavaScript': { javaScriptEnabled: false }, 'dark phone': darkPhone })) {
    await walk(title, async (page) => {
      const url = authorization();
      await page.goto(url);
      const shown = await page.locator('button[data-shows]').isVisible();
      assert.equal(shown, options.javaScriptEnabled !== false, 'a button that needs a script is there with one only');
      await screenshot(page, `sign-in-${title.replace(' ', '-')}`);
      await signIn(page, input);
      await page.locator('button[name="decision"]').first().waitFor();
      await screenshot(page, `consent-${title.replace(' ', '-')}`);
      await consent(page, 'allow');
      assert.match((await arrival(page, url)).code, /^sym_ac_/);
    }, options);
  }

  await walk('a fragment of the link does not reach the client', async (page) => {
    // With consent remembered, no page of ours comes between the link and the client: the browser goes from redirect to redirect.
    const link = (changes) => authorization({ client_id: input.web_client_id, prompt: '', ...changes });
    await page.goto(link());
    await signIn(page, input);
    await consent(page, 'allow');
    await page.locator('#arrived').waitFor();
    for (const changes of [{}, { prompt: 'none' }, { prompt: 'none login' }, { response_mode: 'fragment' }]) {
      await page.goto(`${link(changes)}#access_token=evil&code=evil`);
      await page.locator('#arrived').waitFor();
      const arrived = new URL(page.url());
      assert.equal(`${arrived.origin}${arrived.pathname}`, input.redirect_uri);
      assert.ok(!arrived.href.includes('evil'), `the fragment of the link arrived: ${arrived.href}`);
      assert.match(`${arrived.search}${arrived.hash}`, changes.prompt === 'none login' ? /error=invalid_request/ : /code=sym_ac_/);
    }
  });

  for (const javaScriptEnabled of [true, false]) {
    const title = `form_post ${javaScriptEnabled ? 'with' : 'without'} JavaScript`;
    await walk(title, async (page) => {
      const url = authorization({ response_mode: 'form_post' });
      await page.goto(url);
      await signIn(page, input);
      await consent(page, 'allow');
      if (!javaScriptEnabled) {
        const form = page.locator(`form[method="post" i][action="${input.redirect_uri}"]`);
        await form.waitFor();
        await screenshot(page, 'form-post-without-javascript');
        await form.locator('button').click();
      }
      const answer = await arrival(page, url);
      assert.equal(answer.method, 'POST');
      assert.match(answer.code, /^sym_ac_/);
      assert.ok(!page.url().includes('code='), 'the code is not in the URL');
    }, { javaScriptEnabled });
  }
} finally {
  await browser.close();
  app.close();
  app.closeAllConnections?.();
}
