// When to refresh without being asked: 60 to 90 seconds before the access token ends, at random, so that many apps that
// signed in together do not come back together. Owns the plan and the timer; what happens then is session.js.

const EARLIEST_SECONDS = 90;
const LATEST_SECONDS = 60;

/** The planned moment, in milliseconds, for a token received at `receivedAt`. A token that lives two minutes or less is refreshed in its third quarter. */
export function planRefresh(receivedAt, expiresInSeconds, random = Math.random) {
  const before = expiresInSeconds > 120
    ? LATEST_SECONDS + random() * (EARLIEST_SECONDS - LATEST_SECONDS)
    : expiresInSeconds * (0.25 + random() * 0.25);
  return receivedAt + (expiresInSeconds - before) * 1000;
}

/** Calls back once at a moment, also after the machine slept through it or the tab was put in the background. */
export class Alarm {
  #timer = undefined;
  #at = undefined;
  #ring;

  constructor(ring) {
    this.#ring = ring;
    document.addEventListener("visibilitychange", () => this.#look());
  }

  set(at) {
    this.clear();
    this.#at = at;
    this.#timer = setTimeout(() => this.#look(), Math.max(0, at - Date.now()));
  }

  clear() {
    clearTimeout(this.#timer);
    this.#at = undefined;
  }

  #look() {
    if (this.#at === undefined) return;
    if (Date.now() < this.#at) return this.set(this.#at);
    this.clear();
    this.#ring();
  }
}
