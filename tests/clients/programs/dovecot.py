"""A mail program at a Dovecot that runs already: alice signs in with an access token, by XOAUTH2 and OAUTHBEARER, until it is
revoked; a token of another user opens only that one's mailbox."""

import imaplib

import requests
from authlib.integrations.requests_client import OAuth2Session
from program import HttpUserAgent, case, done, port, same, step

session = OAuth2Session(
    case["client_id"],
    redirect_uri="http://127.0.0.1:3000/callback",
    scope="openid profile offline_access mail",
    code_challenge_method="S256",
    token_endpoint_auth_method="none",
)
verifier = "a verifier of the mail program, which has more than 43 characters".replace(" ", "-").replace(",", "")
url, _ = session.create_authorization_url(f"{case['issuer']}/authorize", code_verifier=verifier)
back = HttpUserAgent(case["issuer"], case["username"], case["password"]).authorize(url)
assert "code=" in back, f"no code: {back}"
code = {"grant_type": "authorization_code", "authorization_response": back, "code_verifier": verifier}
token = session.fetch_token(f"{case['issuer']}/token", **code)["access_token"]


def sign_in(mechanism, first):
    """Opens the mailbox with the token; the user that Dovecot knows."""
    mail = imaplib.IMAP4("127.0.0.1", port, timeout=20)
    try:
        mail.authenticate(mechanism, lambda _: f"{first}\1auth=Bearer {token}\1\1".encode())
        same(mail.select("INBOX")[0], "OK", "INBOX")
    finally:
        mail.logout()


for mechanism, first in (("XOAUTH2", "user=alice"), ("OAUTHBEARER", "n,a=alice,")):
    sign_in(mechanism, first)
    step(f"signed in by {mechanism}")


def refused(what, first):
    try:
        sign_in("XOAUTH2", first)
    except imaplib.IMAP4.error:
        return step(f"refused: {what}")
    raise AssertionError(f"{what}: signed in")


refused("the mailbox of another user", "user=bob")
revocation = {"token": token, "client_id": case["client_id"]}
requests.post(f"{case['issuer']}/revoke", data=revocation, timeout=20).raise_for_status()
refused("a revoked token", "user=alice")
done()
