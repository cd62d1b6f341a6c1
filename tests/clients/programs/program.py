"""What the Python scripts of this folder share, as program.mjs: each starts a real program, set up with the lines that
`client add --for` printed, and signs a user in there as a browser would.

Standard input: one JSON object: issuer, url (where the program listens), client_id, client_secret, application (what was
printed: a list of place and lines), username, password.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

import requests

sys.path.append(str(Path(__file__).parent.parent))

from http_user_agent import HttpUserAgent  # noqa: E402

case = json.load(sys.stdin)
port = urlsplit(case["url"]).port


def step(text):
    print(f"- {text}")


def same(received, expected, what):
    assert received == expected, f"{what}: expected {expected}, received {received}"


def printed(place=""):
    """The lines that were printed for one place, or all of them."""
    parts = [part["lines"] for part in case["application"] if part["place"].startswith(place)]
    assert parts, f"expected lines for {place}, received {case['application']}"
    return "\n".join(parts)


def run(lines, **names):
    """Runs printed lines in which these names are known; returns all that are known then."""
    exec(lines, names)
    return names


def serve_wsgi(app):
    """Serves a WSGI application until the script ends."""

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_):
            pass

    threading.Thread(target=make_server("localhost", port, app, handler_class=Quiet).serve_forever, daemon=True).start()


def serve_asgi(app):
    """Serves an ASGI application until the script ends."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, host="localhost", port=port, log_level="warning"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.01)


class AtProgram(HttpUserAgent):
    """A browser at the program, whatever its redirects look like."""

    def __init__(self):
        super().__init__(case["url"], None, None)

    def check_redirect(self, page, fields):
        pass

    def json(self, path):
        page = self.open(case["url"] + path)
        assert isinstance(page, requests.Response) and page.status_code == 200, f"{path}: {getattr(page, 'text', page)}"
        return page.json()


class Visitor:
    """A browser that goes to the program, from there to the server, and back."""

    def __init__(self):
        self.program = AtProgram()
        self.server = HttpUserAgent(case["issuer"], case["username"], case["password"])

    def sign_in(self, path, fields=None):
        """Begins at a path of the program, with a POST if there are fields; returns the page where it ends, at the program."""
        away = self.program.open(case["url"] + path, fields)
        assert isinstance(away, str), f"expected a redirect to the server, received {away.status_code}: {away.text}"
        assert away.startswith(case["issuer"] + "/"), f"the program leads to {away}"
        return self.arrive(self.server.authorize(away))

    def arrive(self, back):
        """The page at the program to which the server leads."""
        assert back.startswith(case["url"] + "/"), f"the server leads to {back}"
        assert "error" not in parse_qs(urlsplit(back).query), f"no error, received {back}"
        page = self.program.open(back)
        assert isinstance(page, requests.Response) and page.status_code == 200, f"{back}: {getattr(page, 'text', page)}"
        return page


def done():
    """Ends the script: nothing waits for the program's connections."""
    sys.stdout.flush()
    os._exit(0)
