// Random values and PKCE (RFC 7636) with the browser's own Web Crypto. Owns base64url and the S256 challenge;
// where the verifier is kept is signin.js.

/** Bytes to base64url without padding. */
export function base64url(bytes) {
  let binary = "";
  for (const byte of new Uint8Array(bytes)) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** 256 random bits: 43 characters, good for a verifier, a state and a nonce. */
export function randomValue() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** SHA-256 of an ASCII text. */
export async function sha256(text) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/** RFC 7636 4.2: code_challenge = BASE64URL(SHA256(ASCII(code_verifier))). */
export async function challengeOf(verifier) {
  return base64url(await sha256(verifier));
}
