// Calls to the Notes API with an access token (RFC 6750 2.1). Owns what an exchange is, so that a person can be shown
// exactly what was sent and what came back; the token itself is abbreviated there.

import { abbreviate } from "./tokens.js";

/** Calls the API; returns {request, status, reason, challenge, retryAfter, body} for any answer. `token` may be absent. */
export async function callApi(config, method, path, { token, json } = {}) {
  const headers = { accept: "application/json" };
  if (token) headers.authorization = `Bearer ${token}`;
  if (json !== undefined) headers["content-type"] = "application/json";
  const url = `${config.api}${path}`;
  const body = json === undefined ? undefined : JSON.stringify(json);
  const answer = await fetch(url, { method, headers, body, credentials: "omit" });
  const text = await answer.text();
  return {
    request: { method, url, body, headers: { ...headers, ...(token && { authorization: `Bearer ${abbreviate(token)}` }) } },
    status: answer.status,
    reason: answer.statusText,
    challenge: answer.headers.get("www-authenticate"),
    body: parse(text),
  };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
