"""Whether a request may be served: the access token is checked as RFC 9068 section 4 says, and refusals are answered as RFC 6750
section 3 says."""

import re

import jwt
from fastapi import HTTPException, Request

from keys import KeysUnavailable, PublishedKeys

# Asymmetric algorithms alone. Without a list, a token could choose how it is checked.
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
CLOCK_TOLERANCE = 30  # seconds by which the clocks of two machines may differ


class RequireScope:
    """A dependency: the claims of the request's access token, which has this scope."""

    keys: PublishedKeys
    issuer: str
    audience: str

    @classmethod
    def configure(cls, issuer, audience):
        cls.issuer, cls.audience, cls.keys = issuer, audience, PublishedKeys(issuer)

    def __init__(self, scope):
        self.scope = scope

    # `async`: those that wait for keys hold up nobody else. FastAPI has not many threads.
    async def __call__(self, request: Request) -> dict:
        match = re.fullmatch(r"Bearer +([\w.~+/=-]+)", request.headers.get("authorization", ""), re.ASCII | re.IGNORECASE)
        if not match:
            # Nothing was tried, so nothing is wrong: the challenge has no error (RFC 6750 section 3.1).
            raise refusal(401)
        try:
            claims = await self.check(match[1])
        except KeysUnavailable:
            raise HTTPException(503, {"error": "temporarily_unavailable"}, {"Retry-After": "5"}) from None
        except jwt.ExpiredSignatureError:
            raise refusal(401, "invalid_token", "the token has expired") from None
        except jwt.PyJWTError:
            raise refusal(401, "invalid_token", "the token is not valid for this API") from None
        scope = claims.get("scope")
        if not isinstance(scope, str) or self.scope not in scope.split(" "):
            raise refusal(403, "insufficient_scope", f"the token lacks the scope {self.scope}", self.scope)
        return claims

    async def check(self, token):
        header = jwt.get_unverified_header(token)
        # An ID token is no access token.
        if str(header.get("typ")).lower() not in ("at+jwt", "application/at+jwt"):
            raise jwt.InvalidTokenError("expected at+jwt")
        key = await self.keys.find(header.get("kid"))
        if key is None:
            raise jwt.InvalidTokenError("unknown key")
        return jwt.decode(
            token,
            key.key,
            # A key is for one algorithm, whatever the token says.
            algorithms=[name for name in ALGORITHMS if name == key.algorithm_name],
            issuer=self.issuer,
            audience=self.audience,  # a token for another API is not for this one
            leeway=CLOCK_TOLERANCE,
            options={"require": ["exp", "iss", "aud", "sub", "client_id"]},
        )


def refusal(status, error=None, description=None, scope=None):
    # Fixed texts: nothing of the request gets into a header.
    parameters = {"realm": "notes", "error": error, "error_description": description, "scope": scope}
    challenge = ", ".join(f'{name}="{value}"' for name, value in parameters.items() if value)
    body = {"error": error or "unauthorized", "error_description": description or "an access token is required"}
    return HTTPException(status, body, {"WWW-Authenticate": f"Bearer {challenge}"})
