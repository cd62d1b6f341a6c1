// The browser's part in the example `native`: the page that it opened, until the program has its answer.
// Settings: authorization (the address that was opened), username, password, decision ("allow" or "deny").
import { settings, step } from '../environment.mjs';
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { consent, launch, look, newPage, screenshot, signIn } from '../browser.mjs';

const input = settings('authorization', 'username', 'password', 'decision');
const redirectUri = new URL(input.authorization).searchParams.get('redirect_uri');
assert.match(redirectUri, /^http:\/\/127\.0\.0\.1:\d+\/callback$/);

// What anybody on this machine can send there.
const state = new URL(input.authorization).searchParams.get('state');
const iss = new URL(input.authorization).origin;
for (const query of ['', '?code=stolen', '?code=stolen&state=other', `?code=stolen&state=${state}`, `?code=stolen&state=${state}&iss=https://other.example.com`,
  `?code=stolen&state=${state}&state=x&iss=${iss}`, '?error=access_denied&state=%3Cimg%3E']) {
  const answer = await fetch(redirectUri + query);
  assert.equal(answer.status, 404, query);
  assert.doesNotMatch(await answer.text(), /img/);
}
assert.equal((await fetch(new URL('/favicon.ico', redirectUri))).status, 404);
step('takes no answer but its own');

// A byte now and then: others are served nevertheless.
if (input.decision === 'deny') {
  const slow = connect(Number(new URL(redirectUri).port), '127.0.0.1').on('error', () => {});
  const drip = setInterval(() => slow.write('x'), 300);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal((await fetch(redirectUri, { signal: AbortSignal.timeout(5000) })).status, 404);
  clearInterval(drip);
  slow.destroy();
  step('is not held up by a slow connection');
}

const browser = await launch();
const tab = await newPage(browser);
try {
  await tab.goto(input.authorization);
  await signIn(tab, input);
  await tab.locator('button[name="decision"]').first().waitFor();
  await consent(tab, input.decision);
  const text = input.decision === 'allow' ? 'You are signed in' : 'You are not signed in';
  await tab.locator('p', { hasText: text }).waitFor();
  await look(tab, `example-native-${input.decision}`);
  step(text);
} catch (error) {
  await screenshot(tab, 'failed-example-native');
  throw new Error(`at ${tab.url()}: ${error.message}`, { cause: error });
} finally {
  await browser.close();
}
