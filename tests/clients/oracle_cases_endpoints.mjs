// Introspection (RFC 7662), revocation (RFC 7009), userinfo, and logout as the client asks for it (RP-Initiated Logout).
import { HttpUserAgent, forms } from './http_user_agent.mjs';
import { encode } from './oracle_server.mjs';

const cases = (group, all, needs) => Object.entries(all).map(([name, run]) => ({ name: `${group}: ${name}`, run, needs }));
const json = ({ text }) => JSON.parse(text);
const wrongly = (client) => ({ as: `Basic ${Buffer.from(`${client}:wrong`).toString('base64')}` });

/** Sends to `endpoint` as `client` the token that `member` names, of a fresh authorization of `owner`. */
const about = (endpoint, member, { client = 'web', owner = 'web', form = {}, how = {}, times = 1, request = {} } = {}) => async (server) => {
  const tokens = await server.tokens(owner, request);
  let answer;
  for (let time = 0; time < times; time += 1) answer = await server.post(endpoint, client, { token: tokens[member], ...form }, how);
  return answer;
};
/** Revokes one token of a fresh authorization and then sees what `then` makes of them. */
const after = (member, then, { client = 'web', owner = 'web', form = {} } = {}) => async (server) => {
  const tokens = await server.tokens(owner);
  await server.post('revocation', client, { token: tokens[member], ...form });
  return then(server, tokens);
};
const refreshed = (server, { refresh_token }) => server.refresh('web', { token: refresh_token });
const userinfo = (server, { access_token }) => server.send('GET', server.metadata.userinfo_endpoint, { headers: { authorization: `Bearer ${access_token}` } });
const introspected = (member) => (server, tokens) => server.post('introspection', 'web', { token: tokens[member] });
const plain = (endpoint, form, how, client = 'web') => (server) => server.post(endpoint, client, form, how);

/** What introspection and revocation have in common: who asks, and how. */
const common = (endpoint) => ({
  'an access token': about(endpoint, 'access_token'),
  'an access token, rightly hinted': about(endpoint, 'access_token', { form: { token_type_hint: 'access_token' } }),
  'an access token, wrongly hinted': about(endpoint, 'access_token', { form: { token_type_hint: 'refresh_token' } }),
  'an access token, hinted as something unknown': about(endpoint, 'access_token', { form: { token_type_hint: 'pigeon' } }),
  'a refresh token': about(endpoint, 'refresh_token'),
  'a refresh token, rightly hinted': about(endpoint, 'refresh_token', { form: { token_type_hint: 'refresh_token' } }),
  'a refresh token, wrongly hinted': about(endpoint, 'refresh_token', { form: { token_type_hint: 'access_token' } }),
  'a refresh token, hinted as something unknown': about(endpoint, 'refresh_token', { form: { token_type_hint: 'pigeon' } }),
  'a refresh token of another client': about(endpoint, 'refresh_token', { owner: 'post' }),
  'an access token of another client': about(endpoint, 'access_token', { owner: 'post' }),
  'an ID token': about(endpoint, 'id_token'),
  'a code': async (server) => server.post(endpoint, 'web', { token: await server.code('web') }),
  'an empty hint': about(endpoint, 'refresh_token', { form: { token_type_hint: '' } }),
  'no token': plain(endpoint, {}),
  'an empty token': plain(endpoint, { token: '' }),
  'an unknown token': plain(endpoint, { token: 'unknown' }),
  'an unknown token, hinted': plain(endpoint, { token: 'unknown', token_type_hint: 'refresh_token' }),
  'an unknown token of 10000 characters': plain(endpoint, { token: 'x'.repeat(10000) }),
  'a token that is no JWT': plain(endpoint, { token: 'a.b.c' }),
  'the token twice': about(endpoint, 'refresh_token', { form: { token: ['x', 'x'] } }),
  'the hint twice': about(endpoint, 'refresh_token', { form: { token_type_hint: ['refresh_token', 'refresh_token'] } }),
  'an unknown parameter': plain(endpoint, { token: 'unknown', flavour: 'vanilla' }),
  'secret in the body': about(endpoint, 'refresh_token', { client: 'post', owner: 'post' }),
  'a public client': about(endpoint, 'refresh_token', { client: 'spa', owner: 'spa' }),
  'a public client, an unknown token': plain(endpoint, { token: 'unknown' }, {}, 'spa'),
  'no client': plain(endpoint, { token: 'unknown' }, { as: 'nothing' }),
  'an unknown client': plain(endpoint, { token: 'unknown', client_id: 'nobody' }, { as: 'none' }),
  'a wrong secret': plain(endpoint, { token: 'unknown' }, wrongly('web')),
  'without the secret': plain(endpoint, { token: 'unknown' }, { as: 'none' }),
  'in the body, for a client of Basic': plain(endpoint, { token: 'unknown' }, { as: 'client_secret_post' }),
  'a Bearer token for the client': plain(endpoint, { token: 'unknown' }, { as: 'Bearer x' }),
  GET: plain(endpoint, { token: 'unknown' }, { method: 'GET' }),
  'a query': plain(endpoint, {}, { query: '?token=unknown' }),
  JSON: plain(endpoint, {}, { headers: { 'content-type': 'application/json' }, body: '{"token":"unknown"}' }),
  'no content type': plain(endpoint, { token: 'unknown' }, { headers: { 'content-type': undefined } }),
  'an empty body': plain(endpoint, {}, { body: '' }),
});

/** Signs the third person in anew, asks for logout as an app does, agrees on the page if there is one, and tells where that ends. */
const logout = (request, { signedIn = true, agree = true } = {}) => async (server) => {
  const carol = server.world.people[2];
  const agent = signedIn ? await server.signIn(carol) : new HttpUserAgent({ issuer: server.issuer });
  const asked = typeof request === 'function' ? request(server) : request;
  let page = await agent.open(`${server.metadata.end_session_endpoint}?${encode(asked)}`);
  for (let steps = 0; agree && steps < 3 && !(page instanceof URL); steps += 1) {
    const form = page.status === 200 && forms(page.text).find(({ action, fields }) => 'csrf' in fields || 'xsrf' in fields || /logout|session/.test(action ?? ''));
    if (!form) break;
    page = await agent.open(new URL(form.action || page.url, page.url), { ...form.fields, logout: 'yes' });
  }
  const { url } = await server.visit(encode(server.authorizationRequest('web', { prompt: 'none' })), agent);
  const over = url?.searchParams.get('error') === 'login_required' ? 'signed out' : 'signed in';
  if (!(page instanceof URL)) return { words: `page ${page.status}, ${over}` };
  const state = page.searchParams.get('state');
  return { words: `client${state === null ? '' : state === asked.state ? ' state' : ' state (altered)'}, ${over}` };
};
const hint = (server) => server.hints[server.world.people[2]];
const BACK = 'https://web.example.com/signed-out';

export const otherEndpoints = [
  ...cases('userinfo', {
    good: async (server) => userinfo(server, await server.tokens('web', { resource: undefined })),
    'no token': (server) => server.send('GET', server.metadata.userinfo_endpoint),
    'garbage': (server) => userinfo(server, { access_token: 'garbage' }),
    'a refresh token': async (server) => userinfo(server, { access_token: (await server.tokens('web')).refresh_token }),
    'an ID token': async (server) => userinfo(server, { access_token: (await server.tokens('web')).id_token }),
    'Basic': (server) => server.send('GET', server.metadata.userinfo_endpoint, { headers: { authorization: 'Basic d2ViOng=' } }),
    'no openid': async (server) => userinfo(server, await server.tokens('web', { scope: 'notes:read', nonce: undefined })),
  }),
  ...cases('introspection', {
    ...common('introspection'),
    'by the API, an access token': about('introspection', 'access_token', { client: 'api', request: { resource: 'https://api.example.com' } }),
    'by the API, a refresh token': about('introspection', 'refresh_token', { client: 'api' }),
    'a token of client_credentials': async (server) => {
      const { access_token } = json(await server.post('token', 'service', { grant_type: 'client_credentials' }));
      return server.post('introspection', 'api', { token: access_token });
    },
    'a refresh token that was rotated': async (server) => {
      const tokens = await server.tokens('web');
      const next = json(await refreshed(server, tokens));
      await server.refresh('web', { token: next.refresh_token });
      return server.post('introspection', 'web', { token: tokens.refresh_token });
    },
  }, ['introspection']),
  ...cases('revocation', {
    ...common('revocation'),
    'of a refresh token, twice': about('revocation', 'refresh_token', { times: 2 }),
    'of a refresh token, then refreshed': after('refresh_token', refreshed),
    'of a refresh token, wrongly hinted, then refreshed': after('refresh_token', refreshed, { form: { token_type_hint: 'access_token' } }),
    'of a refresh token, then userinfo': after('refresh_token', userinfo),
    'of a refresh token by another client, then refreshed': after('refresh_token', refreshed, { client: 'post' }),
    'of an access token, then userinfo': after('access_token', userinfo),
    'of an access token by another client, then userinfo': after('access_token', userinfo, { client: 'post' }),
  }, ['revocation']),
  ...cases('introspection after revocation', {
    'of a refresh token, the refresh token': after('refresh_token', introspected('refresh_token')),
    'of a refresh token, the access token': after('refresh_token', introspected('access_token')),
    'of an access token, the access token': after('access_token', introspected('access_token')),
    'of a refresh token by another client': after('refresh_token', introspected('refresh_token'), { client: 'post' }),
  }, ['introspection', 'revocation']),
  ...cases('logout', {
    'nothing asked': logout({}),
    'nothing asked, nobody signed in': logout({}, { signedIn: false }),
    'nothing agreed': logout({}, { agree: false }),
    'a hint': logout((server) => ({ id_token_hint: hint(server) })),
    'a hint and an address': logout((server) => ({ id_token_hint: hint(server), post_logout_redirect_uri: BACK })),
    'a hint, an address and state': logout((server) => ({ id_token_hint: hint(server), post_logout_redirect_uri: BACK, state: 'a+b c' })),
    'a hint, an address and state, nobody signed in': logout((server) => ({ id_token_hint: hint(server), post_logout_redirect_uri: BACK, state: 'a+b c' }), { signedIn: false }),
    'a client and an address': logout({ client_id: 'web', post_logout_redirect_uri: BACK }),
    'an address alone': logout({ post_logout_redirect_uri: BACK }),
    'an address that is not registered': logout((server) => ({ id_token_hint: hint(server), post_logout_redirect_uri: 'https://evil.example/' })),
    'an address with a slash behind': logout((server) => ({ id_token_hint: hint(server), post_logout_redirect_uri: `${BACK}/` })),
    'an address of another client': logout((server) => ({ id_token_hint: hint(server), client_id: 'spa', post_logout_redirect_uri: BACK })),
    'a hint that is garbage': logout({ id_token_hint: 'garbage', post_logout_redirect_uri: BACK }),
    'a hint of someone else': logout((server) => ({ id_token_hint: server.hints[server.world.people[0]], post_logout_redirect_uri: BACK })),
    'an unknown client': logout({ client_id: 'nobody', post_logout_redirect_uri: BACK }),
    'the address twice': logout((server) => ({ id_token_hint: hint(server), post_logout_redirect_uri: [BACK, BACK] })),
  }, ['end_session']),
];
