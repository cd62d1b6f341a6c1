// The panel "Refresh tokens": the strip of generations, and the log of what was presented and what the server said. Owns
// the words of both stories; their steps are rotation.js.

import { abbreviate } from "./tokens.js";
import { at, json, make, speak, timeOfDay } from "./view.js";

const STORY = {
  "answer-lost": { tone: "plain", text: "The server rotated the token, but this app discarded the response." },
  "same-successor": { tone: "good", text: "The same new refresh token came back, with a new access token. Nothing was lost." },
  forked: { tone: "bad", text: "A different refresh token came back. This should not happen." },
  "rotated-first": { tone: "plain", text: "Refreshed first, so that there is a token that is old enough." },
  "old-refused": { tone: "bad", text: "An old token: the server treats it as stolen and revokes all of the tokens." },
  "old-accepted": { tone: "bad", text: "The server accepted an old token. This should not happen." },
  "newest-refused": { tone: "bad", text: "The newest token is rejected as well: all of the tokens are revoked." },
  "newest-accepted": { tone: "bad", text: "The newest token still works. This should not happen." },
};

/** Draws the strip: one broken token a generation; the halves of the newest fit. */
export function showGenerations(session) {
  const dead = Boolean(session.dead);
  at("strip").replaceChildren(...session.generations.map((generation) => {
    const newest = generation === session.newest;
    const state = dead ? "dead" : newest ? "newest" : "spent";
    const image = make("span", "mark", half("left"), half("right"));
    image.setAttribute("aria-hidden", "true");
    const item = make("li", `generation ${state}`, image,
      make("span", "generation-number", make("span", "unseen", "Generation "), String(generation.number)),
      make("span", "generation-state", state),
      make("code", "", abbreviate(generation.token)));
    item.title = `received at ${timeOfDay(generation.since)}`;
    if (newest && !dead) item.setAttribute("aria-current", "true");
    return item;
  }));
  at("strip").scrollLeft = at("strip").scrollWidth;
  at("dead").hidden = !dead;
}

/** Adds a step of a story to the log. */
export function tellStep({ kind, generation, token, status, body }) {
  const { tone, text } = STORY[kind];
  const entry = make("li", `step ${tone}`,
    make("p", "step-what", make("time", "quiet", timeOfDay(Date.now())), ` Generation ${generation} `, make("code", "", abbreviate(token)),
      " → ", make("span", `status s${String(status)[0]}`, String(status))),
    make("p", "", text));
  if (body) entry.append(make("pre", "json small", json(shown(body))));
  at("log").hidden = false;
  at("log").append(entry);
  speak(text);
}

export function clearLog() {
  at("log").replaceChildren();
  at("log").hidden = true;
}

/** An answer of the token endpoint with its credentials abbreviated. */
function shown(body) {
  const copy = { ...body };
  for (const name of ["access_token", "refresh_token", "id_token"]) {
    if (copy[name]) copy[name] = abbreviate(copy[name]);
  }
  return copy;
}

function half(side) {
  const image = make("img", side);
  image.src = `/half-${side}.svg`;
  image.alt = "";
  return image;
}
