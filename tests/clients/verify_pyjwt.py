"""A resource server with PyJWT: verifies access tokens with the published keys only (jwks_uri of the discovery document).

Standard input: JSON {issuer, audience, token, expect: "valid" | "invalid"}, or an array of such objects. A failure to reach
the server is an error, never "invalid". Exits non-zero when a verdict is not the expected one.
"""

import json
import sys
from urllib.request import urlopen

import jwt

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
REQUIRED = ["iss", "sub", "aud", "client_id", "exp", "iat", "jti"]


def verify(keys, case):
    """Returns ("valid", claims) or ("invalid", reason)."""
    try:
        header = jwt.get_unverified_header(case["token"])
        if header.get("typ") != "at+jwt":
            return "invalid", f"typ is {header.get('typ')}"
        claims = jwt.decode(
            case["token"],
            keys.get_signing_key_from_jwt(case["token"]).key,
            algorithms=ALGORITHMS,
            issuer=case["issuer"],
            audience=case["audience"],
            options={"require": REQUIRED},
        )
        return "valid", claims
    except jwt.PyJWKClientConnectionError:
        raise
    except (jwt.InvalidTokenError, jwt.PyJWKClientError) as error:
        return "invalid", f"{type(error).__name__}: {error}"


def main():
    cases = json.load(sys.stdin)
    for case in cases if isinstance(cases, list) else [cases]:
        if case["expect"] not in ("valid", "invalid"):
            sys.exit(f'expect must be "valid" or "invalid", received {case["expect"]}')
        with urlopen(case["issuer"].rstrip("/") + "/.well-known/openid-configuration", timeout=10) as answer:
            metadata = json.load(answer)
        if metadata["issuer"] != case["issuer"]:
            sys.exit(f"issuer: expected {case['issuer']}, received {metadata['issuer']}")
        keys = jwt.PyJWKClient(metadata["jwks_uri"])
        keys.get_jwk_set(refresh=True)
        verdict, detail = verify(keys, case)
        print(f"PyJWT: {verdict}: {detail}")
        if verdict != case["expect"]:
            sys.exit(f"expected {case['expect']}")


main()
