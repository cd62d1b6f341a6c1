"""A relying party and a resource server with Authlib: discovery, sign-in with PKCE, ID token, userinfo, refresh, introspection,
revocation and client_credentials, all by private_key_jwt, an access token checked by its signature, RP-initiated logout.

Standard input: one JSON object, the settings of openid_client_services.mjs. Authlib reads userinfo as JSON alone, and sends
one `resource` in a token request, not several.
"""

import json
import os
import sys
from urllib.parse import parse_qs, urlsplit

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client import OAuthError
from authlib.integrations.base_client.sync_app import BaseApp, OAuth2Mixin
from authlib.integrations.base_client.sync_openid import OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc6749 import ResourceProtector
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc.errors import InvalidClaimError
from joserfc.jwk import KeySet, import_key
from requests import HTTPError, Request

from http_user_agent import HttpUserAgent


class App(OAuth2Mixin, OpenIDMixin, BaseApp):
    """What Authlib's integrations of frameworks are made of, without a framework."""

    client_cls = OAuth2Session


class NotesValidator(JWTBearerTokenValidator):
    def __init__(self, app, resource_server):
        super().__init__(issuer=app.server_metadata["issuer"], resource_server=resource_server)
        self.app = app

    def get_jwks(self):
        return KeySet.import_key_set(self.app.fetch_jwk_set())


def step(text):
    print(f"- {text}")


def same(received, expected, what):
    if received != expected:
        sys.exit(f"{what}: expected {expected}, received {received}")


def words(text):
    return sorted(text.split(" "))


def refused(what, call, kind=OAuthError, error=None):
    """Fails unless the call fails in this way."""
    try:
        call()
    except kind as problem:
        if error:
            same(problem.error, error, what)
    else:
        sys.exit(f"{what}: expected a {kind.__name__}, received none")


def main():
    case = json.load(sys.stdin)
    issuer, algorithm, notes, files = (case[name] for name in ("issuer", "algorithm", "notes", "files"))
    key = import_key(case["key"])
    by_key = {"token_endpoint_auth_method": "private_key_jwt", "revocation_endpoint_auth_method": "private_key_jwt"}
    # The audience of an assertion is the issuer (RFC 10070); Authlib's default is the URL it is sent to.
    method = PrivateKeyJWT(issuer, headers={"kid": case["key"]["kid"]}, alg=algorithm)
    app = App(
        None,
        client_id=case["client_id"],
        client_secret=key,
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid profile notes:read files:read", "code_challenge_method": "S256", **by_key},
        client_auth_methods=[method],
    )
    metadata = app.load_server_metadata()
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    OpenIDProviderMetadata(metadata).validate()
    same(metadata["issuer"], issuer, "issuer")
    step("discovered, and the metadata is sound")

    agent = HttpUserAgent(issuer, case["username"], case["password"])
    request = app.create_authorization_url(case["redirect_uri"], resource=[notes, files])
    redirect = agent.authorize(request["url"])
    assert redirect.startswith(case["redirect_uri"] + "?"), f"redirect to {redirect}"
    same(parse_qs(urlsplit(redirect).query)["iss"], [issuer], "iss of the authorization response")
    token = app.fetch_access_token(
        case["redirect_uri"],
        authorization_response=redirect,
        state=request["state"],
        code_verifier=request["code_verifier"],
        resource=notes,
    )
    same(words(token["scope"]), words("openid profile notes:read"), "scope")
    step(f"code exchanged by private_key_jwt with {algorithm}")

    claims = app.parse_id_token(token, request["nonce"])
    same((claims["iss"], claims["aud"], claims["amr"]), (issuer, case["client_id"], ["pwd"]), "ID token")
    assert claims["sub"].startswith("p.") and len(claims["sub"]) == 45, claims["sub"]
    refused("another nonce", lambda: app.parse_id_token(token, "another"), InvalidClaimError)
    refused("another access token", lambda: app.parse_id_token({**token, "access_token": "x"}, request["nonce"]), InvalidClaimError)
    person = app.userinfo(token=token)
    same(person["sub"], claims["sub"], "sub at userinfo")
    assert person["name"], person
    step(f"ID token of {claims['sub']} is right, and userinfo agrees")

    session = OAuth2Session(case["client_id"], key, **by_key)
    session.register_client_auth_method(method)
    endpoint = metadata["token_endpoint"]
    elsewhere = dict(session.refresh_token(endpoint, token["refresh_token"], resource=files))
    same(words(elsewhere["scope"]), words("openid profile files:read"), "scope of the refreshed token")
    again = dict(session.refresh_token(endpoint, elsewhere["refresh_token"]))
    same(words(again["scope"]), words("openid profile notes:read files:read"), "scope of the token for all")
    stranger = "https://stranger.example.com"
    refused("unknown API", lambda: session.refresh_token(endpoint, again["refresh_token"], resource=stranger), error="invalid_target")
    by_default = OAuth2Session(case["client_id"], key, **by_key)
    by_default.register_client_auth_method(PrivateKeyJWT(alg=algorithm))
    refused("the endpoint as audience", lambda: by_default.fetch_token(endpoint), error="invalid_client")
    step("refreshed for another API, and for all")

    server = OAuth2Session(case["resource_server"]["client_id"], case["resource_server"]["client_secret"])

    def introspect(one, by=server):
        answer = by.introspect_token(metadata["introspection_endpoint"], token=one, token_type_hint="access_token")
        answer.raise_for_status()
        return answer.json()

    seen = introspect(again["access_token"])
    same((seen["active"], seen["scope"], seen["sub"]), (True, "notes:read", claims["sub"]), "introspection")
    same(introspect(elsewhere["access_token"]), {"active": False}, "introspection of a token for another API")
    same(introspect(elsewhere["access_token"], session)["active"], True, "introspection of its own token")
    step("introspected by the resource server and by the client")

    protector = ResourceProtector()
    protector.register_token_validator(NotesValidator(app, notes))

    def check(one, scopes=("notes:read",)):
        return protector.validate_request(list(scopes), Request("GET", notes, {"Authorization": f"Bearer {one}"}))

    # Authlib's validator takes the algorithms that joserfc recommends, and has no setting for it.
    if algorithm in ("RS256", "ES256"):
        same(check(again["access_token"])["sub"], claims["sub"], "sub of the access token")
        refused("a token for another API", lambda: check(elsewhere["access_token"]), AuthlibBaseError, "invalid_token")
        refused("a scope it lacks", lambda: check(again["access_token"], ["notes:write"]), AuthlibBaseError, "insufficient_scope")
        refused("an ID token", lambda: check(token["id_token"]), AuthlibBaseError, "invalid_token")
        step("the access token stands by its signature, at its API alone")

    def revoke(one):
        session.revoke_token(metadata["revocation_endpoint"], token=one).raise_for_status()

    revoke(elsewhere["access_token"])
    refused("a revoked access token", lambda: app.userinfo(token=elsewhere), HTTPError)
    same(introspect(again["access_token"])["active"], True, "the others live")
    revoke(again["refresh_token"])
    same(introspect(again["access_token"]), {"active": False}, "introspection of a revoked grant's token")
    refused("a revoked refresh token", lambda: session.refresh_token(endpoint, again["refresh_token"]), error="invalid_grant")
    revoke("unknown")
    step("an access token revoked alone, a refresh token with all that came from it")

    itself = dict(session.fetch_token(endpoint, grant_type="client_credentials", scope="notes:read", resource=notes))
    assert "refresh_token" not in itself, "no refresh token"
    same(introspect(itself["access_token"])["sub"], case["client_id"], "sub of the client's own token")
    step("client_credentials for an API")

    goodbye = app.create_logout_url(case["post_logout_redirect_uri"], token["id_token"])
    same(agent.open(goodbye["url"]), f"{case['post_logout_redirect_uri']}?state={goodbye['state']}", "where signing out leads")
    nobody = agent.authorize(app.create_authorization_url(case["redirect_uri"], prompt="none")["url"])
    same(parse_qs(urlsplit(nobody).query)["error"], ["login_required"], "error once signed out")
    step("signed out and back at the app")


main()
