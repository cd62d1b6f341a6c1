// Chromium with virtual authenticators (CDP WebAuthn): a passkey is offered after a sign-in with the password, made, and used from the
// name field and by the button; refused without user verification; told to the browser where it is unknown; made quietly where the
// browser may; and nowhere to be seen in a browser without WebAuthn.
// Settings: issuer, username, other (another user), password.
import { settings, step } from './environment.mjs';
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { launch, look, newPage, pageData, signIn, submit, watch } from './browser.mjs';

const input = settings('issuer', 'username', 'other', 'password');
const issuer = input.issuer.replace(/\/$/, '');
const person = { username: input.username, password: input.password };
const go = '[data-passkey-go]';
const failed = '[data-passkey-failed]';

const device = {
  protocol: 'ctap2',
  ctap2Version: 'ctap2_1',
  transport: 'internal',
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
  defaultBackupEligibility: true,
  defaultBackupState: true,
};

/** A page with a virtual authenticator. */
async function withAuthenticator(page, options = {}) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable', { enableUI: false });
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', { options: { ...device, ...options } });
  const send = (name, more = {}) => cdp.send(`WebAuthn.${name}`, { authenticatorId, ...more });
  return {
    credentials: async () => (await send('getCredentials')).credentials,
    add: (credential) => send('addCredential', { credential }),
    clear: () => send('clearCredentials'),
    verifies: (isUserVerified) => send('setUserVerified', { isUserVerified }),
  };
}

const isSignedIn = async (page) => {
  await page.goto(`${issuer}/`);
  return (await pageData(page, 'state')) === 'signed-in';
};
const at = (page, path) => page.waitForURL((url) => url.pathname === path);

const browser = await launch();
try {
  const page = await newPage(browser);
  const checked = watch(page, input.issuer);
  const complaints = [];
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  const authenticator = await withAuthenticator(page);

  await page.goto(`${issuer}/login`);
  await page.locator(go).waitFor();
  await look(page, 'passkeys-login');
  await page.waitForFunction(() => document.querySelector('#passkey-ready').value === 'yes');
  await signIn(page, person);
  assert.equal(await pageData(page, 'page'), 'passkey-offer');
  await page.locator(go).waitFor();
  await look(page, 'passkeys-offer');
  await submit(page, () => page.locator(go).click());
  await at(page, '/');
  assert.equal((await authenticator.credentials()).length, 1);
  assert.ok((await authenticator.credentials())[0].isResidentCredential, 'discoverable');
  step('offered after a sign-in with the password, and made');

  await page.context().clearCookies();
  await page.goto(`${issuer}/login`, { waitUntil: 'commit' });
  await at(page, '/');
  assert.ok(await isSignedIn(page));
  step('used from the name field');

  // From now on nobody chooses in the name field, as virtual authenticators do at once: the request waits until it is given up.
  await page.addInitScript(() => {
    const get = navigator.credentials.get.bind(navigator.credentials);
    const wait = ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          sessionStorage.setItem('given up', 'yes');
          reject(signal.reason);
        });
      });
    navigator.credentials.get = (request) => (request.mediation === 'conditional' ? wait(request) : get(request));
  });
  await page.context().clearCookies();
  await page.goto(`${issuer}/login`);
  await page.locator('input[name="remember"]').check();
  await page.locator(go).click();
  await at(page, '/');
  assert.equal(await page.evaluate(() => sessionStorage.getItem('given up')), 'yes', 'one request at a time');
  assert.ok(await isSignedIn(page));
  const session = (await page.context().cookies(issuer)).find(({ name }) => /symbolon_session/.test(name));
  assert.ok(session.expires > Date.now() / 1000 + 20 * 86_400, `remembered: ${session.expires}`);
  step('used by the button, and remembered');

  await page.goto(`${issuer}/account/passkeys/add`);
  await page.locator(go).waitFor();
  await look(page, 'passkeys-add');
  await page.locator(go).click();
  await page.locator(failed).waitFor();
  await look(page, 'passkeys-add-failed');
  step('an authenticator makes one passkey for an account');

  await page.context().clearCookies();
  await page.goto(`${issuer}/login`);
  await authenticator.verifies(false);
  await page.locator(go).click();
  await page.locator(failed).waitFor();
  await look(page, 'passkeys-login-failed');
  assert.ok(!(await isSignedIn(page)), 'no user verification');
  await authenticator.verifies(true);
  step('not used without user verification');

  const held = await authenticator.credentials();
  await authenticator.clear();
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const stray = {
    credentialId: randomBytes(16).toString('base64'),
    isResidentCredential: true,
    rpId: 'localhost',
    privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
    userHandle: randomBytes(32).toString('base64'),
    signCount: 1,
    backupEligibility: true,
  };
  await authenticator.add(stray);
  await page.addInitScript(() => {
    PublicKeyCredential.signalUnknownCredential = async (signal) => sessionStorage.setItem('signal', JSON.stringify(signal));
  });
  await page.goto(`${issuer}/login`);
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.request().method() === 'POST'),
    page.locator(go).click(),
  ]);
  assert.equal(answer.status(), 401);
  await page.locator('[data-problem="passkey-unknown"]').waitFor();
  const signal = JSON.parse(await page.evaluate(() => sessionStorage.getItem('signal')));
  assert.deepEqual(signal, { rpId: 'localhost', credentialId: Buffer.from(stray.credentialId, 'base64').toString('base64url') });
  await look(page, 'passkeys-login-unknown');
  step('one that is unknown is told to the browser');
  await authenticator.clear();
  for (const credential of held) await authenticator.add(credential);

  // A page that is open for long takes another challenge.
  await page.goto(`${issuer}/login`);
  const before = await page.locator('[name="passkey_state"]').inputValue();
  await page.evaluate(() => {
    const now = performance.now.bind(performance);
    performance.now = () => now() + 270_000;
  });
  const [sent] = await Promise.all([
    page.waitForRequest((request) => request.method() === 'POST'),
    page.waitForResponse(/login\/passkey\/options/),
    page.locator(go).click(),
  ]);
  assert.notEqual(new URLSearchParams(sent.postData()).get('passkey_state'), before);
  await at(page, '/');
  assert.ok(await isSignedIn(page));
  step('another challenge after minutes');

  const pages = await checked();
  assert.deepEqual(complaints, [], 'errors and violations of the Content Security Policy');
  step(`${pages} pages with their headers`);
  await page.context().close();

  // Conditional create: what the browser decides by itself, virtual authenticators do not, so that is played here.
  const quiet = await newPage(browser);
  const own = await withAuthenticator(quiet);
  const capabilities = await quiet.goto(`${issuer}/login`).then(() => quiet.evaluate(() => PublicKeyCredential.getClientCapabilities()));
  step(`this browser says conditionalCreate: ${capabilities.conditionalCreate}`);
  await quiet.addInitScript(() => {
    const create = navigator.credentials.create.bind(navigator.credentials);
    PublicKeyCredential.getClientCapabilities = async () => ({ conditionalCreate: true });
    navigator.credentials.create = ({ mediation, ...request }) => {
      if (mediation !== 'conditional') return Promise.reject(new Error('expected no question'));
      return create(request);
    };
  });
  await quiet.goto(`${issuer}/login`);
  await quiet.waitForFunction(() => document.querySelector('#passkey-ready').value === 'yes');
  await Promise.all([at(quiet, '/'), signIn(quiet, { ...person, username: input.other })]);
  assert.equal((await own.credentials()).length, 1);
  assert.ok(await isSignedIn(quiet));
  step('made quietly where the browser may');
  await quiet.context().close();

  for (const [title, options, script] of [
    ['a browser without WebAuthn', {}, () => delete window.PublicKeyCredential],
    ['a browser without JavaScript', { javaScriptEnabled: false }, undefined],
  ]) {
    const plain = await newPage(browser, options);
    if (script) await plain.addInitScript(script);
    await plain.goto(`${issuer}/login`);
    assert.equal(await plain.locator(go).isVisible(), false, title);
    await signIn(plain, person);
    await at(plain, '/');
    await plain.context().close();
    step(`${title} sees nothing of passkeys`);
  }
} finally {
  await browser.close();
}
