// The oracle: `oidc-provider` in this process, with the people, clients, scopes and resource servers that Symbolon has, and what is
// policy (not protocol) set as there: PKCE or a nonce, refresh tokens for every client that may use them, no `resource` means
// all, and consent remembered for a person and a client, each authorization with a grant of its own. Its access tokens are opaque:
// it refuses JWTs at its introspection and revocation endpoints. The pages have the forms that HttpUserAgent fills in.
import { generateKeyPairSync } from 'node:crypto';
import { body, listen } from './environment.mjs';
import './oracle_old_node.mjs';

for (const level of ['info', 'warn']) {
  const say = console[level]; // what it says about running in production is not for here
  console[level] = (...said) => (/oidc-provider (NOTICE|WARNING)/.test(said[0]) ? undefined : say(...said));
}
const { Provider, errors, interactionPolicy } = await import('oidc-provider');

/** What each scope opens: consent to the scope is consent to these. */
const CLAIMS = { openid: ['sub'], profile: ['name', 'preferred_username', 'updated_at'], email: ['email', 'email_verified'] };
const APPS = ['authorization_code', 'refresh_token'];

/** The registration of a client of the settings, in the words of RFC 7591. */
function registration({ client_id, kind, client_secret, auth, private_jwk, redirect_uris, post_logout_redirect_uris, scope }) {
  const { d, ...public_jwk } = private_jwk ?? {};
  return {
    client_id,
    ...(client_secret && { client_secret }),
    ...(private_jwk && { jwks: { keys: [public_jwk] } }),
    application_type: kind === 'native' ? 'native' : 'web',
    token_endpoint_auth_method: auth,
    redirect_uris,
    post_logout_redirect_uris,
    grant_types: kind === 'service' ? ['client_credentials'] : APPS,
    response_types: kind === 'service' ? [] : ['code'],
    scope,
  };
}

function configuration({ clients, scopes, resources }, consents) {
  const minutes = (number) => number * 60;
  const policy = interactionPolicy.base();
  policy.add(new interactionPolicy.Prompt({ name: 'select_account', requestable: true }), 1);
  return {
    clients: clients.map(registration),
    scopes,
    jwks: { keys: [{ ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    responseTypes: ['code'],
    // Of whom PKCE is required is policy: of public clients, and where an OpenID Connect request has no nonce (RFC 9700 §2.1.1).
    pkce: { required: ({ oidc: { params } }, { clientAuthMethod }) => clientAuthMethod === 'none' || !params.nonce || !params.scope?.split(' ').includes('openid') },
    // SameSite=None over plain http is for this machine alone: the user agent here does not mind.
    enableHttpPostMethods: true,
    cookies: { keys: ['the oracle'], long: { sameSite: 'none', signed: true }, short: { signed: true } },
    ttl: { AccessToken: minutes(10), AuthorizationCode: 60, ClientCredentials: minutes(10), Grant: minutes(60), IdToken: minutes(10), Interaction: minutes(60), RefreshToken: minutes(60), Session: minutes(60) },
    issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: () => false,
    rotateRefreshToken: true,
    findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId, name: accountId, preferred_username: accountId, updated_at: 1, email: `${accountId}@example.com`, email_verified: false }) }),
    claims: CLAIMS,
    interactions: { policy, url: (_, { uid, prompt }) => `/interaction/${prompt.name}/${uid}` },
    async loadExistingGrant({ oidc }) {
      const given = consents.get(`${oidc.account.accountId} ${oidc.client.clientId}`);
      if (!given) return undefined;
      const grant = new oidc.provider.Grant({ accountId: oidc.account.accountId, clientId: oidc.client.clientId });
      grant.addOIDCScope([...given.scopes].join(' '));
      grant.addOIDCClaims([...given.claims, ...[...given.scopes].flatMap((scope) => CLAIMS[scope] ?? [])]);
      for (const resource of given.resources) grant.addResourceScope(resource, [...given.scopes].join(' '));
      await grant.save();
      return grant;
    },
    features: {
      devInteractions: { enabled: false },
      introspection: {
        enabled: true,
        allowedPolicy: (_, client, token) => token.clientId === client.clientId || (client.clientId === 'api' && token.kind !== 'RefreshToken'),
      },
      revocation: { enabled: true, allowedPolicy: (_, client, token) => token.clientId === client.clientId },
      clientCredentials: { enabled: true },
      claimsParameter: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      pushedAuthorizationRequests: { enabled: false },
      resourceIndicators: {
        enabled: true,
        // A service gets a token for one.
        defaultResource: ({ oidc }, _, several) => several?.[0] ?? (oidc.params.grant_type === 'client_credentials' ? resources[0] : resources),
        getResourceServerInfo(_, audience) {
          if (!resources.includes(audience)) throw new errors.InvalidTarget();
          return { audience, scope: scopes.filter((scope) => scope.includes(':')).join(' '), accessTokenFormat: 'opaque', accessTokenTTL: minutes(10) };
        },
      },
    },
  };
}

/** The sign-in and consent pages: GET shows the form, POST takes the answer. */
function pages(provider, { people, password }, consents) {
  const html = (response, fields) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<form method="post">${['csrf', ...fields].map((name) => `<input name="${name}" value="-">`).join('')}</form>`);
  };
  return async (request, response) => {
    const { prompt, params, session } = await provider.interactionDetails(request, response);
    if (request.method === 'GET') return html(response, prompt.name === 'login' ? ['username', 'password'] : ['decision']);
    const answer = new URLSearchParams(await body(request));
    if (prompt.name === 'login') {
      const known = people.includes(answer.get('username')) && answer.get('password') === password;
      if (!known) return html(response, ['username', 'password']);
      return provider.interactionFinished(request, response, { login: { accountId: answer.get('username') } });
    }
    if (answer.get('decision') !== 'allow') return provider.interactionFinished(request, response, { error: 'access_denied' });
    const key = `${session.accountId} ${params.client_id}`;
    const given = consents.get(key) ?? { scopes: new Set(), claims: new Set(), resources: new Set() };
    for (const scope of params.scope?.split(' ') ?? []) given.scopes.add(scope);
    for (const resource of [params.resource ?? []].flat()) given.resources.add(resource);
    for (const claim of prompt.details.missingOIDCClaims ?? []) given.claims.add(claim);
    consents.set(key, given);
    return provider.interactionFinished(request, response, { consent: {} });
  };
}

/** Starts the oracle on a free port. `world`: clients, scopes, resources, people, password. Gives back its issuer and `close`. */
export async function startProvider(world) {
  const consents = new Map();
  let answer;
  const server = await listen('http://localhost:0', (request, response) => answer(request, response));
  const issuer = `http://localhost:${server.address().port}`;
  const provider = new Provider(issuer, configuration(world, consents));
  const [page, protocol] = [pages(provider, world, consents), provider.callback()];
  provider.on('server_error', (context, error) => console.error(`the oracle, at ${context.path}:`, error));
  answer = (request, response) => {
    if (!request.url.startsWith('/interaction/')) return protocol(request, response);
    return page(request, response).catch((error) => response.writeHead(500).end(String(error)));
  };
  const close = () => {
    server.close();
    server.closeAllConnections?.();
  };
  return { issuer, close };
}
