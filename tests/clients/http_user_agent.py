"""A user agent without a browser, as http_user_agent.mjs: cookies, forms and redirects. It signs in and consents as a person
would, and gives back the URL that the server sends the person to in the end."""

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import requests


class Forms(HTMLParser):
    """The forms of a page: action, and the fields with their values (a button's value is left to the caller)."""

    def __init__(self, html):
        super().__init__()
        self.forms = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "form":
            self.forms.append({"action": values.get("action"), "fields": {}})
        elif tag in ("input", "button") and self.forms and values.get("name") and values.get("type") != "checkbox":
            self.forms[-1]["fields"][values["name"]] = values.get("value") or ""


class HttpUserAgent:
    def __init__(self, issuer, username, password):
        self.origin = "{0.scheme}://{0.netloc}".format(urlsplit(issuer))
        self.person = {"username": username, "password": password}
        # Not the jar of requests: the server is on loopback, where browsers send Secure cookies over http.
        self.cookies = {}

    def authorize(self, url, decision="allow"):
        """Opens the authorization URL, signs in and decides; returns the redirect to the client."""
        page = self.open(url)
        for _ in range(20):
            if isinstance(page, str):
                return page
            form = next((form for form in Forms(page.text).forms if {"password", "decision"} & form["fields"].keys()), None)
            assert form and form["fields"].get("csrf"), f"expected a form with csrf at {page.url}, received:\n{page.text}"
            assert page.status_code == 200, f"status {page.status_code} of {page.url}:\n{page.text}"
            answers = self.person if "password" in form["fields"] else {"decision": decision}
            page = self.open(urljoin(page.url, form["action"] or page.url), {**form["fields"], **answers})
        raise AssertionError(f"still at {page.url} after 20 pages")

    def sign_out(self, url):
        """Goes to the page that asks whether to sign out, and says yes; returns where that leads."""
        page = self.open(url)
        form = next(form for form in Forms(page.text).forms if form["fields"].get("csrf"))
        return self.open(urljoin(page.url, form["action"] or page.url), form["fields"])

    def open(self, url, fields=None):
        """GET, or POST with fields; a page, or the URL (text) of the first redirect that leaves the server."""
        for _ in range(20):
            page = self.request(url, fields)
            if "location" not in page.headers:
                return page
            self.check_redirect(page, fields)
            url, fields = urljoin(url, page.headers["location"]), None
            # Every redirect has a fragment, if only an empty one (RFC 9110 10.2.2); an app's server is never sent it.
            url = url.removesuffix("#")
            if not url.startswith(self.origin + "/"):
                return url
        raise AssertionError(f"more than 20 redirects, the last to {url}")

    def check_redirect(self, page, fields):
        """A redirect by the server; fields where it answers a POST."""
        assert not fields or page.status_code == 303, f"status {page.status_code} of a redirect after POST"

    def request(self, url, fields):
        """One request with the cookies; keeps those of the answer."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        method = "POST" if fields else "GET"
        page = requests.request(method, url, data=fields, headers=headers, allow_redirects=False, timeout=30)
        for line in page.raw.headers.getlist("set-cookie"):
            pair, *attributes = line.split(";")
            name, value = pair.split("=", 1)
            if any(attribute.strip().lower() == "max-age=0" for attribute in attributes):
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return page
