// Token requests: codes, refresh tokens, client credentials. Each case starts from an authorization of its own.
import { CHALLENGE, VERIFIER } from './oracle_server.mjs';

const API = 'https://api.example.com';
const FILES = 'https://files.example.com';
const UNKNOWN = 'https://unknown.example.com';
const OTHER = 'A'.repeat(43);
const ALL = 'openid profile email offline_access notes:read';

const cases = (group, all, needs) => Object.entries(all).map(([name, run]) => ({ name: `${group}: ${name}`, run, needs }));
/** Redeems a good code with these parameters changed. */
const code = (change, client = 'web') => (server) => server.redeem(client, { change: typeof change === 'function' ? change(server) : change });
/** Redeems a code of an authorization request with `asked` changed. */
const asked = (request, change = {}, client = 'web') => async (server) => server.redeem(client, { code: await server.code(client, request), change });
/** Refreshes with these parameters changed, after an authorization request with `request` changed. */
const refresh = (change, request = {}, client = 'web') => async (server) =>
  server.refresh(client, { token: (await server.tokens(client, request)).refresh_token, change });
const credentials = (change = {}, how = {}, client = 'service') => (server) =>
  server.post('token', client, { grant_type: 'client_credentials', ...change }, how);
const json = ({ text }) => JSON.parse(text);
const wrongly = { code_verifier: OTHER };

export const tokenRequests = [
  ...cases('grant_type', {
    missing: code({ grant_type: undefined }),
    empty: code({ grant_type: '' }),
    unknown: code({ grant_type: 'urn:x' }),
    password: code({ grant_type: 'password', username: 'alice', password: 'x' }),
    implicit: code({ grant_type: 'implicit' }),
    'in capitals': code({ grant_type: 'AUTHORIZATION_CODE' }),
    'with a space': code({ grant_type: 'authorization_code ' }),
    'a device code': code({ grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: 'x' }),
    'token exchange': code({ grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', subject_token: 'x' }),
    'a JWT': code({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: 'x' }),
    'a prototype': code({ grant_type: '__proto__' }),
  }),
  ...cases('code', {
    good: code({}),
    'good, public client': code({}, 'spa'),
    'good, without openid': asked({ scope: 'notes:read', nonce: undefined }),
    'good, with offline_access': asked({ scope: 'openid offline_access' }),
    'good, of a fragment': async (server) => {
      const { url } = await server.visit(new URLSearchParams({ ...server.authorizationRequest('web'), response_mode: 'fragment' }).toString(), 'consented');
      return server.redeem('web', { code: new URLSearchParams(url.hash.slice(1)).get('code') });
    },
    'good, of the other address': asked({ redirect_uri: 'https://web.example.com/other?tenant=1' }, { redirect_uri: 'https://web.example.com/other?tenant=1' }),
    missing: code({ code: undefined }),
    empty: code({ code: '' }),
    garbage: code({ code: 'garbage' }),
    'garbage of 10000 characters': code({ code: 'x'.repeat(10000) }),
    'not ASCII': code({ code: '☃' }),
    'with a character more': async (server) => server.redeem('web', { code: `${await server.code('web')}A` }),
    'with a character less': async (server) => server.redeem('web', { code: (await server.code('web')).slice(0, -1) }),
    'with a space behind': async (server) => server.redeem('web', { code: `${await server.code('web')} ` }),
    'of another client': async (server) => server.redeem('post', { code: await server.code('web'), change: { redirect_uri: 'https://web.example.com/cb' } }),
    'of another client, then of its own': async (server) => {
      const mine = await server.code('web');
      await server.redeem('post', { code: mine, change: { redirect_uri: 'https://web.example.com/cb' } });
      return server.redeem('web', { code: mine });
    },
    'a refresh token': async (server) => server.redeem('web', { code: (await server.tokens('web')).refresh_token }),
    'an access token': async (server) => server.redeem('web', { code: (await server.tokens('web')).access_token }),
    replayed: async (server) => {
      const mine = await server.code('web');
      await server.redeem('web', { code: mine });
      return server.redeem('web', { code: mine });
    },
    'replayed, and what came of it refreshed': async (server) => {
      const mine = await server.code('web');
      const { refresh_token } = json(await server.redeem('web', { code: mine }));
      await server.redeem('web', { code: mine });
      return server.refresh('web', { token: refresh_token });
    },
    'replayed by another client, and what came of it refreshed': async (server) => {
      const mine = await server.code('web');
      const { refresh_token } = json(await server.redeem('web', { code: mine }));
      await server.redeem('post', { code: mine, change: { redirect_uri: 'https://web.example.com/cb' } });
      return server.refresh('web', { token: refresh_token });
    },
    'replayed with a wrong verifier, and what came of it refreshed': async (server) => {
      const mine = await server.code('web');
      const { refresh_token } = json(await server.redeem('web', { code: mine }));
      await server.redeem('web', { code: mine, change: wrongly });
      return server.refresh('web', { token: refresh_token });
    },
    'replayed, and what came of it at userinfo': async (server) => {
      const mine = await server.code('web');
      const { access_token } = json(await server.redeem('web', { code: mine }));
      await server.redeem('web', { code: mine });
      return server.send('GET', server.metadata.userinfo_endpoint, { headers: { authorization: `Bearer ${access_token}` } });
    },
    'with scope': code({ scope: 'openid' }),
    'with a scope that is malformed': code({ scope: '"' }),
    'with state': code({ state: 'x' }),
  }),
  ...cases('verifier', {
    missing: code({ code_verifier: undefined }),
    'missing, public client': code({ code_verifier: undefined }, 'spa'),
    empty: code({ code_verifier: '' }),
    wrong: code(wrongly),
    'wrong, then right': async (server) => {
      const mine = await server.code('web');
      await server.redeem('web', { code: mine, change: wrongly });
      return server.redeem('web', { code: mine });
    },
    'the challenge': code({ code_verifier: CHALLENGE }),
    'of 42 characters': code({ code_verifier: VERIFIER.slice(1) }),
    'of 129 characters': code({ code_verifier: 'A'.repeat(129) }),
    'with a space': code({ code_verifier: `${VERIFIER} ` }),
    'not ASCII': code({ code_verifier: `é${VERIFIER.slice(1)}` }),
    'in other case': code({ code_verifier: VERIFIER.toUpperCase() }),
  }),
  ...cases('redirect_uri at the token endpoint', {
    missing: code({ redirect_uri: undefined }),
    'missing, one registered': code({ redirect_uri: undefined }, 'spa'),
    empty: code({ redirect_uri: '' }),
    wrong: code({ redirect_uri: 'https://evil.example/cb' }),
    'the other one': code({ redirect_uri: 'https://web.example.com/other?tenant=1' }),
    'with a slash behind': code({ redirect_uri: 'https://web.example.com/cb/' }),
    'wrong, then right': async (server) => {
      const mine = await server.code('web');
      await server.redeem('web', { code: mine, change: { redirect_uri: 'https://evil.example/cb' } });
      return server.redeem('web', { code: mine });
    },
    'wrong, and the verifier wrong': code({ redirect_uri: 'https://evil.example/cb', ...wrongly }),
  }),
  ...cases('resource at the token endpoint', {
    'the one asked for': asked({ resource: API, scope: ALL }, { resource: API }),
    'one of two asked for': asked({ resource: [API, FILES] }, { resource: FILES }),
    'both of two asked for': asked({ resource: [API, FILES] }, { resource: [API, FILES] }),
    'none of two asked for': asked({ resource: [API, FILES] }),
    'one that was not asked for': asked({ resource: API }, { resource: FILES }),
    'one of all': asked({ scope: ALL }, { resource: API }),
    unknown: code({ resource: UNKNOWN }),
    'with a fragment': code({ resource: `${API}#x` }),
    'no URI': code({ resource: 'api' }),
    empty: code({ resource: '' }),
    'the same twice': asked({ scope: ALL }, { resource: [API, API] }),
    'unknown, then a good one': async (server) => {
      const mine = await server.code('web', { scope: ALL });
      await server.redeem('web', { code: mine, change: { resource: UNKNOWN } });
      return server.redeem('web', { code: mine, change: { resource: API } });
    },
  }),
  ...cases('refresh', {
    good: refresh({}),
    'good, public client': refresh({}, {}, 'spa'),
    'good, secret in the body': refresh({}, {}, 'post'),
    'good, with offline_access': refresh({}, { scope: ALL }),
    'good, without openid': refresh({}, { scope: 'notes:read', nonce: undefined }),
    'good, twice in a row': async (server) => {
      const first = json(await server.refresh('web'));
      return server.refresh('web', { token: first.refresh_token });
    },
    missing: (server) => server.post('token', 'web', { grant_type: 'refresh_token' }),
    empty: (server) => server.refresh('web', { token: '' }),
    garbage: (server) => server.refresh('web', { token: 'garbage' }),
    'with a character more': async (server) => server.refresh('web', { token: `${(await server.tokens('web')).refresh_token}A` }),
    'an access token': async (server) => server.refresh('web', { token: (await server.tokens('web')).access_token }),
    'an ID token': async (server) => server.refresh('web', { token: (await server.tokens('web')).id_token }),
    'a code': async (server) => server.refresh('web', { token: await server.code('web') }),
    'of another client': async (server) => server.refresh('post', { token: (await server.tokens('web')).refresh_token }),
    'of a public client, by another': async (server) => server.refresh('web', { token: (await server.tokens('spa')).refresh_token }),
    'of another client, then of its own': async (server) => {
      const { refresh_token } = await server.tokens('web');
      await server.refresh('post', { token: refresh_token });
      return server.refresh('web', { token: refresh_token });
    },
    'without the secret': async (server) => server.refresh('web', { token: (await server.tokens('web')).refresh_token, as: 'none' }),
    replayed: async (server) => {
      const { refresh_token } = await server.tokens('web');
      await server.refresh('web', { token: refresh_token });
      return server.refresh('web', { token: refresh_token });
    },
    'replayed, and its successor': async (server) => {
      const { refresh_token } = await server.tokens('web');
      const next = json(await server.refresh('web', { token: refresh_token }));
      await server.refresh('web', { token: refresh_token });
      return server.refresh('web', { token: next.refresh_token });
    },
    'replayed after its successor was used': async (server) => {
      const { refresh_token } = await server.tokens('web');
      const next = json(await server.refresh('web', { token: refresh_token }));
      await server.refresh('web', { token: next.refresh_token });
      return server.refresh('web', { token: refresh_token });
    },
    'replayed after its successor was used, and the newest': async (server) => {
      const { refresh_token } = await server.tokens('web');
      const next = json(await server.refresh('web', { token: refresh_token }));
      const last = json(await server.refresh('web', { token: next.refresh_token }));
      await server.refresh('web', { token: refresh_token });
      return server.refresh('web', { token: last.refresh_token });
    },
    'the same scope': refresh({ scope: 'openid profile email' }),
    'a narrower scope': refresh({ scope: 'openid' }),
    'a narrower scope, then all': async (server) => {
      const next = json(await server.refresh('web', { change: { scope: 'openid' } }));
      return server.refresh('web', { token: next.refresh_token, change: { scope: 'openid profile email' } });
    },
    'a wider scope': refresh({ scope: 'openid profile email notes:read' }),
    'a scope not for this client': refresh({ scope: 'notes:write' }),
    'an unknown scope': refresh({ scope: 'openid unknown' }),
    'a malformed scope': refresh({ scope: '"' }),
    'an empty scope': refresh({ scope: '' }),
    'a space for scope': refresh({ scope: ' ' }),
    'two spaces in scope': refresh({ scope: 'openid  email' }),
    'without openid': refresh({ scope: 'profile' }),
    'a wider scope, then all': async (server) => {
      const { refresh_token } = await server.tokens('web');
      await server.refresh('web', { token: refresh_token, change: { scope: 'notes:write' } });
      return server.refresh('web', { token: refresh_token });
    },
    'the resource': refresh({ resource: API }, { resource: [API, FILES] }),
    'both resources': refresh({ resource: [API, FILES] }, { resource: [API, FILES] }),
    'a resource not asked for': refresh({ resource: FILES }, { resource: API }),
    'an unknown resource': refresh({ resource: UNKNOWN }),
    'a resource with a fragment': refresh({ resource: `${API}#x` }),
    'the token twice': async (server) => {
      const { refresh_token } = await server.tokens('web');
      return server.refresh('web', { token: [refresh_token, refresh_token] });
    },
    'scope twice': refresh({ scope: ['openid', 'openid'] }),
    'with a redirect_uri': refresh({ redirect_uri: 'https://evil.example/cb' }),
    'with a code': refresh({ code: 'x' }),
  }),
  ...cases('client_credentials', {
    good: credentials(),
    'with its scope': credentials({ scope: 'notes:read' }),
    'with an empty scope': credentials({ scope: '' }),
    'with openid': credentials({ scope: 'openid' }),
    'with offline_access': credentials({ scope: 'offline_access' }),
    'with a scope not its own': credentials({ scope: 'notes:write' }),
    'with an unknown scope': credentials({ scope: 'unknown' }),
    'with its scope and an unknown one': credentials({ scope: 'notes:read unknown' }),
    'with a malformed scope': credentials({ scope: '"' }),
    'with two spaces': credentials({ scope: 'notes:read  notes:read' }),
    'scope twice': credentials({ scope: ['notes:read', 'notes:read'] }),
    'with a resource': credentials({ resource: API }),
    'with a resource and its scope': credentials({ resource: API, scope: 'notes:read' }),
    'with both resources': credentials({ resource: [API, FILES] }),
    'with an unknown resource': credentials({ resource: UNKNOWN }),
    'with a resource with a fragment': credentials({ resource: `${API}#x` }),
    'with a resource that is no URI': credentials({ resource: 'api' }),
    'with an empty resource': credentials({ resource: '' }),
    'with a wrong secret': credentials({}, { as: `Basic ${Buffer.from('service:wrong').toString('base64')}` }),
    'without a secret': credentials({}, { as: 'none' }),
    'by GET': credentials({}, { method: 'GET' }),
    'by a web app': credentials({}, {}, 'web'),
    'by a web app, secret in the body': credentials({}, {}, 'post'),
    'by a public client': credentials({}, {}, 'spa'),
    'a code by a service': (server) => server.post('token', 'service', { grant_type: 'authorization_code', code: 'x', redirect_uri: 'https://x.example', code_verifier: VERIFIER }),
    'a refresh by a service': (server) => server.post('token', 'service', { grant_type: 'refresh_token', refresh_token: 'x' }),
    'at userinfo': async (server) => {
      const { access_token } = json(await credentials()(server));
      return server.send('GET', server.metadata.userinfo_endpoint, { headers: { authorization: `Bearer ${access_token}` } });
    },
  }, ['client_credentials']),
];
