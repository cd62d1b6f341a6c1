"""requests-oauthlib in an app of one's own: sign-in with PKCE, userinfo, refresh."""

import os

from program import Visitor, case, done, printed, same, step
from requests_oauthlib import OAuth2Session

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # for http
lines = printed()
assert "request.url" in lines, lines


class Request:
    """What a framework hands on when the browser is back: it goes there when it is looked at."""

    @property
    def url(self):
        return Visitor().server.authorize(known["authorization_url"])


known = {"OAuth2Session": OAuth2Session, "request": Request()}
exec(lines, known)
user = known["user"]
same((user["name"], user["preferred_username"], user["email"]), ("alice Example", "alice", "alice@example.com"), "user")
step(f"signed in as {user['name']}")

session, before = known["session"], known["token"]
secret = {"client_id": case["client_id"], "client_secret": case["client_secret"]}
after = session.refresh_token(f"{case['issuer']}/token", refresh_token=before["refresh_token"], **secret)
assert after["access_token"] != before["access_token"], "a fresh access token"
same(session.get(f"{case['issuer']}/userinfo").json()["sub"], user["sub"], "sub after a refresh")
step("refreshed")
done()
