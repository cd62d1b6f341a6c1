// Auth.js (@auth/core), as each of its frameworks calls it: sign-in, the session's user, sign-out of the app.
import { Visitor, assert, done, input, members, port, printed, step } from './program.mjs';
import { Auth } from '@auth/core';
import { serve } from '@hono/node-server';

const config = { ...members(printed()), secret: 'a secret of the program', trustHost: true };
serve({ fetch: (request) => Auth(request, { ...config }), port });

const visitor = new Visitor();
const { csrfToken } = await visitor.program.json('/auth/csrf');
await visitor.signIn('/auth/signin/symbolon', { csrfToken, callbackUrl: `${input.url}/auth/session` });
const { user } = await visitor.program.json('/auth/session');
assert.deepEqual(user, { name: 'alice Example', email: 'alice@example.com' }, 'user of the session');
step(`signed in as ${user.name}`);

await visitor.program.open(`${input.url}/auth/signout`, { csrfToken, callbackUrl: `${input.url}/auth/session` });
assert.equal(await visitor.program.json('/auth/session'), null);
step('signed out of the app');
done();
