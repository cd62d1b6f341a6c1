// Passkeys (Web Authentication Level 3). A form with data-passkey is shown where the browser has WebAuthn; its button asks the browser,
// and the answer is sent as a form. On the sign-in page passkeys are also offered in the name field. What a page holds is described in
// templates/passkey_words.html.
const find = (selector) => document.querySelector(selector);
const decode = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

const forBrowser = (options) => {
  const decodeId = (one) => ({ ...one, id: decode(one.id) });
  const result = { ...options, challenge: decode(options.challenge) };
  if (options.user) result.user = decodeId(options.user);
  for (const list of ["allowCredentials", "excludeCredentials"]) {
    if (options[list]) result[list] = options[list].map(decodeId);
  }
  return result;
};

const forServer = ({ id, rawId, type, response }) => {
  const fields = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) fields[name] = encode(response[name]);
  }
  if (response.getTransports) fields.transports = response.getTransports();
  return JSON.stringify({ id, rawId: encode(rawId), type, response: fields });
};

let pending = new AbortController();

// Asks the browser, after it has given up what it was asked before: it does one thing at a time.
const ask = (form, more = {}, change = {}) => {
  pending.abort();
  pending = new AbortController();
  const publicKey = { ...forBrowser(JSON.parse(form.dataset.options)), ...change };
  const request = { publicKey, signal: pending.signal, ...more };
  return form.dataset.passkey === "get" ? navigator.credentials.get(request) : navigator.credentials.create(request);
};

const send = (form, credential) => {
  form.elements.passkey.value = forServer(credential);
  // The choice to stay signed in stands in the form for the password.
  if (form.dataset.passkey === "get") find("#remember")?.setAttribute("form", form.id);
  HTMLFormElement.prototype.submit.call(form);
};

const go = async (form) => {
  const failed = form.querySelector("[data-passkey-failed]");
  failed.hidden = true;
  try {
    await renew(form);
    send(form, await ask(form));
  } catch (error) {
    if (error.name !== "AbortError") failed.hidden = false;
    offerInField(form);
  }
};

// A challenge is valid for five minutes: a page that is open for longer takes another.
const renew = async (form, age = 240_000) => {
  if (!form.dataset.refresh || performance.now() - (form.requestedAt ?? 0) < age) return;
  const answer = await fetch(form.dataset.refresh);
  if (!answer.ok) return;
  const { options, state } = await answer.json();
  form.dataset.options = JSON.stringify(options);
  form.elements.passkey_state.value = state;
  form.requestedAt = performance.now();
};

// In the name field, among what the browser fills in.
const offerInField = async (form) => {
  if (!form.dataset.refresh || !(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  try {
    send(form, await ask(form, { mediation: "conditional" }));
  } catch {
    // Given up for another request, or nothing was chosen: the form for the name is still there.
  }
};

const keepFresh = async (form) => {
  if (document.visibilityState !== "visible") return;
  const before = form.dataset.options;
  await renew(form).catch(() => {});
  if (form.dataset.options !== before) offerInField(form);
};

// Whether the offer of a passkey is of use in this browser: it keeps passkeys itself.
const keepsPasskeys = async () =>
  (await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable?.().catch(() => false)) === true;

// The browser may make a passkey without a question: the user has just signed in with a password that it knows.
const makeQuietly = async (form) => {
  const capabilities = await PublicKeyCredential.getClientCapabilities?.().catch(() => undefined);
  if (capabilities?.conditionalCreate !== true) return false;
  const selection = JSON.parse(form.dataset.options).authenticatorSelection;
  const authenticatorSelection = { ...selection, userVerification: "preferred" };
  try {
    send(form, await ask(form, { mediation: "conditional" }, { authenticatorSelection }));
    return true;
  } catch {
    return false;
  }
};

const begin = async (form) => {
  const missing = find("[data-passkey-missing]");
  if (missing) missing.hidden = true;
  const button = form.querySelector("[data-passkey-go]");
  button.hidden = false;
  button.addEventListener("click", () => go(form));
  if (form.dataset.passkey === "offer" && !find("main").dataset.problem) {
    const patience = new Promise((resolve) => setTimeout(resolve, 1500, false));
    if (await Promise.race([makeQuietly(form), patience])) return;
  }
  form.hidden = false;
  if (!form.dataset.refresh) return;
  offerInField(form);
  setInterval(() => keepFresh(form), 60_000);
  document.addEventListener("visibilitychange", () => keepFresh(form));
  const ready = find("#passkey-ready");
  if (ready && (await keepsPasskeys())) ready.value = "yes";
};

// Tells the browser which passkeys are known here, so that it does not offer others.
const signal = (name, method) => {
  const element = find(`[data-signal-${name}]`);
  if (!element || !PublicKeyCredential[method]) return;
  PublicKeyCredential[method](JSON.parse(element.getAttribute(`data-signal-${name}`))).catch(() => {});
};

if (window.PublicKeyCredential && navigator.credentials) {
  document.querySelectorAll("form[data-passkey]").forEach(begin);
  signal("unknown", "signalUnknownCredential");
  signal("accepted", "signalAllAcceptedCredentials");
  signal("details", "signalCurrentUserDetails");
}
