"""go-oidc with x/oauth2 in an application that runs already (tests/more_clients/go): the ID token's claims, refresh, and what
somebody reads who mistyped the secret."""

from program import Visitor, case, done, same, step

visitor = Visitor()
claims = visitor.sign_in("/login").json()
expected = ("alice Example", "alice", "alice@example.com")
same((claims.get("name"), claims.get("preferred_username"), claims.get("email")), expected, "claims of the ID token")
step(f"signed in as {claims['name']}, {'with PKCE' if case['pkce'] else 'with a nonce alone'}")

refreshed = visitor.program.json("/refresh")
same((refreshed["renewed"], refreshed["email"], refreshed["claims"]["sub"]), (True, "alice@example.com", claims["sub"]), "refreshed")
step("refreshed, with an ID token")

refused = visitor.program.json("/wrong-secret")
same(refused["error"], "invalid_client", "error for a mistyped secret")
assert "secret" in refused["description"], refused
step(f"a mistyped secret: {refused['description']}")

service = case["service"]
query = f"client_id={service['client_id']}&client_secret={service['client_secret']}"
same(visitor.program.json(f"/client-credentials?{query}"), {"type": "Bearer"}, "a token of its own")
step("a token for itself")
done()
