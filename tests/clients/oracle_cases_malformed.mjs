// Authorization requests whose form is wrong: each parameter twice or empty, odd encodings, sizes, and several mistakes at once,
// where the order of the checks shows.
import { rows } from './oracle_cases_client.mjs';

const NAMES = ['response_type', 'scope', 'state', 'nonce', 'code_challenge', 'code_challenge_method'];
const OPTIONAL = {
  response_mode: 'query', prompt: 'login', max_age: '3600', login_hint: 'alice', id_token_hint: 'x', ui_locales: 'de', display: 'page',
  acr_values: '0', claims_locales: 'de', request: 'x', request_uri: 'https://x.example', registration: '{}',
};
/** So many parameters that nobody knows. */
const many = (count) => Array.from({ length: count }, (_, i) => `&p${i}=1`).join('');
const appended = (group, all, also) => Object.entries(all).flatMap(([name, append]) => rows(group, { [name]: {} }, { append, ...also }));

export const malformedRequests = [
  ...NAMES.flatMap((name) => appended('once more', { [`${name}, with another value`]: `&${name}=x`, [`${name}, empty`]: `&${name}=` })),
  ...Object.entries(OPTIONAL).flatMap(([name, value]) => appended('twice', { [name]: `&${name}=${encodeURIComponent(value)}&${name}=${encodeURIComponent(value)}` })),
  ...Object.keys(OPTIONAL).flatMap((name) => appended('empty', { [name]: `&${name}=` })),
  ...appended('empty', { 'a name alone': '&prompt', 'an ampersand': '&', 'two ampersands': '&&', 'an equals sign': '&=', 'a value without a name': '&=none' }),
  ...appended('encoding', {
    'a percent sign alone, unknown name': '&flavour=%',
    'a percent sign with one digit, unknown name': '&flavour=%2',
    'no hexadecimal digits, unknown name': '&flavour=%zz',
    'no UTF-8, unknown name': '&flavour=%ff%fe',
    'UTF-8 too long, unknown name': '&flavour=%c0%80',
    'a percent sign alone, in prompt': '&prompt=%',
    'no UTF-8, in prompt': '&prompt=%ff',
    'no UTF-8, in login_hint': '&login_hint=%ff',
    'a NUL, in login_hint': '&login_hint=a%00b',
    'a NUL, unknown name': '&flavour=%00',
    'a name with a percent sign': '&%zz=1',
    'the name encoded': '&%70rompt=none',
    'prompt=none, encoded': '&prompt=%6e%6f%6e%65',
    'a semicolon between': '&prompt=none;max_age=0',
    'an array of PHP': '&scope[]=openid',
    'an object of PHP': '&prompt[x]=none',
    'a plus for a space': '&prompt=login+consent',
    'percent 20 for a space': '&prompt=login%20consent',
    'a second question mark': '&x=?prompt=none',
    'a prototype': '&__proto__=x&constructor=y&toString=z',
  }),
  ...rows('size', {
    'login_hint of 3000': { login_hint: 'x'.repeat(3000) },
    'login_hint of 12000': { login_hint: 'x'.repeat(12000) },
    'ui_locales of 3000': { ui_locales: 'de '.repeat(1000) },
  }),
  ...appended('size', { '100 parameters': many(92), '300 parameters': many(292) }),
  ...rows('by POST', {
    'no client_id': { client_id: undefined },
    'a wrong redirect_uri': { redirect_uri: 'https://evil.example/cb' },
    'response_type token': { response_type: 'token' },
    'a bad scope': { scope: '"' },
    'no PKCE': { code_challenge: undefined, code_challenge_method: undefined },
    'form_post': { response_mode: 'form_post' },
    'fragment': { response_mode: 'fragment' },
    'state twice': { state: ['a', 'a'] },
    'an unknown resource': { resource: 'https://unknown.example.com' },
    'max_age 0': { max_age: '0' },
    'request': { request: 'x' },
  }, { method: 'POST' }),
  ...rows('two mistakes', {
    'response_mode and response_type': { response_mode: 'pigeon', response_type: 'token' },
    'response_type and scope': { response_type: 'token', scope: '"' },
    'scope and PKCE': { scope: '"', code_challenge: undefined, code_challenge_method: undefined },
    'prompt and scope': { prompt: 'dance', scope: '"' },
    'prompt and PKCE': { prompt: 'dance', code_challenge_method: 'plain' },
    'scope and resource': { scope: '"', resource: 'https://unknown.example.com' },
    'resource and PKCE': { resource: 'https://unknown.example.com', code_challenge_method: 'plain' },
    'max_age and resource': { max_age: 'soon', resource: 'https://unknown.example.com' },
    'id_token_hint and max_age': { id_token_hint: 'x', max_age: 'soon' },
    'state twice and response_mode': { state: ['a', 'b'], response_mode: 'fragment' },
    'client_id twice and redirect_uri wrong': { client_id: ['web', 'web'], redirect_uri: 'https://evil.example/cb' },
    'request and a bad scope': { request: 'x', scope: '"' },
    'registration and response_type': { registration: '{}', response_type: 'token' },
    'everything': { response_mode: 'pigeon', response_type: 'x', scope: '"', prompt: 'x', max_age: 'x', code_challenge: 'x', resource: 'x', id_token_hint: 'x' },
  }),
];
