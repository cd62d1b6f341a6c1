"""The public keys of the authorization server: fetched when the first token arrives, kept, and fetched again when they are old or
when a token names a key that is not among them. Anybody can send a token with an invented key ID, so the last of these happens at
most once in UNKNOWN_KEY_PAUSE, and tokens with a known key do not wait for it. If the authorization server is down, the keys at hand
are used for a while longer: it takes no part in checking a token."""

import asyncio
import logging
import os
from time import monotonic

import httpx
from jwt import PyJWKSet

MAX_AGE = float(os.environ.get("KEYS_MAX_AGE", 600))  # seconds; then a withdrawn key is no longer trusted
MAX_AGE_IN_OUTAGE = 6 * MAX_AGE
UNKNOWN_KEY_PAUSE = 10
FAILURE_PAUSE = 1
TIMEOUT = 3  # for a whole attempt

NEVER = float("-inf")


class KeysUnavailable(Exception):
    """There are no keys to check a token with: the token may be good, and the caller should try again."""


class PublishedKeys:
    def __init__(self, issuer):
        self.issuer = issuer
        self.keys = {}
        self.fetched_at = self.failed_at = self.unknown_key_at = NEVER
        # Whoever fetches holds it, and those that need what is fetched wait for it.
        self.fetching = asyncio.Lock()

    async def find(self, kid):
        """The key with this ID, or None."""
        is_usable = age(self.fetched_at) <= MAX_AGE_IN_OUTAGE
        # In an outage one request waits for the next attempt; meanwhile, the others use the keys at hand.
        may_answer = age(self.fetched_at) <= MAX_AGE or (is_usable and self._is_outage() and self.fetching.locked())
        if may_answer and kid in self.keys:
            return self.keys[kid]
        async with self.fetching:
            if age(self.fetched_at) > MAX_AGE:
                if age(self.failed_at) >= FAILURE_PAUSE:
                    await self._fetch()
            elif kid not in self.keys and age(self.unknown_key_at) >= UNKNOWN_KEY_PAUSE:
                self.unknown_key_at = monotonic()  # before the attempt, which may fail
                await self._fetch()
        if age(self.fetched_at) > MAX_AGE_IN_OUTAGE:
            raise KeysUnavailable
        if kid not in self.keys and self._is_outage():
            raise KeysUnavailable  # it may be a new key
        return self.keys.get(kid)

    def _is_outage(self):
        return self.failed_at > self.fetched_at

    async def _fetch(self):
        try:
            # httpx's own limit is for each operation: a server that sends a byte now and then would never meet it.
            self.keys = await asyncio.wait_for(self._published(), TIMEOUT)
            self.fetched_at = monotonic()
        except Exception as error:  # not answered, no JSON, no keys: in any case there are none
            self.failed_at = monotonic()
            logging.getLogger("uvicorn.error").error("the keys of %s could not be fetched: %r", self.issuer, error)

    async def _published(self):
        async with httpx.AsyncClient() as http:
            metadata = await get(http, f"{self.issuer}/.well-known/openid-configuration")
            # RFC 8414 section 3.3: metadata of another issuer must not be used.
            if metadata["issuer"] != self.issuer:
                raise ValueError(f"expected metadata of {self.issuer}, received that of {metadata['issuer']}")
            published = PyJWKSet.from_dict(await get(http, metadata["jwks_uri"])).keys
        return {key.key_id: key for key in published if key.key_id}


async def get(http, url):
    return (await http.get(url)).raise_for_status().json()


def age(time):
    return monotonic() - time
