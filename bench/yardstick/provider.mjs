// The yardstick: `oidc-provider` on PORT of this machine, with COUNT refresh tokens of SCOPE, each of a grant of its own, which it
// prints as JSON before it listens. What it does for a refresh is what Symbolon does: it rotates the token and signs a JWT access
// token with RS256 and a key of 2048 bits, with the same claims and the same lifetime. Where SCOPE has openid, it signs an ID token as
// well. It keeps everything in memory: a Map, because its own adapter forgets all but the last thousand entries. Its JavaScript runs
// in one thread; several processes would each have a memory of their own, so there is one.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import '../../tests/clients/oracle_old_node.mjs';

for (const level of ['info', 'warn']) {
  const say = console[level]; // standard output is for the tokens
  console[level] = (...said) => (/oidc-provider (NOTICE|WARNING)/.test(said[0]) ? undefined : say(...said));
}
const { Provider } = await import('oidc-provider');

const [port, count] = process.argv.slice(2, 4).map(Number);
const scope = process.argv[4];
const API = 'https://api.example.com';
const TEN_MINUTES = 600;
const A_YEAR = 365 * 24 * 3600;

/** What a model keeps, by its id; a grant's tokens, to be revoked with it. */
class Memory {
  kept = new Map();
  static tokens = new Map();

  async upsert(id, payload) {
    this.kept.set(id, payload);
    if (!payload.grantId) return;
    const tokens = Memory.tokens.get(payload.grantId) ?? new Set();
    Memory.tokens.set(payload.grantId, tokens.add([this, id]));
  }

  async find(id) {
    return this.kept.get(id);
  }

  async consume(id) {
    this.kept.get(id).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    this.kept.delete(id);
  }

  async revokeByGrantId(grantId) {
    for (const [model, id] of Memory.tokens.get(grantId) ?? []) model.kept.delete(id);
    Memory.tokens.delete(grantId);
  }
}

const models = new Map();
const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
const provider = new Provider(`http://localhost:${port}`, {
  adapter: (name) => models.get(name) ?? models.set(name, new Memory()).get(name),
  clients: [
    {
      client_id: 'app',
      token_endpoint_auth_method: 'none',
      redirect_uris: ['https://app.example.com/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    },
  ],
  scopes: ['openid', 'offline_access', 'notes:read'],
  jwks: { keys: [{ ...key, use: 'sig', alg: 'RS256' }] },
  cookies: { keys: ['none is set here'] },
  ttl: { AccessToken: TEN_MINUTES, Grant: A_YEAR, RefreshToken: A_YEAR },
  rotateRefreshToken: true,
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  extraTokenClaims: (_, token) => ({ auth_time: signedIn, acr: 'urn:example:pwd', sid: token.sessionUid }),
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: 'notes:read', audience: API, accessTokenFormat: 'jwt', accessTokenTTL: TEN_MINUTES, jwt: { sign: { alg: 'RS256' } } }),
    },
  },
});
provider.on('server_error', (_, error) => console.error(error));

const signedIn = Math.floor(Date.now() / 1000) - 3600;
const client = await provider.Client.find('app');
const tokens = [];
for (let number = 0; number < count; number += 1) {
  const accountId = `person-${number}`;
  const grant = new provider.Grant({ accountId, clientId: client.clientId });
  grant.addOIDCScope('openid offline_access');
  grant.addResourceScope(API, 'notes:read');
  const grantId = await grant.save();
  const sessionUid = randomUUID();
  const token = new provider.RefreshToken({ accountId, client, grantId, gty: 'authorization_code', scope, resource: API, authTime: signedIn, sessionUid });
  tokens.push(await token.save());
}
console.log(JSON.stringify({ client_id: client.clientId, tokens }));
provider.listen(port, '127.0.0.1');
