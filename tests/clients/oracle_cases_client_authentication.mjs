// How a client authenticates at the token endpoint, and what form a request has there. Each case redeems a good code, so that what
// is refused is refused for the one thing that is wrong.
import { createPrivateKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { encode } from './oracle_server.mjs';

const base64 = (text) => Buffer.from(text).toString('base64');
const FORM = 'application/x-www-form-urlencoded';
const secret = (server, id) => server.client(id).client_secret;
const wrong = 'not-the-secret-that-was-issued';

/** Redeems a good code of `client` by other means than its own. */
const redeem = (client, means) => (server) => server.redeem(client, typeof means === 'function' ? means(server) : means);
const header = (client, text) => redeem(client, (server) => ({ as: typeof text === 'function' ? text(server) : text }));

/** A client assertion (RFC 7523 §3) of the client with a key, ES256; `change` replaces claims, or the header with `header`. */
function assertion(server, { header: more = {}, key, ...change } = {}) {
  const now = Math.floor(Date.now() / 1000);
  const { client_id, private_jwk } = server.client('signed');
  const claims = { iss: client_id, sub: client_id, aud: server.issuer, jti: randomUUID(), iat: now, exp: now + 60, ...change };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const unsigned = `${part({ alg: 'ES256', kid: private_jwk.kid, ...more })}.${part(claims)}`;
  const jwk = key ?? private_jwk;
  return `${unsigned}.${sign('sha256', Buffer.from(unsigned), { key: createPrivateKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

const ASSERTION = { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' };
const asserted = (change, more = {}) => (server) => {
  const form = { ...ASSERTION, client_assertion: assertion(server, typeof change === 'function' ? change(server) : change), ...more };
  return server.post('token', 'signed', { grant_type: 'client_credentials', ...form }, { as: 'private_key_jwt' });
};
const STRANGER = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });

const cases = (group, all, needs) => Object.entries(all).map(([name, run]) => ({ name: `${group}: ${name}`, run, needs }));

export const clientAuthentication = [
  ...cases('client authentication', {
    'Basic': redeem('web', {}),
    'in the body': redeem('post', {}),
    'none, for a public client': redeem('spa', {}),
    'Basic, and client_id in the body': redeem('web', { change: { client_id: 'web' } }),
    'Basic, and another client_id in the body': redeem('web', { change: { client_id: 'spa' } }),
    'Basic, and the secret in the body': redeem('web', (server) => ({ change: { client_id: 'web', client_secret: secret(server, 'web') } })),
    'Basic, and an empty secret in the body': redeem('web', { change: { client_id: 'web', client_secret: '' } }),
    'Basic, for a client of the body': header('post', (server) => `Basic ${base64(`post:${secret(server, 'post')}`)}`),
    'in the body, for a client of Basic': redeem('web', { as: 'client_secret_post' }),
    'missing, for a client with a secret': redeem('web', { as: 'none' }),
    'nothing at all': redeem('web', { as: 'nothing' }),
    'nothing at all, public client': redeem('spa', { as: 'nothing' }),
    'an empty client_id': redeem('spa', { change: { client_id: '' } }),
    'an unknown client': redeem('spa', { change: { client_id: 'nobody' } }),
    'an unknown client by Basic': header('web', `Basic ${base64('nobody:secret')}`),
    'a wrong secret by Basic': header('web', `Basic ${base64(`web:${wrong}`)}`),
    'a wrong secret in the body': redeem('post', { change: { client_secret: wrong } }),
    'an empty secret by Basic': header('web', `Basic ${base64('web:')}`),
    'an empty secret in the body': redeem('post', { change: { client_secret: '' } }),
    'the secret of another client': header('web', (server) => `Basic ${base64(`web:${secret(server, 'post')}`)}`),
    'a public client with a secret': redeem('spa', { change: { client_secret: 'x' } }),
    'a public client by Basic': header('spa', `Basic ${base64('spa:x')}`),
    'a public client by Basic, without a secret': header('spa', `Basic ${base64('spa:')}`),
    'Basic in lower case': header('web', (server) => `basic ${base64(`web:${secret(server, 'web')}`)}`),
    'Basic without credentials': header('web', 'Basic '),
    'Basic with a space too many': header('web', (server) => `Basic  ${base64(`web:${secret(server, 'web')}`)}`),
    'Basic with a space behind': header('web', (server) => `Basic ${base64(`web:${secret(server, 'web')}`)} x`),
    'Basic that is no base64': header('web', 'Basic !!!'),
    'Basic with base64 without padding': header('web', (server) => `Basic ${base64(`web:${secret(server, 'web')}`).replace(/=+$/, '')}`),
    'Basic with base64url': header('web', `Basic ${Buffer.from('web:~~~???').toString('base64url')}`),
    'Basic without a colon': header('web', `Basic ${base64('web')}`),
    'Basic without an id': header('web', `Basic ${base64(':secret')}`),
    'Basic with a broken percent sign': header('web', `Basic ${base64('web:%zz')}`),
    'Basic with a NUL': header('web', `Basic ${base64('web:%00')}`),
    'Basic with the id encoded': header('web', (server) => `Basic ${base64(`%77eb:${secret(server, 'web')}`)}`),
    'Basic that is not UTF-8': header('web', `Basic ${Buffer.from([0x77, 0xff, 0x3a, 0x78]).toString('base64')}`),
    Bearer: header('web', 'Bearer token'),
    'another scheme': header('web', 'Digest username="web"'),
    'Bearer, and the secret in the body': redeem('post', { headers: { authorization: 'Bearer token' } }),
    'two headers': redeem('web', (server) => ({ headers: { authorization: [1, 2].map(() => `Basic ${base64(`web:${secret(server, 'web')}`)}`) } })),
    'an assertion that is none': redeem('web', { as: 'none', change: { ...ASSERTION, client_assertion: 'x' } }),
    'an assertion of another type': redeem('web', { as: 'none', change: { client_assertion_type: 'urn:x', client_assertion: 'a.b.c' } }),
    'an assertion type alone': redeem('web', { as: 'none', change: ASSERTION }),
    'Basic, and an assertion': redeem('web', { change: { ...ASSERTION, client_assertion: 'a.b.c' } }),
    'wrong, and an unknown grant type': redeem('web', { as: `Basic ${base64(`web:${wrong}`)}`, change: { grant_type: 'x' } }),
    'wrong, and no grant type': redeem('web', { as: `Basic ${base64(`web:${wrong}`)}`, change: { grant_type: undefined } }),
  }),
  ...cases('assertion', {
    good: asserted({}),
    'good, with client_id': asserted({}, { client_id: 'signed' }),
    'for the token endpoint': asserted((server) => ({ aud: server.metadata.token_endpoint })),
    'for a list of audiences': asserted((server) => ({ aud: [server.issuer] })),
    'for another server': asserted({ aud: 'https://other.example' }),
    'without aud': asserted({ aud: undefined }),
    'without exp': asserted({ exp: undefined }),
    'without jti': asserted({ jti: undefined }),
    'without iss': asserted({ iss: undefined }),
    'without sub': asserted({ sub: undefined }),
    expired: asserted({ exp: 1000 }),
    'not yet good': asserted({ nbf: 4e9 }),
    'iss and sub differ': asserted({ iss: 'web' }),
    'of another client': asserted({ iss: 'web', sub: 'web' }),
    'of another client_id': asserted({}, { client_id: 'web' }),
    'with another key': asserted({ key: STRANGER }),
    'alg none': asserted({ header: { alg: 'none' } }),
    'alg HS256': asserted({ header: { alg: 'HS256' } }),
    'of another type': asserted({}, { client_assertion_type: 'urn:x' }),
    'without a type': asserted({}, { client_assertion_type: undefined }),
    'and a secret': asserted({}, { client_secret: 'x' }),
    twice: async (server) => {
      const client_assertion = assertion(server);
      const send = () => server.post('token', 'signed', { grant_type: 'client_credentials', ...ASSERTION, client_assertion }, { as: 'private_key_jwt' });
      await send();
      return send();
    },
    'by a client with a key, a secret': (server) => server.post('token', 'signed', { grant_type: 'client_credentials', client_id: 'signed', client_secret: 'x' }, { as: 'client_secret_post' }),
    'by a client with a key, nothing': (server) => server.post('token', 'signed', { grant_type: 'client_credentials' }, { as: 'none' }),
  }, ['private_key_jwt', 'client_credentials']),
  ...cases('form', {
    'GET': redeem('spa', { method: 'GET' }),
    'PUT': redeem('spa', { method: 'PUT' }),
    'DELETE': redeem('spa', { method: 'DELETE' }),
    'a query as well': redeem('spa', { query: '?x=1' }),
    'an empty query': redeem('spa', { query: '?' }),
    'the code in the query': redeem('spa', { query: '?code=x' }),
    'the client_secret in the query': redeem('post', (server) => ({ query: `?client_secret=${secret(server, 'post')}` })),
    'everything in the query': async (server) => server.redeem('spa', { body: '', query: `?${encode({ grant_type: 'authorization_code', client_id: 'spa', code: await server.code('spa') })}` }),
    JSON: async (server) => server.redeem('spa', { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ grant_type: 'authorization_code', client_id: 'spa', code: await server.code('spa') }) }),
    'no content type': redeem('spa', { headers: { 'content-type': undefined } }),
    'text/plain': redeem('spa', { headers: { 'content-type': 'text/plain' } }),
    multipart: redeem('spa', { headers: { 'content-type': 'multipart/form-data; boundary=x' }, body: '--x--' }),
    'with a charset': redeem('spa', { headers: { 'content-type': `${FORM}; charset=utf-8` } }),
    'the type in capitals': redeem('spa', { headers: { 'content-type': FORM.toUpperCase() } }),
    'an empty body': redeem('spa', { body: '' }),
    'an empty body, with Basic': redeem('web', { body: '' }),
    'not UTF-8': redeem('web', { body: 'grant_type=authorization_code&code=%ff' }),
    'a broken percent sign': redeem('web', { body: 'grant_type=authorization_code&code=%zz' }),
    'an unknown parameter': redeem('web', { change: { flavour: 'vanilla' } }),
    'an unknown parameter twice': redeem('web', { change: { flavour: ['vanilla', 'chocolate'] } }),
    'of 20000 bytes': redeem('web', { change: { flavour: 'x'.repeat(20000) } }),
    'of 70000 bytes': redeem('web', { change: { flavour: 'x'.repeat(70000) } }),
    '300 parameters': redeem('web', { change: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`p${i}`, '1'])) }),
    'asked for HTML': redeem('web', { headers: { accept: 'text/html' }, change: { code: 'x' } }),
    ...Object.fromEntries(['grant_type', 'code', 'redirect_uri', 'code_verifier', 'client_id'].map((name) => [`${name} twice`, async (server) => {
      const form = { grant_type: 'authorization_code', client_id: 'spa', code: await server.code('spa'), redirect_uri: 'https://spa.example.com/cb', code_verifier: 'x'.repeat(43) };
      return server.post('token', 'spa', { ...form, [name]: [form[name], form[name]] });
    }])),
    'client_secret twice': redeem('post', (server) => ({ change: { client_secret: [1, 2].map(() => secret(server, 'post')) } })),
  }),
];
