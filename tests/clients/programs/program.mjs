// What the scripts of this folder share: each starts a real program, set up with the lines that `client add --for` printed, and
// signs a user in there as a browser would.
// Settings: issuer, url (where the program listens), client_id, client_secret, application (what was printed: a list of place
// and lines), username, password.
import { body, settings, step } from '../environment.mjs';
import assert from 'node:assert/strict';
import { HttpUserAgent } from '../http_user_agent.mjs';

export { assert, body, step };
export const input = settings('issuer', 'url', 'client_id', 'application', 'username', 'password');
export const port = Number(new URL(input.url).port);

/** The lines that were printed for one place, or all of them. */
export function printed(place) {
  const parts = input.application.filter((part) => !place || part.place.startsWith(place));
  assert.ok(parts.length, `expected lines for ${place}, received ${JSON.stringify(input.application)}`);
  return parts.map((part) => part.lines).join('\n');
}

/** The value of printed lines that are members of an object: `providers: […],`. */
export const members = (lines) => new Function(`return ({${lines}})`)();

/** Runs printed lines in which these names are known; imports are left out, as the names are given. */
export function run(lines, names) {
  const statements = lines.replace(/^import .*$/gm, '');
  return new Function(...Object.keys(names), statements)(...Object.values(names));
}

/** Sets the variables of printed lines NAME=VALUE. */
export function setVariables(lines) {
  for (const [, name, value] of lines.matchAll(/^([A-Z_]+)=(.*?)(?:\s*#.*)?$/gm)) {
    if (value) process.env[name] = value.replace(/^(["'])(.*)\1$/, '$2');
  }
}

/** A browser at the program, whatever its redirects look like. */
class AtProgram extends HttpUserAgent {
  constructor() {
    super({ ...input, issuer: input.url });
  }

  checkRedirect() {}

  async json(path) {
    const page = await this.open(input.url + path);
    assert.equal(page.status, 200, `status of ${path}: ${page.text}`);
    return JSON.parse(page.text);
  }
}

/** A browser that goes to the program, from there to the server, and back. */
export class Visitor {
  program = new AtProgram();
  server = new HttpUserAgent(input);

  /** Begins at a path of the program, with a POST if there are fields; returns where it ends, at the program. */
  async signIn(path, fields) {
    const away = await this.program.open(input.url + path, fields);
    assert.ok(away instanceof URL, `expected a redirect to the server, received ${away.status}: ${away.text}`);
    assert.equal(away.origin, new URL(input.issuer).origin, 'where the program leads to');
    const back = await this.server.authorize(away);
    assert.equal(back.origin, new URL(input.url).origin, 'where the server leads to');
    assert.equal(back.searchParams.get('error'), null, `no error, received ${back}`);
    const page = await this.program.open(back);
    assert.equal(page.status, 200, `status of ${page.url ?? page}: ${page.text}`);
    return page;
  }
}

/** Ends the script: nothing waits for the program's connections. */
export function done() {
  process.exit(0);
}
