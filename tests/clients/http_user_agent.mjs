// A user agent without a browser: `fetch` with redirects followed by hand, a cookie jar, and forms read from the HTML.
// It signs in and consents as a person would and gives back the URL the server sends the person to in the end. The jar keeps
// Secure cookies over http because the server is on loopback, as browsers do. How pages look is for pages.mjs.
import assert from 'node:assert/strict';

export class HttpUserAgent {
  /** @param {{issuer: string, username: string, password: string}} person whose server, and who signs in there */
  constructor({ issuer, username, password }) {
    Object.assign(this, { origin: new URL(issuer).origin, username, password });
    this.cookies = new Map();
  }

  /** Opens the authorization URL, signs in and decides ("allow" or "deny"); returns the redirect to the client as a URL. */
  async authorize(url, decision = 'allow') {
    let page = await this.open(url);
    for (let steps = 0; steps < 20; steps += 1) {
      if (page instanceof URL) return page;
      page = await this.submit(page, (fields) => {
        if ('password' in fields) return { username: this.username, password: this.password };
        return 'decision' in fields && { decision };
      });
    }
    throw new Error(`still at ${page.url} after 20 pages`);
  }

  /** Goes to the page that asks whether to sign out, and says yes; returns where that leads. */
  async signOut(url) {
    return this.submit(await this.open(url), () => ({}));
  }

  /** Sends the first form of a page that `answers` has something to say to, with what it says. */
  async submit(page, answers) {
    const form = page.text && forms(page.text).find(({ fields }) => fields.csrf && answers(fields));
    assert.ok(form, `expected a form with csrf at ${page.url ?? page} (${page.status}), received:\n${page.text}`);
    assert.equal(page.status, 200, `status of ${page.url}:\n${page.text}`);
    return this.open(new URL(form.action || page.url, page.url), { ...form.fields, ...answers(form.fields) });
  }

  /** GET, or POST when there are `fields`; follows redirects within the server and stops at the first one that leaves it. */
  async open(url, fields) {
    let response = await this.request(url, fields);
    for (let hops = 0; response.headers.has('location'); hops += 1) {
      assert.ok(hops < 20, `more than 20 redirects, the last to ${response.headers.get('location')}`);
      this.checkRedirect(response, fields);
      fields = undefined;
      const target = new URL(response.headers.get('location'), url);
      // Every redirect has a fragment, if only an empty one (RFC 9110 10.2.2); an app's server is never sent it.
      if (target.hash === '') target.hash = '';
      if (target.origin !== this.origin) return target;
      url = target;
      response = await this.request(url);
    }
    return { url: String(url), status: response.status, text: await response.text() };
  }

  /** A redirect by the server; `fields` where it answers a POST. */
  checkRedirect(response, fields) {
    if (fields) assert.equal(response.status, 303, 'status of a redirect after POST');
  }

  /** One request with the jar's cookies; keeps the cookies of the answer. */
  async request(url, fields) {
    const response = await fetch(url, {
      method: fields ? 'POST' : 'GET',
      body: fields && new URLSearchParams(fields),
      redirect: 'manual',
      headers: { cookie: [...this.cookies].map((pair) => pair.join('=')).join('; '), accept: 'text/html' },
    });
    // Node 18 of Debian has no getSetCookie(): the lines come joined by commas, which also stand in dates.
    for (const line of response.headers.get('set-cookie')?.split(/,\s*(?=[^;,=\s]+=)/) ?? []) {
      const [pair, ...attributes] = line.split(/;\s*/);
      const [name, ...value] = pair.split('=');
      if (attributes.some((attribute) => /^max-age=(0|-\d+)$/i.test(attribute))) this.cookies.delete(name);
      else this.cookies.set(name, value.join('='));
    }
    return response;
  }
}

/** The forms of a page: action, and the fields with their values (a button's value is left to the caller). */
export function forms(html) {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, tag, inner]) => {
    const fields = {};
    for (const [, text] of inner.matchAll(/<(?:input|button)\b([^>]*)>/gi)) {
      const { name, value, type } = attributes(text);
      if (name && type !== 'checkbox') fields[name] = value ?? '';
    }
    return { action: attributes(tag).action, fields };
  });
}

/** The attributes of a tag, with character references decoded. */
function attributes(text) {
  const found = {};
  for (const [, name, double, single, bare] of text.matchAll(/([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g)) {
    found[name.toLowerCase()] = decode(double ?? single ?? bare ?? '');
  }
  return found;
}

function decode(text) {
  const named = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (name) return named[name] ?? whole;
    return String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal));
  });
}
