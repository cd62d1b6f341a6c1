// The demonstration app, put together: reads its configuration, finishes a sign-in that comes back, and ties each button to
// what it does. Owns the order of things and what a failure says; every piece of work is in the files it imports.

import { callApi } from "./api.js";
import { loadConfig, loadMetadata } from "./config.js";
import { base64url } from "./pkce.js";
import { loseTheAnswer, presentAnOldToken } from "./rotation.js";
import { Session } from "./session.js";
import { begin, isAnswer, judgeAnswer } from "./signin.js";
import { decode } from "./tokens.js";
import { alertOf, at, closeAlert, speak } from "./view.js";
import { showExchange, showNotes } from "./view-api.js";
import { clearLog, showGenerations, tellStep } from "./view-rotation.js";
import { showAccessToken, showClock, showIdentity, showPerson } from "./view-tokens.js";

const WHAT_TO_DO = {
  login_required: "Use the first button to sign in.",
  consent_required: "The server needs to ask you what this app can do: use the first button to sign in.",
  access_denied: "You denied the request, and this app got nothing.",
  no_answer: "Check that the demo is still running, and try again.",
  invalid_grant: "Sign in again to get new tokens.",
  invalid_token: "Refresh the access token, or sign in again.",
};

let config;
let metadata;
let session;

async function start() {
  const address = new URL(location.href);
  // The code leaves the address bar and the history before anything else happens.
  if (address.pathname !== "/") history.replaceState(null, "", "/");
  config = await loadConfig();
  // The redirect URI says localhost, and sessionStorage is kept by origin: 127.0.0.1 would not find its own request again.
  if (location.origin !== config.app) return location.replace(config.app);
  at("foot-app").textContent = config.app;
  at("foot-issuer").textContent = config.issuer;
  at("foot-api").textContent = config.api;
  metadata = await loadMetadata(config.issuer);
  session = new Session(config, metadata);
  session.addEventListener("change", draw);
  session.addEventListener("trouble", (event) => report("The automatic refresh failed", event.detail));
  setInterval(() => session.tokens && showClock(session), 1000);
  connect();
  if (isAnswer(address)) await finishSignIn(address);
  draw();
}

async function finishSignIn(address) {
  try {
    await session.redeem(judgeAnswer(address, config));
    showIdentity(session);
    speak("You are signed in");
    at("signed-in").hidden = false;
    at("signed-in-title").focus();
  } catch (error) {
    return report("The sign-in failed", error);
  }
  await session.meet().catch((error) => report("Your name and e-mail address could not be loaded", error));
}

function connect() {
  press("sign-in", "The sign-in could not start", () => begin(config, metadata));
  press("sign-in-again", "The sign-in could not start", () => begin(config, metadata));
  press("sign-in-silently", "The sign-in could not start", () => begin(config, metadata, "none"));
  press("sign-out", "The sign-out failed", signOut);
  press("refresh", "The refresh failed", async () => {
    await session.refresh();
    speak("Refreshed");
  });
  press("lose-answer", "The example failed", () => story(loseTheAnswer));
  press("present-old", "The example failed", () => story(presentAnOldToken));
  press("list-notes", "The API could not be called", listNotes);
  press("whoami", "The API could not be called", () => call("GET", "/whoami"));
  press("no-token", "The API could not be called", () => call("GET", "/notes", { token: undefined }));
  press("forged", "The API could not be called", () => call("GET", "/notes", { token: forged(session.tokens.access) }));
  at("add").addEventListener("submit", (event) => {
    event.preventDefault();
    work(at("add-note"), "The API could not be called", addNote);
  });
  at("alert-close").addEventListener("click", closeAlert);
}

function press(id, failure, action) {
  at(id).addEventListener("click", () => work(at(id), failure, action));
}

/** Does one thing for a button. A busy or useless button stays in place and keeps the focus; it just does nothing. */
async function work(button, failure, action) {
  if (button.getAttribute("aria-disabled") === "true") return;
  closeAlert();
  button.setAttribute("aria-disabled", "true");
  try {
    await action();
  } catch (error) {
    report(failure, error);
  } finally {
    button.removeAttribute("aria-disabled");
    enable();
  }
}

function story(play) {
  return session.inTurn(() => {
    clearLog();
    return play(session, tellStep);
  });
}

async function listNotes() {
  const exchange = await call("GET", "/notes");
  if (exchange.status === 200) showNotes(exchange.body.notes);
}

async function addNote() {
  const text = at("note").value.trim();
  const exchange = await call("POST", "/notes", { json: { text } });
  if (exchange.status !== 201) return;
  at("note").value = "";
  const list = await callApi(config, "GET", "/notes", { token: session.tokens.access });
  if (list.status === 200) showNotes(list.body.notes);
}

async function call(method, path, options = {}) {
  const exchange = await callApi(config, method, path, { token: session.tokens.access, ...options });
  showExchange(exchange);
  return exchange;
}

/** The same token, made out to somebody else: what anyone could write who holds no private key. */
function forged(token) {
  const [header, , signature] = token.split(".");
  const payload = { ...decode(token).payload, sub: "somebody-else" };
  return [header, base64url(new TextEncoder().encode(JSON.stringify(payload))), signature].join(".");
}

/** OpenID Connect RP-Initiated Logout: with the ID token the server knows who is meant, and sends the person back here. */
async function signOut() {
  const query = new URLSearchParams({ id_token_hint: session.identity.token, post_logout_redirect_uri: `${location.origin}/` });
  await session.end().catch(() => undefined);
  location.assign(`${metadata.end_session_endpoint}?${query}`);
}

function draw() {
  const signedIn = Boolean(session?.tokens);
  at("loading").hidden = true;
  at("welcome").hidden = signedIn || !metadata;
  for (const id of ["signed-in", "sign-out"]) at(id).hidden = !signedIn;
  at("top-user").hidden = !session?.person;
  if (!signedIn) return;
  if (session.person) showPerson(session.person);
  showAccessToken(session);
  showClock(session);
  showGenerations(session);
  enable();
}

/** Without a living refresh token there is nothing to rotate. */
function enable() {
  if (session.newest && !session.dead) return;
  for (const id of ["refresh", "lose-answer", "present-old"]) at(id).setAttribute("aria-disabled", "true");
}

function report(title, error) {
  alertOf(title, error, WHAT_TO_DO[error?.code ?? (error instanceof TypeError ? "no_answer" : "")]);
}

start().catch((error) => {
  at("loading").hidden = true;
  report("The app could not start", error);
});
