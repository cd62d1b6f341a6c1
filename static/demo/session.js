// The tokens of one sign-in, in memory only, and the generations of its refresh token. Owns redeeming and refreshing, one request
// at a time, and the automatic refresh. Says "change" whenever something is new and "trouble" when a refresh nobody asked for fails.

import { ProtocolError, errorOf } from "./errors.js";
import { Alarm, planRefresh } from "./schedule.js";
import { redirectUri } from "./signin.js";
import { askForTokens, checkIdToken, decode } from "./tokens.js";
import { askWho } from "./userinfo.js";

const RETRY_AFTER_MS = 1000;
const TRY_AGAIN_MS = 10_000;

export class Session extends EventTarget {
  #config;
  #metadata;
  #alarm = new Alarm(() => this.#refreshUnasked());
  #turn = Promise.resolve();

  /** {access, received, ends, scope, automatic} of the newest access token, or null. */
  tokens = null;
  /** The ID token of the sign-in and the names of the checks it passed. */
  identity = null;
  /** What the userinfo endpoint says of the person, once it was asked. */
  person = null;
  /** Every refresh token seen: {number, token, since}. The last is the newest. */
  generations = [];
  /** What the server said when it refused the newest refresh token; null while the family lives. */
  dead = null;
  /** The planned moment of the automatic refresh, in milliseconds, and whether the last one got no tokens. */
  plan = null;
  retrying = false;

  constructor(config, metadata) {
    super();
    this.#config = config;
    this.#metadata = metadata;
  }

  get newest() {
    return this.generations.at(-1);
  }

  /** Runs one action after another, so that an automatic refresh never crosses a step of somebody's story. */
  inTurn(action) {
    const result = this.#turn.then(action);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** Exchanges the code of a good answer for tokens and checks who signed in. */
  async redeem({ code, verifier, nonce }) {
    const { status, body } = await askForTokens(this.#metadata.token_endpoint, {
      grant_type: "authorization_code",
      code,
      redirect_uri: redirectUri(this.#config),
      client_id: this.#config.client_id,
      code_verifier: verifier,
    });
    if (status !== 200) throw errorOf(status, body);
    const { issuer, client_id } = this.#config;
    const checks = await checkIdToken(body.id_token, body.access_token, { issuer, client_id, nonce });
    this.identity = { token: body.id_token, checks };
    this.accept(body);
  }

  /** Asks the userinfo endpoint who signed in; the tokens are good without its answer. */
  async meet() {
    const { sub } = decode(this.identity.token).payload;
    this.person = await askWho(this.#metadata.userinfo_endpoint, this.tokens.access, sub);
    this.dispatchEvent(new Event("change"));
  }

  /** Refreshes with the newest token. Without an answer it asks once more with the same token: the server then repeats itself. */
  refresh() {
    return this.inTurn(() => this.refreshNow());
  }

  /** The same for a step that already has its turn. */
  async refreshNow({ automatic = false } = {}) {
    const newest = this.newest;
    if (!newest) throw new ProtocolError("no_refresh_token", "The server did not issue a refresh token to this app.");
    const { status, body } = await this.present(newest.token).catch(async () => {
      await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER_MS));
      return this.present(newest.token);
    });
    if (status === 200) return this.accept(body, automatic);
    const error = errorOf(status, body);
    if (error.code === "invalid_grant") this.bury(error);
    throw error;
  }

  /** Sends any refresh token and returns the server's {status, body} without believing it. */
  present(token) {
    return askForTokens(this.#metadata.token_endpoint, {
      grant_type: "refresh_token",
      refresh_token: token,
      client_id: this.#config.client_id,
    });
  }

  /** Takes an answer as the newest tokens and plans the next refresh. */
  accept(body, automatic = false) {
    const received = Date.now();
    const ends = received + body.expires_in * 1000;
    this.tokens = { access: body.access_token, received, ends, scope: body.scope ?? this.tokens?.scope, automatic };
    if (body.refresh_token && body.refresh_token !== this.newest?.token) {
      this.generations.push({ number: this.generations.length + 1, token: body.refresh_token, since: received });
    }
    this.retrying = false;
    this.#planFor(this.newest ? planRefresh(received, body.expires_in) : null);
  }

  /** The server refused the newest token: nothing of this family will work again. */
  bury(error) {
    this.dead = error;
    this.#planFor(null);
  }

  /** Forgets everything; where the server offers revocation (RFC 7009), the grant ends there as well. */
  async end() {
    const token = this.dead ? undefined : this.newest?.token;
    Object.assign(this, { tokens: null, identity: null, person: null, generations: [], dead: null, retrying: false });
    this.#planFor(null);
    const endpoint = this.#metadata.revocation_endpoint;
    if (!token || !endpoint) return;
    const body = new URLSearchParams({ token, token_type_hint: "refresh_token", client_id: this.#config.client_id });
    await fetch(endpoint, { method: "POST", body, credentials: "omit", keepalive: true });
  }

  /** Nobody is there to press a button: as long as the family is not dead, a refresh that failed is tried again, at random as well. */
  #refreshUnasked() {
    this.inTurn(() => this.refreshNow({ automatic: true })).catch((error) => {
      this.retrying = !this.dead;
      if (this.retrying) this.#planFor(Date.now() + TRY_AGAIN_MS * (1 + Math.random()));
      this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
    });
  }

  #planFor(moment) {
    this.plan = moment;
    if (moment === null) this.#alarm.clear();
    else this.#alarm.set(moment);
    this.dispatchEvent(new Event("change"));
  }
}
