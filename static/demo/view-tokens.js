// The panels "Who you are" and "Access token": the person, the tokens decoded, and the clock that runs to the end of the
// access token with the planned refresh marked on it. Owns what is shown; when tokens change is session.js.

import { decode } from "./tokens.js";
import { at, json, make, minutes, timeOfDay } from "./view.js";

const SCOPES_IN_WORDS = {
  openid: "know who you are",
  profile: "your name",
  email: "your e-mail address",
  offline_access: "stay signed in",
  "notes:read": "read your notes",
  "notes:write": "write notes",
};

/** Shows the ID token; once per sign-in. */
export function showIdentity(session) {
  const { header, payload } = decode(session.identity.token);
  showFacts("who-facts", [
    ["Subject", make("code", "", payload.sub)],
    ["Signed in", payload.auth_time && timeOfDay(payload.auth_time * 1000)],
  ]);
  at("id-header").replaceChildren(json(header));
  at("id-payload").replaceChildren(json(payload));
  at("id-checks").replaceChildren(...session.identity.checks.map((check) => make("li", "", check)));
}

/** Shows what the userinfo endpoint answered. */
export function showPerson(person) {
  at("top-name").textContent = person.name ?? person.preferred_username ?? person.email ?? person.sub;
  showFacts("person-facts", [
    ["Name", person.name],
    ["Username", person.preferred_username],
    ["E-mail", person.email && `${person.email}${person.email_verified === false ? " (not verified)" : ""}`],
  ]);
  at("person-claims").replaceChildren(json(person));
  at("person").hidden = false;
}

/** Shows the newest access token. */
export function showAccessToken(session) {
  const { header, payload } = decode(session.tokens.access);
  showFacts("access-facts", [["May", scopes(session.tokens.scope)]]);
  at("access-header").replaceChildren(json(header));
  at("access-payload").replaceChildren(json(payload));
  const life = session.tokens.ends - session.tokens.received;
  const planned = at("bar-planned");
  planned.hidden = !session.plan || session.retrying;
  if (!planned.hidden) planned.style.setProperty("inset-inline-start", `${100 * (session.tokens.ends - session.plan) / life}%`);
}

/** Moves the clock; called every second and on every change. */
export function showClock(session, now = Date.now()) {
  const { received, ends } = session.tokens;
  const left = (ends - now) / 1000;
  at("clock").classList.toggle("over", left <= 0);
  at("clock-left").textContent = left > 0 ? minutes(left) : "ended";
  at("bar").value = Math.max(0, Math.min(1, (ends - now) / (ends - received)));
  at("clock-plan").replaceChildren(...planInWords(session, now));
}

function planInWords(session, now) {
  if (session.dead) return ["No refresh is scheduled: the tokens were revoked."];
  if (!session.plan) return ["No refresh is scheduled: there is no refresh token."];
  const moment = make("time", "", timeOfDay(session.plan));
  moment.dateTime = new Date(session.plan).toISOString();
  if (session.retrying) return ["The last refresh failed. Next attempt at ", moment, "."];
  const before = Math.round((session.tokens.ends - session.plan) / 1000);
  const how = session.tokens.automatic ? "Refreshed automatically. Next refresh at " : "Automatic refresh at ";
  return [how, moment, ` (in ${minutes((session.plan - now) / 1000)}), ${before} s before it expires, chosen at random.`];
}

/** Writes pairs of term and value, leaving out what is not there. */
function showFacts(id, facts) {
  at(id).replaceChildren(...facts.filter(([, value]) => value).map(([term, value]) =>
    make("div", "", make("dt", "", term), make("dd", "", value))));
}

function scopes(text = "") {
  const list = make("ul", "chips");
  for (const scope of text.split(" ").filter(Boolean)) {
    const chip = make("li", "", SCOPES_IN_WORDS[scope] ?? scope);
    chip.title = scope;
    list.append(chip);
  }
  return list;
}
