"""mod_auth_openidc in an Apache that runs already: the claims that it hands on, refresh, RP-initiated and back-channel logout."""

import time

from program import Visitor, case, done, same, step


def variables(page):
    """What the page says of its environment."""
    return dict(line.split("=", 1) for line in page.text.splitlines() if "=" in line)


visitor = Visitor()
first = variables(visitor.sign_in("/user"))
expected = {"name": "alice Example", "email": "alice@example.com", "preferred_username": "alice", "groups": "staff"}
same({name: first.get(f"OIDC_CLAIM_{name}") for name in expected}, expected, "claims")
same(first["REMOTE_USER"].split("@")[0], "alice", "REMOTE_USER")
step("signed in as alice, with her groups")

second = variables(visitor.program.open(f"{case['url']}/user"))
same(second["OIDC_CLAIM_sub"], first["OIDC_CLAIM_sub"], "sub after a refresh")
assert second["OIDC_access_token"] != first["OIDC_access_token"], "a fresh access token"
step("refreshed")

away = visitor.program.open(f"{case['url']}/redirect_uri?logout={case['url']}/")
same(visitor.server.open(away), f"{case['url']}/", "where signing out leads")
assert isinstance(visitor.program.open(f"{case['url']}/user"), str), "the next page leads to the server"
step("signed out at the server")

visitor.sign_in("/user")
visitor.server.sign_out(f"{case['issuer']}/logout")
deadline = time.monotonic() + 20
while not isinstance(visitor.program.open(f"{case['url']}/user"), str):
    assert time.monotonic() < deadline, "the session at Apache outlives the one at the server"
    time.sleep(0.1)
step("the end of the session at the server ended that at Apache")
done()
