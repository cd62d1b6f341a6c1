// The differences from `oidc-provider` that are meant: which cases, what each server answers, and the reason. A name without a state
// stands for all three. An entry that no difference needs is stale, and a failure as much as a difference without an entry.
import { REASONS } from './oracle_reasons.mjs';

const GOES_ON = /^(login|consent|client \w+: code state iss)$/;
const refused = (error, mode = 'query') => `client ${mode}: error=${error} state iss`;
const INVALID = refused('invalid_request');
const TOKENS = /^200 access_token expires_in id_token refresh_token scope token_type$/;
const named = (group, ...names) => names.map((name) => `${group}: ${name}`);

const entry = (reason, cases, ours, theirs) => ({ reason, cases, ours, theirs });

export const DIFFERENCES = [
  entry('redirect_uri_with_openid', named('redirect_uri, one registered', 'missing', 'empty'), 'page 400', GOES_ON),
  entry('loopback_ports', named('redirect_uri, native', 'with the port 0', 'with an empty port'), 'page 400', GOES_ON),
  entry(
    'error_in_query',
    [/^response_type: (code )?(id_token|token)/, 'by POST: response_type token', 'two mistakes: response_type and scope'],
    refused('unsupported_response_type'), refused('unsupported_response_type', 'fragment'),
  ),
  entry(
    'error_in_query',
    ['two mistakes: registration and response_type'],
    refused('registration_not_supported'), refused('registration_not_supported', 'fragment'),
  ),
  entry('response_type_words', ['response_type: code code'], refused('unsupported_response_type'), GOES_ON),
  entry(
    'response_mode_error',
    [
      ...named(
        'response_mode', 'unknown', 'jwt', 'query.jwt', 'form_post.jwt', 'web_message', 'in capitals', 'with a space',
        'two words',
      ),
      'two mistakes: everything',
    ],
    INVALID, refused('unsupported_response_mode'),
  ),
  entry(
    'response_mode_error',
    ['two mistakes: response_mode and response_type'],
    INVALID, refused('unsupported_response_mode', 'fragment'),
  ),
  entry('response_mode_twice', ['response_mode: twice'], refused('invalid_request', 'fragment'), INVALID),
  entry(
    'whole_digests',
    named('PKCE', 'challenge of 44 characters', 'challenge of 128 characters', 'challenge with a dot', 'challenge with a tilde'),
    INVALID, GOES_ON,
  ),
  entry('default_scope', named('scope', 'missing', 'empty'), GOES_ON, INVALID),
  entry('default_scope', named('scope', 'missing, without nonce'), GOES_ON, refused('access_denied')),
  entry('left_out_scopes', named('scope', 'known, but not for this client'), GOES_ON, refused('invalid_scope')),
  entry('resource_spelling', named('resource', 'with a slash behind', 'in capitals'), GOES_ON, refused('invalid_target')),
  entry(
    'unknown_scopes',
    named('scope', 'unknown', 'unknown alone'),
    refused('invalid_scope'), /^(login|consent|client query: (code|error=access_denied) state iss)$/,
  ),
  entry('unknown_scopes', named('scope', 'in capitals', 'a comma between'), refused('invalid_scope'), INVALID),
  entry(
    'without_openid',
    [
      'scope: of an API alone, with nonce', 'max_age: without openid', 'id_token_hint: without openid',
      'ignored: acr_values without openid', 'claims: without openid',
    ],
    GOES_ON, INVALID,
  ),
  entry(
    'offline_access_alone',
    named('scope', 'offline_access alone [signed in]', 'offline_access alone [consented]'),
    GOES_ON, refused('access_denied'),
  ),
  entry(
    'spaces_in_prompt',
    ['prompt: a space behind'],
    /^client query: (code|error=(login|consent)_required) state iss$/, INVALID,
  ),
  entry(
    'strict_forms',
    [/^encoding: .*, (unknown name|in login_hint) \[/, 'encoding: a name with a percent sign'],
    INVALID, GOES_ON,
  ),
  entry('strict_forms', ['state: with a NUL'], 'client query: error=invalid_request iss', GOES_ON),
  entry('unknown_twice', ['ignored: an unknown parameter twice'], INVALID, GOES_ON),
  entry('unknown_twice', ['form: an unknown parameter twice'], '400 invalid_request', TOKENS),
  entry('limits', ['nonce: of 3000 characters', 'max_age: 2^32', 'size: 300 parameters'], INVALID, GOES_ON),
  entry('limits', ['form: of 20000 bytes'], '413 invalid_request', TOKENS),
  entry('limits', ['form: of 70000 bytes'], '413 invalid_request', '400 invalid_request'),
  entry('limits', ['form: 300 parameters'], '400 invalid_request', TOKENS),
  entry('numbers', named('max_age', 'with a sign', 'with a space', 'hexadecimal', 'with an exponent'), INVALID, GOES_ON),
  entry(
    'consent_required',
    named('prompt, native client', 'none [signed in]', 'none [consented]'),
    refused('consent_required'), refused('interaction_required'),
  ),
  entry('order_of_checks', ['two mistakes: prompt and scope'], refused('invalid_scope'), INVALID),
  entry('order_of_checks', ['two mistakes: resource and PKCE'], refused('invalid_target'), INVALID),

  entry('strict_base64', ['client authentication: Basic with base64 without padding'], '401 invalid_client Basic', TOKENS),
  entry(
    'invalid_client',
    named(
      'client authentication', 'nothing at all', 'nothing at all, public client', 'an empty client_id',
    ),
    '401 invalid_client Basic', '400 invalid_request',
  ),
  entry(
    'invalid_client',
    named('client authentication', 'an assertion that is none', 'an assertion of another type'),
    '400 invalid_client', '400 invalid_request',
  ),
  entry('invalid_client', ['form: an empty body'], '401 invalid_client Basic', '400 invalid_request'),
  entry(
    'challenge',
    [
      ...named(
        'client authentication', 'an empty secret in the body', 'an unknown client', 'missing, for a client with a secret',
      ),
      ...named('introspection', 'an unknown client', 'without the secret'),
      ...named('revocation', 'an unknown client', 'without the secret'),
      'assertion: by a client with a key, nothing', 'client_credentials: without a secret', 'refresh: without the secret',
    ],
    '401 invalid_client Basic', '401 invalid_client',
  ),
  entry(
    'challenge',
    [
      ...named('client authentication', 'a public client with a secret', 'a wrong secret in the body', 'an assertion type alone'),
      ...named(
        'assertion', 'alg HS256', 'alg none', 'by a client with a key, a secret', 'expired', 'for another server',
        'iss and sub differ', 'not yet good', 'of another client', 'twice', 'with another key', 'without aud', 'without exp',
        'without iss', 'without jti', 'without sub',
      ),
    ],
    '400 invalid_client', '401 invalid_client',
  ),
  entry(
    'grant_type_first',
    ['client authentication: wrong, and an unknown grant type'],
    '400 unsupported_grant_type', '401 invalid_client Basic',
  ),
  entry('empty_secret', ['client authentication: a public client by Basic, without a secret'], TOKENS, '400 invalid_request'),
  entry(
    'invalid_client',
    named(
      'client authentication', 'an empty secret by Basic',
      'Basic without credentials', 'Basic with a space too many', 'Basic with a space behind', 'Basic that is no base64',
      'Basic with base64url', 'Basic without a colon', 'Basic without an id', 'Basic with a broken percent sign',
      'Basic with a NUL', 'Basic that is not UTF-8', 'Bearer', 'another scheme',
    ),
    '401 invalid_client Basic', '400 invalid_request',
  ),
  entry('two_headers', ['client authentication: two headers'], '400 invalid_request', TOKENS),
  entry('allowed_methods', named('form', 'GET', 'PUT', 'DELETE'), '405 invalid_request', '404 page'),
  entry(
    'no_query',
    named('form', 'a query as well', 'the code in the query', 'the client_secret in the query'),
    '400 invalid_request', TOKENS,
  ),
  entry('json_errors', ['form: asked for HTML'], '400 invalid_grant', '400 page'),
  entry(
    'malformed_verifier',
    named('verifier', 'of 42 characters', 'of 129 characters', 'with a space', 'not ASCII'),
    '400 invalid_grant', '400 invalid_request',
  ),
  entry('token_redirect_uri', named('redirect_uri at the token endpoint', 'missing', 'empty'), TOKENS, '400 invalid_request'),
  entry('refused_is_not_used', ['resource at the token endpoint: unknown, then a good one'], TOKENS, '400 invalid_grant'),
  entry('retry_window', named('refresh', 'replayed', 'replayed, and its successor'), TOKENS, '400 invalid_grant'),
  entry(
    'no_error_without_token',
    named('userinfo', 'no token', 'Basic'),
    '401 empty Bearer', /^401 invalid_token Bearer$|^400 invalid_request$/,
  ),
  entry(
    'invalid_client',
    named('assertion', 'of another type', 'without a type'),
    '400 invalid_client', '400 invalid_request',
  ),
  entry(
    'invalid_client',
    [...named('introspection', 'a Bearer token for the client', 'no client'), ...named('revocation', 'a Bearer token for the client', 'no client')],
    '401 invalid_client Basic', '400 invalid_request',
  ),
  entry(
    'allowed_methods',
    ['client_credentials: by GET', 'introspection: GET', 'revocation: GET'],
    '405 invalid_request', '404 page',
  ),
  entry(
    'unauthorized_client',
    named(
      'client_credentials', 'by a web app', 'by a web app, secret in the body', 'by a public client', 'a code by a service',
      'a refresh by a service',
    ),
    '400 unauthorized_client', '400 invalid_request',
  ),
  entry(
    'unknown_scopes',
    named('client_credentials', 'with an unknown scope', 'with its scope and an unknown one'),
    '400 invalid_scope', /^200 /,
  ),
  entry(
    'scope_told',
    [
      ...named('client_credentials', 'good', 'with an empty scope', 'with a resource', 'with an empty resource'),
      ...named('assertion', 'good', 'good, with client_id', 'for a list of audiences'),
    ],
    '200 access_token expires_in scope token_type', '200 access_token expires_in token_type',
  ),
  entry('several_resources', ['client_credentials: with both resources'], /^200 access_token /, '400 invalid_target'),
  entry('assertion_audience', ['assertion: for the token endpoint'], '400 invalid_client', /^200 access_token /),
  entry('claims_members', named('claims', 'with unknown members alone', 'an empty object'), GOES_ON, INVALID),
  entry('essential_acr', ['claims: acr, essential, which nobody has'], refused('unmet_authentication_requirements'), 'login'),
  entry(
    'introspection_members',
    named(
      'introspection', 'an access token', 'an access token, rightly hinted', 'an access token, wrongly hinted',
      'an access token, hinted as something unknown',
    ),
    '200 acr active=true amr aud auth_time client_id exp iat iss jti scope sub token_type username',
    '200 active=true client_id exp iat iss scope sub token_type',
  ),
  entry(
    'introspection_members',
    [
      'introspection after revocation: of a refresh token by another client',
      ...named(
        'introspection', 'a refresh token', 'a refresh token, hinted as something unknown', 'a refresh token, rightly hinted',
        'a refresh token, wrongly hinted', 'an empty hint', 'secret in the body',
      ),
    ],
    '200 active=true client_id exp iat iss scope sub username', '200 active=true client_id exp iat iss scope sub',
  ),
  entry(
    'introspection_scope', ['introspection: by the API, an access token'],
    '200 acr active=true amr aud auth_time client_id exp iat iss jti sub token_type username', '200 active=true client_id exp iat iss scope sub token_type',
  ),
  entry(
    'introspection_members',
    ['introspection: a token of client_credentials'],
    '200 active=true aud client_id exp iat iss jti scope sub token_type', '200 active=true aud client_id exp iat iss token_type',
  ),
  entry('introspection_authorized', ['introspection: a public client'], '401 invalid_client Basic', /^200 active=true /),
  entry('introspection_authorized', ['introspection: a public client, an unknown token'], '401 invalid_client Basic', '200 active=false'),
  entry(
    'revocation_refused',
    named('revocation', 'a refresh token of another client', 'an access token of another client'),
    '400 invalid_request', '200 empty',
  ),
  entry('jwts_are_tokens', ['revocation: an ID token'], '200 empty', '400 unsupported_token_type'),
  entry('insufficient_scope', ['client_credentials: at userinfo'], '403 insufficient_scope', '401 invalid_token Bearer'),
  entry('logout_suspect', ['logout: a hint of someone else'], 'page 200, signed out', 'client, signed out'),
  entry(
    'logout_goes_on',
    named(
      'logout', 'a hint that is garbage', 'an address that is not registered', 'an address with a slash behind',
      'an address of another client', 'an unknown client',
    ),
    'page 200, signed out', 'page 400, signed in',
  ),
  entry('jwts_are_tokens', ['introspection: an ID token'], '200 active=false', '400 unsupported_token_type'),
];

const fits = (pattern, text) => (pattern instanceof RegExp ? pattern.test(text) : pattern === text);
const covers = (item, name) => fits(item, name) || (typeof item === 'string' && name.startsWith(`${item} [`));

/** Sorts the answers: how many are alike, how many differ for a reason, and what is wrong. `leftOut` are names that were not sent. */
export function judge(answers, leftOut) {
  const needed = new Map(DIFFERENCES.map((one) => [one, new Set()]));
  const problems = [];
  let [alike, explained] = [0, 0];
  for (const { name, ours, theirs } of answers) {
    const failed = [ours, theirs].some((answer) => answer.startsWith('failed'));
    const found = DIFFERENCES.find((one) => one.cases.some((item) => covers(item, name)) && fits(one.ours, ours) && fits(one.theirs, theirs));
    if (ours === theirs && !failed) alike += 1;
    else if (found && !failed) {
      explained += 1;
      for (const item of found.cases) if (covers(item, name)) needed.get(found).add(item);
    } else problems.push(`${name} | ours: ${ours} | theirs: ${theirs}`);
  }
  for (const [{ reason, cases }, met] of needed) {
    if (!REASONS[reason]) problems.push(`there is no reason '${reason}'`);
    const stale = cases.filter((item) => !met.has(item) && !leftOut.some((name) => covers(item, name)));
    problems.push(...stale.map((item) => `stale: no difference needs '${item}' (${reason})`));
  }
  const used = new Set(DIFFERENCES.map(({ reason }) => reason));
  problems.push(...Object.keys(REASONS).filter((reason) => !used.has(reason)).map((reason) => `stale: no entry has the reason '${reason}'`));
  return { alike, explained, problems: problems.sort() };
}
