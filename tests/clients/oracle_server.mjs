// One of the two servers under comparison: requests to its endpoints, and each answer in a few words that mean the same for both:
// "client query: code state iss", "login", "consent", "page 400", "400 invalid_grant", "200 access_token expires_in ...".
import assert from 'node:assert/strict';
import { Agent, request as httpRequest } from 'node:http';
import { HttpUserAgent, forms } from './http_user_agent.mjs';

/** RFC 7636 appendix B. */
export const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
export const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

/** Encodes name and value pairs; undefined is left out, a list is repeated. */
export function encode(parameters) {
  const pairs = Object.entries(parameters).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  return new URLSearchParams(pairs.filter(([, value]) => value !== undefined)).toString();
}

const basic = (id, secret) => `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`;

export class Server {
  /** `world`: clients by id, people, password, scopes, resources. */
  constructor(name, issuer, world) {
    Object.assign(this, { name, issuer, world, origin: new URL(issuer).origin, cookies: { nobody: '' }, hints: {}, signedIn: Promise.resolve() });
    this.agent = new Agent({ keepAlive: true, maxSockets: 8 });
  }

  /** Reads the discovery document, signs two people in, lets one consent to every app, and keeps ID tokens as hints. */
  async prepare() {
    this.metadata = JSON.parse((await this.send('GET', `${this.issuer}/.well-known/openid-configuration`)).text);
    const [alice, bob, carol] = this.world.people;
    for (const [person, state, apps] of [[carol, 'elsewhere', ['web']], [bob, 'signed in', []], [alice, 'consented', ['web', 'spa', 'post']]]) {
      this.cookies[state] = cookieHeader(await this.signIn(person, apps));
      for (const app of apps.slice(0, 1)) this.hints[person] = (await this.tokens(app, { state })).id_token;
    }
    this.subject = JSON.parse(Buffer.from(this.hints[alice].split('.')[1], 'base64url')).sub;
    this.hints.post = (await this.tokens('post')).id_token;
  }

  /** A user agent in which this person is signed in and has consented to these apps. One after the other: sign-ins are throttled. */
  signIn(username, apps) {
    this.signedIn = this.signedIn.then(() => this.signInNow(username, apps));
    return this.signedIn;
  }

  async signInNow(username, apps = []) {
    const agent = new HttpUserAgent({ issuer: this.issuer, username, password: this.world.password });
    for (const app of apps.length > 0 ? apps : ['web']) {
      const ask = { prompt: 'consent', scope: this.client(app).scope, resource: this.world.resources };
      const answer = await agent.authorize(this.authorizationUrl(app, ask), apps.length > 0 ? 'allow' : 'deny');
      assert.equal(answer.searchParams.get('error'), apps.length > 0 ? null : 'access_denied', `${this.name}: ${answer}`);
    }
    return agent;
  }

  client(id) {
    return this.world.clients.find(({ client_id }) => client_id === id);
  }

  /** The parameters of a good authorization request of this client. */
  authorizationRequest(client_id, change = {}) {
    return {
      client_id,
      redirect_uri: this.client(client_id).redirect_uris?.[0],
      response_type: 'code',
      scope: 'openid profile email',
      state: 'the state+of %this',
      nonce: 'n-0S6_WzA2Mj',
      code_challenge: CHALLENGE,
      code_challenge_method: 'S256',
      ...change,
    };
  }

  authorizationUrl(client_id, change) {
    return `${this.metadata.authorization_endpoint}?${encode(this.authorizationRequest(client_id, change))}`;
  }

  /** One HTTP request on a kept connection; header values may be lists. */
  send(method, url, { headers = {}, body } = {}) {
    return new Promise((resolve, reject) => {
      const call = httpRequest(url, { method, agent: this.agent, family: 4, headers: { ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) } });
      call.on('error', reject);
      call.on('response', (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() }));
      });
      call.end(body);
    });
  }

  /** Sends an encoded authorization request in one of the states, or as a user agent; the answer is a URL, a form, a page of ours or a status. */
  async visit(encoded, state, method = 'GET') {
    const headers = { cookie: this.cookies[state] ?? cookieHeader(state), accept: 'text/html' };
    let url = new URL(this.metadata.authorization_endpoint);
    const form = { headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' }, body: encoded };
    let answer = method === 'POST' ? await this.send('POST', url, form) : await this.send('GET', `${url}?${encoded}`, { headers });
    for (let hops = 0; hops < 5 && answer.headers.location; hops += 1) {
      url = new URL(answer.headers.location, url);
      if (url.origin !== this.origin) return { url };
      const own = url.pathname.match(/\/(login|consent|select[-_]account)(\/|$)/);
      if (own) return { own: own[1].replace('_', '-') };
      answer = await this.send('GET', url, { headers });
    }
    const posted = forms(answer.text).find(({ action }) => action && new URL(action, url).origin !== this.origin);
    return posted ? { url: new URL(posted.action), fields: posted.fields } : { status: answer.status };
  }

  /** The answer to an authorization request, in words. */
  async authorize({ client, change = {}, append = '', method }, state) {
    const mine = Object.fromEntries(Object.entries(change).map(([name, value]) => [name, typeof value === 'function' ? value(this) : value]));
    const asked = this.authorizationRequest(client, mine);
    const { url, fields, own, status } = await this.visit(encode(asked) + append, state, method);
    if (!url) return own ?? `page ${status}`;
    const registered = (this.client(client)?.redirect_uris ?? []).some((uri) => this.leadsTo(url, uri));
    if (!registered) return `elsewhere ${url.origin}${url.pathname}`;
    const mode = fields ? 'form_post' : url.hash ? 'fragment' : 'query';
    const members = new URLSearchParams(fields ?? (url.hash ? url.hash.slice(1) : url.search));
    const told = (name, wanted) => (members.has(name) ? ` ${name}${wanted.includes(members.get(name)) ? '' : ' (altered)'}` : '');
    const outcome = members.has('code') ? ' code' : ` error=${members.get('error')}`;
    return `client ${mode}:${outcome}${told('state', [asked.state].flat())}${told('iss', [this.issuer])}`;
  }

  /** Whether `url` is the registered `uri`, on any port where it is a loopback address. */
  leadsTo(url, uri) {
    const [there, registered] = [url, new URL(uri)].map(({ protocol, hostname, port, pathname }) =>
      [protocol, hostname, /^(127\.0\.0\.1|\[::1\])$/.test(hostname) ? '' : port, pathname].join(' '));
    return there === registered && [...new URL(uri).searchParams].every(([name, value]) => url.searchParams.get(name) === value);
  }

  /** A code for this client, got in a state where nothing needs asking. */
  async code(client, { state = 'consented', ...change } = {}) {
    const { url } = await this.visit(encode(this.authorizationRequest(client, change)), state);
    const code = url?.searchParams.get('code');
    assert.ok(code, `${this.name}: expected a code for ${client}, received ${url}`);
    return code;
  }

  /** POSTs a form to an endpoint as this client. `as` is how it authenticates: a method's name, or the header itself. */
  async post(endpoint, client_id, form, { as, headers = {}, body, query = '', method = 'POST' } = {}) {
    const { auth = 'none', client_secret } = this.client(client_id) ?? {};
    const how = as ?? auth;
    const parameters = { ...form };
    const authorization = how === 'client_secret_basic' ? basic(client_id, client_secret) : how.includes(' ') ? how : undefined;
    if (how === 'none' || how === 'client_secret_post') parameters.client_id ??= client_id;
    if (how === 'client_secret_post') parameters.client_secret ??= client_secret;
    const sent = method === 'GET' ? undefined : body ?? encode(parameters);
    const type = sent === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
    const all = { accept: 'application/json', ...type, ...(authorization && { authorization }), ...headers };
    for (const name of Object.keys(all)) if (all[name] === undefined) delete all[name];
    return this.send(method, `${this.metadata[`${endpoint}_endpoint`]}${query || (method === 'GET' ? `?${encode(parameters)}` : '')}`, { headers: all, body: sent });
  }

  /** The token request that redeems a code; `change` replaces parameters. */
  async redeem(client, { code, change = {}, ...how } = {}) {
    const redirect_uri = this.client(client).redirect_uris[0];
    const form = { grant_type: 'authorization_code', code: code ?? (await this.code(client)), redirect_uri, code_verifier: VERIFIER, ...change };
    return this.post('token', client, form, how);
  }

  /** The tokens of a fresh authorization. */
  async tokens(client, change) {
    const answer = await this.redeem(client, { code: await this.code(client, change) });
    assert.equal(answer.status, 200, `${this.name}: ${answer.text}`);
    return JSON.parse(answer.text);
  }

  /** The token request that refreshes. */
  async refresh(client, { token, change = {}, ...how } = {}) {
    const refresh_token = token ?? (await this.tokens(client)).refresh_token;
    return this.post('token', client, { grant_type: 'refresh_token', refresh_token, ...change }, how);
  }
}

function cookieHeader({ cookies }) {
  return [...cookies].map((pair) => pair.join('=')).join('; ');
}

/** An answer of an endpoint for machines, in words. */
export function inWords({ status, headers, text }) {
  const challenge = status === 401 && headers['www-authenticate'] ? ` ${headers['www-authenticate'].split(' ')[0]}` : '';
  let members;
  try {
    members = JSON.parse(text);
  } catch {
    return `${status} ${text === '' ? 'empty' : 'page'}${challenge}`;
  }
  const open = status === 200 && !/no-store/.test(headers['cache-control'] ?? '') ? ' (may be stored)' : '';
  if (members.error) return `${status} ${members.error}${challenge}`;
  const names = Object.keys(members).sort().map((name) => (name === 'active' ? `active=${members.active}` : name));
  return `${status} ${names.join(' ')}${open}`;
}
