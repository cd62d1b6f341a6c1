"""The public keys of the authorization server: fetched when the first token arrives, kept, and fetched again when they are old or
when a token names a key that is not among them. Anybody can send a token with an invented key ID, so the last of these happens at
most once in UNKNOWN_KEY_PAUSE. If the authorization server is down, the keys at hand are used for a while longer: it takes no part
in checking a token."""

import logging
import os
from threading import Lock
from time import monotonic

import httpx
from jwt import PyJWKSet

MAX_AGE = float(os.environ.get("KEYS_MAX_AGE", 600))  # seconds; then a withdrawn key is no longer trusted
MAX_AGE_IN_OUTAGE = 6 * MAX_AGE
UNKNOWN_KEY_PAUSE = 10
FAILURE_PAUSE = 1
TIMEOUT = 3

NEVER = float("-inf")


class KeysUnavailable(Exception):
    """There are no keys to check a token with: the token may be good, and the caller should try again."""


class PublishedKeys:
    def __init__(self, issuer):
        self.issuer = issuer
        self.keys = {}
        self.fetched_at = self.failed_at = self.unknown_key_at = NEVER
        # One thread fetches, and those that need keys as well wait for what it finds.
        self.lock = Lock()

    def find(self, kid):
        """The key with this ID, or None."""
        with self.lock:
            if age(self.fetched_at) > MAX_AGE:
                try:
                    self._fetch()
                except KeysUnavailable:
                    if age(self.fetched_at) > MAX_AGE_IN_OUTAGE:
                        raise
            if kid not in self.keys and age(self.unknown_key_at) >= UNKNOWN_KEY_PAUSE:
                self._fetch()
                self.unknown_key_at = monotonic()
            return self.keys.get(kid)

    def _fetch(self):
        if age(self.failed_at) < FAILURE_PAUSE:
            raise KeysUnavailable
        try:
            with httpx.Client(timeout=TIMEOUT) as http:
                metadata = get(http, f"{self.issuer}/.well-known/openid-configuration")
                # RFC 8414 section 3.3: metadata of another issuer must not be used.
                if metadata["issuer"] != self.issuer:
                    raise ValueError(f"expected metadata of {self.issuer}, received that of {metadata['issuer']}")
                published = PyJWKSet.from_dict(get(http, metadata["jwks_uri"])).keys
            self.keys = {key.key_id: key for key in published if key.key_id}
            self.fetched_at = monotonic()
        except Exception as error:  # not answered, no JSON, no keys: in any case there are none
            self.failed_at = monotonic()
            logging.getLogger("uvicorn.error").error("the keys of %s could not be fetched: %r", self.issuer, error)
            raise KeysUnavailable from error


def get(http, url):
    return http.get(url).raise_for_status().json()


def age(time):
    return monotonic() - time
