// Another author's verifier (@simplewebauthn/server) judges the same answers of an authenticator as the server does.
// Standard input: { origin, rp_id, cases: [{ name, kind ("create" or "get"), options, answer, key (of "get": the answer that made it),
// accepted }] }. Fails where its verdict differs from `accepted`.
import { body, step } from './environment.mjs';
import assert from 'node:assert/strict';
import { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server';

const input = JSON.parse(await body(process.stdin));
const passkeys = new Map();

async function register({ options, answer }) {
  const { verified, registrationInfo } = await verifyRegistrationResponse({
    response: answer,
    expectedChallenge: options.challenge,
    expectedOrigin: input.origin,
    expectedRPID: input.rp_id,
    requireUserVerification: true,
    supportedAlgorithmIDs: options.pubKeyCredParams.map(({ alg }) => alg),
  });
  if (verified) passkeys.set(Buffer.from(registrationInfo.credentialID).toString('base64url'), registrationInfo);
  return verified;
}

async function authenticate({ options, answer, id }) {
  const made = passkeys.get(id);
  assert.ok(made, 'a passkey that was made before');
  const { verified } = await verifyAuthenticationResponse({
    response: answer,
    expectedChallenge: options.challenge,
    expectedOrigin: input.origin,
    expectedRPID: input.rp_id,
    requireUserVerification: true,
    authenticator: { credentialID: made.credentialID, credentialPublicKey: made.credentialPublicKey, counter: 0 },
  });
  return verified;
}

for (const one of input.cases) {
  const judge = one.kind === 'create' ? register : authenticate;
  const verdict = await judge(one).catch((error) => error.message);
  assert.equal(verdict === true, one.accepted, `${one.name}: ${verdict}, the server: ${one.accepted}`);
  step(`${one.name}: ${verdict}`);
}
