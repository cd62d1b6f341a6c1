// A backend for a frontend of examples/ with Symbolon, and an API that does not take the first token it sees: twenty requests at once.
// How often the app refreshed is in the history of the grant.
// Settings: issuer, url (of the app), api (where this script listens), username, password.
import { listen, settings, step } from '../environment.mjs';
import assert from 'node:assert/strict';
import { HttpUserAgent } from '../http_user_agent.mjs';

const input = settings('issuer', 'url', 'api', 'username', 'password');
let first;
const seen = new Set();
await listen(input.api, (request, response) => {
  const token = request.headers.authorization;
  first ??= token;
  seen.add(token);
  response.writeHead(token === first ? 401 : 200, { 'content-type': 'application/json' }).end('[]');
});

/** The app's answer, and the cookies for it. */
async function open(path, cookie = '') {
  const response = await fetch(new URL(path, input.url), { redirect: 'manual', headers: { cookie, 'x-csrf': '1' } });
  const cookies = (response.headers.get('set-cookie') ?? '').split(/,\s*(?=__Host)/).map((line) => line.split(';')[0]);
  return { status: response.status, location: response.headers.get('location'), cookie: cookies.join('; ') };
}

const login = await open('/login');
const back = await new HttpUserAgent(input).authorize(login.location);
const { cookie } = await open(back, login.cookie);
const answers = await Promise.all(Array.from({ length: 20 }, () => open('/api/notes', cookie)));
assert.deepEqual(answers.map(({ status }) => status), Array(20).fill(200));
assert.equal(seen.size, 2, 'two tokens');
step('twenty requests were served');
process.exit(0);
