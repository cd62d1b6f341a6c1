// The table of the differential test: what is sent to both servers. Authorization requests are sent in three states: nobody signed
// in, signed in without consent, signed in with consent. The others are short programs over one Server (oracle_server.mjs).
// `needs` names what a server must list in its discovery document for the case to be sent.
import { clientRequests } from './oracle_cases_client.mjs';
import { authorizationRequests } from './oracle_cases_authorization.mjs';
import { malformedRequests } from './oracle_cases_malformed.mjs';
import { clientAuthentication } from './oracle_cases_client_authentication.mjs';
import { tokenRequests } from './oracle_cases_token.mjs';
import { otherEndpoints } from './oracle_cases_endpoints.mjs';

export const STATES = ['nobody', 'signed in', 'consented'];
export const AUTHORIZATION = [...clientRequests, ...authorizationRequests, ...malformedRequests];
export const PROGRAMS = [...clientAuthentication, ...tokenRequests, ...otherEndpoints];

/** Whether the discovery document lists what a case needs. */
export function isListed(needs, metadata) {
  const listed = {
    claims: metadata.claims_parameter_supported === true,
    client_credentials: metadata.grant_types_supported.includes('client_credentials'),
    private_key_jwt: metadata.token_endpoint_auth_methods_supported.includes('private_key_jwt'),
    introspection: metadata.introspection_endpoint !== undefined,
    revocation: metadata.revocation_endpoint !== undefined,
    end_session: metadata.end_session_endpoint !== undefined,
  };
  return needs.every((need) => listed[need]);
}
