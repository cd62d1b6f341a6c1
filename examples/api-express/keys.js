// The public keys of the authorization server: fetched when the first token arrives, kept, and fetched again when they are old or
// when a token names a key that is not among them. Anybody can send a token with an invented key ID, so the last of these happens
// at most once in UNKNOWN_KEY_PAUSE, and tokens with a known key do not wait for it. If the authorization server is down, the keys at hand are used for a while longer: it takes no
// part in checking a token.
import { createLocalJWKSet, errors } from 'jose';

const seconds = 1000;
const MAX_AGE = Number(process.env.KEYS_MAX_AGE ?? 600) * seconds; // then a withdrawn key is no longer trusted
const MAX_AGE_IN_OUTAGE = 6 * MAX_AGE;
const UNKNOWN_KEY_PAUSE = 10 * seconds;
const FAILURE_PAUSE = 1 * seconds;
const TIMEOUT = 3 * seconds;

/** There are no keys to check a token with: the token may be good, and the caller should try again. */
export class KeysUnavailable extends Error {}

export class PublishedKeys {
  #issuer;
  #keys; // a function from the header of a token to its key
  #fetchedAt = -Infinity;
  #failedAt = -Infinity;
  #unknownKeyAt = -Infinity;
  #fetching; // the request in progress: everybody who needs keys waits for the same one

  constructor(issuer) {
    this.#issuer = issuer;
  }

  /** The key that a token was signed with, by the token's header. This is the function that `jwtVerify` asks. */
  find = async (header) => {
    const isOld = age(this.#fetchedAt) > MAX_AGE;
    // In an outage one request waits for the next attempt; meanwhile, the others use the keys at hand.
    if (isOld && !(this.#isOutage() && this.#fetching && age(this.#fetchedAt) <= MAX_AGE_IN_OUTAGE)) {
      await this.#fetch().catch((error) => {
        if (age(this.#fetchedAt) > MAX_AGE_IN_OUTAGE) throw error;
      });
    }
    try {
      return await this.#keys(header);
    } catch (error) {
      // Not `kid` alone is compared: the key also has to be one for the algorithm in the header.
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      if (!this.#fetching && age(this.#unknownKeyAt) < UNKNOWN_KEY_PAUSE) {
        // It may be a new key, if the last attempt to find out has failed.
        throw this.#isOutage() ? new KeysUnavailable('new keys could not be fetched') : error;
      }
    }
    // Before the attempt, which may fail.
    if (!this.#fetching) this.#unknownKeyAt = performance.now();
    await this.#fetch();
    return this.#keys(header);
  };

  #isOutage() {
    return this.#failedAt > this.#fetchedAt;
  }

  async #fetch() {
    if (age(this.#failedAt) < FAILURE_PAUSE) throw new KeysUnavailable('the last attempt to fetch the keys has just failed');
    this.#fetching ??= this.#load().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  async #load() {
    try {
      const signal = AbortSignal.timeout(TIMEOUT); // for both requests
      const metadata = await getJson(`${this.#issuer}/.well-known/openid-configuration`, signal);
      // RFC 8414 §3.3: metadata of another issuer must not be used.
      if (metadata.issuer !== this.#issuer) throw new Error(`expected metadata of ${this.#issuer}, received that of ${metadata.issuer}`);
      const published = await getJson(metadata.jwks_uri, signal);
      if (!published.keys?.length) throw new Error(`${metadata.jwks_uri} has no keys`);
      this.#keys = createLocalJWKSet(published);
      this.#fetchedAt = performance.now();
    } catch (error) {
      this.#failedAt = performance.now();
      console.error(`the keys of ${this.#issuer} could not be fetched: ${error.message} ${error.cause?.message ?? ''}`);
      throw new KeysUnavailable('the keys could not be fetched', { cause: error });
    }
  }
}

async function getJson(url, signal) {
  const response = await fetch(url, { redirect: 'error', signal });
  if (!response.ok) throw new Error(`GET ${url}: status ${response.status}`);
  return response.json();
}

const age = (time) => performance.now() - time;
