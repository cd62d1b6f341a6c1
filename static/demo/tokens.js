// Tokens as this app handles them: asking the token endpoint (RFC 6749 4.1.3, 6), reading a JWT, and the checks an ID token
// must pass (OpenID Connect Core 3.1.3.7). Its signature is not among them: the token came straight from the token endpoint, which
// 3.1.3.7 (6) accepts. Keeping tokens is session.js.

import { ProtocolError } from "./errors.js";
import { base64url, sha256 } from "./pkce.js";

const CLOCK_SKEW_SECONDS = 60;

/** Posts a form to the token endpoint. Returns {status, body} for any answer in JSON, good or bad. */
export async function askForTokens(endpoint, fields) {
  const answer = await fetch(endpoint, { method: "POST", body: new URLSearchParams(fields), credentials: "omit" });
  const body = await answer.json().catch(() => null);
  return { status: answer.status, body };
}

/** Header and payload of a JWT, for looking at only. */
export function decode(jwt) {
  const [header, payload] = jwt.split(".").slice(0, 2).map(decodePart);
  return { header, payload };
}

function decodePart(part) {
  const binary = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(binary, (character) => character.charCodeAt(0))));
}

/** Checks an ID token; returns what was checked, for people to read, and throws at the first check that fails. */
export async function checkIdToken(idToken, accessToken, expected) {
  if (!idToken) throw new ProtocolError("no_id_token", "The answer holds no ID token.");
  const { payload } = decode(idToken);
  const now = Date.now() / 1000;
  const half = (await sha256(accessToken)).slice(0, 16);
  const checks = [
    ["iss is the server this app asked", payload.iss === expected.issuer],
    ["aud is this app", [payload.aud].flat().includes(expected.client_id)],
    ["azp, if there is one, is this app", payload.azp === undefined || payload.azp === expected.client_id],
    ["exp lies in the future", payload.exp > now - CLOCK_SKEW_SECONDS],
    ["iat is not ahead of this clock", payload.iat < now + CLOCK_SKEW_SECONDS],
    ["nonce is the one this tab sent", payload.nonce === expected.nonce],
    ["at_hash fits the access token", payload.at_hash === undefined || payload.at_hash === base64url(half)],
  ];
  const failed = checks.find(([, passed]) => !passed);
  if (failed) throw new ProtocolError("bad_id_token", `The ID token fails a check: ${failed[0]}.`);
  return checks.map(([name]) => name);
}

/** A credential as it may be shown: how it begins and how it ends. */
export function abbreviate(token) {
  if (!token || token.length < 24) return token ?? "";
  const prefix = /^sym_[a-z]+_/.exec(token)?.[0] ?? token.slice(0, 6);
  return `${prefix}…${token.slice(-6)}`;
}
