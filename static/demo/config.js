// What the app is told from outside: /config.json of its own origin, and the authorization server's metadata.
// Owns the check that the metadata is of the issuer asked for (RFC 8414 3.3). Who uses which endpoint is signin.js and session.js.

import { ProtocolError } from "./errors.js";

/** Exactly what the demo's clients are registered with. */
export const SCOPES = "openid profile email offline_access notes:read notes:write";

/** {issuer, client_id, app, api} of this demonstration. */
export async function loadConfig() {
  return readJson("/config.json");
}

/** The endpoints of the authorization server. */
export async function loadMetadata(issuer) {
  const metadata = await readJson(`${issuer}/.well-known/openid-configuration`);
  if (metadata.issuer !== issuer) {
    throw new ProtocolError("wrong_issuer", `Expected the metadata of ${issuer}, received that of ${metadata.issuer}.`);
  }
  return metadata;
}

async function readJson(url) {
  const answer = await fetch(url, { headers: { accept: "application/json" } });
  if (!answer.ok) throw new ProtocolError("not_found", `${url} answered ${answer.status}.`, answer.status);
  return answer.json();
}
