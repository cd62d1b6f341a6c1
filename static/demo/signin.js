// The way to the authorization server and back: builds the authorization request, keeps its verifier, state and nonce in
// sessionStorage for the time of the journey, and judges the answer (RFC 6749 4.1.2, RFC 9207). Redeeming the code is session.js.

import { SCOPES } from "./config.js";
import { ProtocolError } from "./errors.js";
import { challengeOf, randomValue } from "./pkce.js";

const KEPT = "symbolon-demo.request";

export function redirectUri(config) {
  return `${config.app}/callback`;
}

/** Leaves this page for the authorization endpoint. `prompt` is "none" for a sign-in that may ask nothing. */
export async function begin(config, metadata, prompt = undefined) {
  const request = { verifier: randomValue(), state: randomValue(), nonce: randomValue() };
  sessionStorage.setItem(KEPT, JSON.stringify(request));
  const url = new URL(metadata.authorization_endpoint);
  const parameters = {
    response_type: "code",
    client_id: config.client_id,
    redirect_uri: redirectUri(config),
    scope: SCOPES,
    state: request.state,
    nonce: request.nonce,
    code_challenge: await challengeOf(request.verifier),
    code_challenge_method: "S256",
  };
  if (prompt) parameters.prompt = prompt;
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  location.assign(url);
}

/** Whether this address carries an answer of the authorization server. */
export function isAnswer(address) {
  return address.pathname === "/callback" && (address.searchParams.has("code") || address.searchParams.has("error"));
}

/** The code of a good answer, with the verifier and the nonce of its request. What was kept is good for one answer. */
export function judgeAnswer(address, config) {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  sessionStorage.removeItem(KEPT);
  const answer = address.searchParams;
  if (!kept) throw new ProtocolError("unknown_answer", "This tab asked for no sign-in, or its answer was used before.");
  if (answer.get("state") !== kept.state) throw new ProtocolError("wrong_state", "The answer's state is not the one this tab sent.");
  if (answer.get("iss") !== config.issuer) {
    throw new ProtocolError("wrong_issuer", `Expected a response from ${config.issuer}, received one from ${answer.get("iss") ?? "no issuer"}.`);
  }
  if (answer.has("error")) throw new ProtocolError(answer.get("error"), answer.get("error_description") ?? "");
  return { code: answer.get("code"), verifier: kept.verifier, nonce: kept.nonce };
}
