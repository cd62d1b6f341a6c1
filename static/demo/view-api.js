// The panel "Call the API": a person's notes, and the last exchange as it went over the wire. Owns how a request and
// an answer are written down; making the call is api.js.

import { at, json, make, speak, timeOfDay } from "./view.js";

/** Shows a request, the status and the answer. */
export function showExchange(exchange) {
  const { request, status, reason, challenge, body } = exchange;
  const url = new URL(request.url);
  const headers = { host: url.host, ...request.headers };
  at("request").replaceChildren(make("strong", "", `${request.method} ${url.pathname}`), ` HTTP/1.1\n`, ...lines(headers),
    ...(request.body ? [`\n${request.body}`] : []));
  at("status").textContent = `${status} ${reason}`.trim();
  at("status").className = `status s${String(status)[0]}`;
  at("response").replaceChildren(...(challenge ? [...lines({ "www-authenticate": challenge }), "\n"] : []), json(body));
  at("exchange").hidden = false;
  speak(`The API responded with ${status} ${reason}`);
}

/** Shows the notes the API listed. */
export function showNotes(notes) {
  const items = notes.map((note) => make("li", "", make("span", "", note.text), make("time", "quiet", timeOfDay(note.written_at * 1000))));
  at("notes").replaceChildren(...(items.length > 0 ? items.reverse() : [make("li", "quiet", "No notes yet.")]));
}

function lines(headers) {
  return Object.entries(headers).flatMap(([name, value]) => [make("span", "j-name", `${name}: `), `${value}\n`]);
}
