// Whether a request may be served: the access token is checked as RFC 9068 §4 says, and refusals are answered as RFC 6750 §3 says.
import { errors, jwtVerify } from 'jose';
import { KeysUnavailable, PublishedKeys } from './keys.js';

// Asymmetric algorithms alone. Without a list, a token could choose how it is checked.
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];
const CLOCK_TOLERANCE = 30; // seconds by which the clocks of two machines may differ

/** Middleware for Express: serves requests whose access token has this scope. Then `request.token` has the claims. */
export function requireScope(issuer, audience) {
  const keys = new PublishedKeys(issuer);
  const expected = {
    issuer,
    audience, // a token for another API is not for this one
    typ: 'at+jwt', // an ID token is no access token
    algorithms: ALGORITHMS,
    requiredClaims: ['exp', 'sub', 'client_id'],
    clockTolerance: CLOCK_TOLERANCE,
  };

  return (scope) => async (request, response, next) => {
    const [, token] = /^Bearer +([\w.~+/=-]+)$/i.exec(request.get('authorization') ?? '') ?? [];
    // Nothing was tried, so nothing is wrong: the challenge has no error (RFC 6750 §3.1).
    if (!token) return refuse(response, 401);
    try {
      const { payload } = await jwtVerify(token, keys.find, expected);
      if (typeof payload.scope !== 'string' || !payload.scope.split(' ').includes(scope)) {
        return refuse(response, 403, 'insufficient_scope', `the token lacks the scope ${scope}`, scope);
      }
      request.token = payload;
    } catch (error) {
      if (error instanceof KeysUnavailable) {
        return response.set('Retry-After', '5').status(503).json({ error: 'temporarily_unavailable' });
      }
      // What jose finds wrong with a token is one of its own errors. Anything else is a fault of ours.
      if (!(error instanceof errors.JOSEError)) throw error;
      const expired = error instanceof errors.JWTExpired;
      return refuse(response, 401, 'invalid_token', expired ? 'the token has expired' : 'the token is not valid for this API');
    }
    next();
  };
}

function refuse(response, status, error, description, scope) {
  // Fixed texts: nothing of the request gets into a header.
  const parameters = Object.entries({ realm: 'notes', error, error_description: description, scope });
  const challenge = parameters.filter(([, value]) => value).map(([name, value]) => `${name}="${value}"`);
  response.set('WWW-Authenticate', `Bearer ${challenge.join(', ')}`);
  response.status(status).json({ error: error ?? 'unauthorized', error_description: description ?? 'an access token is required' });
}
