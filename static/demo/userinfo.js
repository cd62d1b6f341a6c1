// Name and e-mail of the person: with the code flow they come from the userinfo endpoint, not with the ID token (OpenID Connect
// Core 5.3, 5.4). Owns the request and the check that the answer is about the person the ID token names (5.3.2).

import { ProtocolError, errorOf } from "./errors.js";

/** The claims of the person `sub`, as far as the access token's scope opens them. */
export async function askWho(endpoint, token, sub) {
  const answer = await fetch(endpoint, { headers: { accept: "application/json", authorization: `Bearer ${token}` }, credentials: "omit" });
  const body = await answer.json().catch(() => null);
  if (answer.status !== 200 || !body) throw errorOf(answer.status, body);
  if (body.sub !== sub) throw new ProtocolError("wrong_subject", `Expected the claims of ${sub}, received those of ${body.sub ?? "no subject"}.`);
  return body;
}
