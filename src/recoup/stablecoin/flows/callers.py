"""Authentication of a call's signer, to the byte, and refusal of replays."""

import os
from collections.abc import Sequence
from math import inf
from typing import Final
from uuid import UUID

from recoup.db.coalesce import Coalescer
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.keys.rules.key_scopes import expanded
from recoup.keys.rules.signing import canonical, is_fresh, same, seconds_of, secret_context, sign
from recoup.keys.store.merchant_keys import find_signing_key
from recoup.kit.world import World
from recoup.stablecoin.store.signatures import (
    Signature,
    begin_signatures,
    bucket_of,
    take_signatures,
)

KNOWN_SECONDS: Final = 5.0
KNOWN_MAX: Final = 10_000
MISSED_MAX: Final = 1_000
KEY_ID_MAX: Final = 128


@frozen
class Signed:
    """A call as it came over the wire: nothing decoded, nothing sorted."""

    key_id: str
    timestamp: str
    signature: str
    method: str
    raw_path: bytes
    raw_query: bytes
    body: bytes


@frozen
class Caller:
    key_id: str
    merchant_id: UUID
    scopes: frozenset[str]
    partner_id: None = None  # its keys are merchants' alone

    @property
    def mid(self) -> UUID:
        return self.merchant_id

    @property
    def actor(self) -> Actor:
        return Actor("api", self.key_id)


class Callers:
    """Callers of a world, one object a world and process. A key is looked up once in a few seconds,
    whether there is one or not."""

    def __init__(self, world: World, *, reads_once: bool = True) -> None:
        """`reads_once`: whether a signature of a GET works once too."""
        self._world, self._reads_once, self._endings = world, reads_once, world.key_endings
        self._known: dict[str, tuple[float, Caller, bytes]] = {}
        # Ids that nobody has, of which strangers send as many as they like: few are kept, and none
        # that is long.
        self._missed: dict[str, float] = {}
        # A secret for the keys that nobody has, so that they cost as much as others.
        self._nobody: bytes = world.keys.seal_secret(secret_context(""), os.urandom(32))
        self._taking: Coalescer[tuple[UUID, str, str, int], bool] = Coalescer(self._take)

    async def verify(self, call: Signed) -> Caller:
        """Raises: Problem(unauthenticated), its `detail` what was wrong first: missing_auth,
        invalid_api_key, stale_request, bad_signature, replayed_request."""
        if not (call.key_id and call.timestamp and call.signature):
            raise _no(
                "missing_auth",
                "The call is not signed.",
                "Send X-Api-Key, X-Timestamp and X-Signature.",
            )
        caller, secret = await self._key(call.key_id)
        message = canonical(call.method, call.raw_path, call.raw_query, call.timestamp, call.body)
        fits = same(call.signature, sign(secret, message))
        if caller is None:
            raise _no(
                "invalid_api_key",
                "The API key is not valid.",
                "Check the key id and its environment.",
            )
        seconds = seconds_of(call.timestamp)
        if seconds is None or not is_fresh(seconds, self._world.clocks.wall()):
            cure = "Send the current Unix time in seconds; check the clock."
            raise _no("stale_request", "X-Timestamp is no time within 300 s of now.", cure)
        if not fits:
            cure = (
                "Sign five lines: method, path, sorted query, timestamp, SHA-256 of the body, "
                "all as sent."
            )
            raise _no("bad_signature", "The signature does not fit this call.", cure)
        once = self._reads_once or call.method != "GET"
        if once and not await self._taking.submit(
            (caller.merchant_id, call.key_id, call.signature, seconds)
        ):
            cure = (
                "Sign each call anew; two equal calls within one second need different timestamps."
            )
            raise _no("replayed_request", "This signature was used before.", cure)
        return caller

    async def _key(self, key_id: str) -> tuple[Caller | None, bytes]:
        now = self._world.clocks.monotonic()
        known = self._known.get(key_id)
        if known and now - known[0] < KNOWN_SECONDS:
            if not await self._endings.has_ended(key_id):
                return known[1], known[2]
            self._known.pop(key_id, None)
        if (
            "\0" in key_id
            or len(key_id) > KEY_ID_MAX
            or now - self._missed.get(key_id, -inf) < KNOWN_SECONDS
        ):
            return None, self._open(None)
        key = await find_signing_key(self._world.db, key_id, self._world.clocks.wall())
        if key is None:
            if len(self._missed) >= MISSED_MAX:
                self._missed.clear()
            self._missed[key_id] = now
            self._known.pop(key_id, None)
            return None, self._open(None)
        secret, caller = (
            self._open((key_id, key.secret)),
            Caller(key_id, key.merchant_id, expanded(key.scopes)),
        )
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        self._known[key_id] = (now, caller, secret)
        return caller, secret

    def _open(self, sealed: tuple[str, bytes] | None) -> bytes:
        key_id, secret = sealed or ("", self._nobody)
        return bytes(self._world.keys.open_secret(secret_context(key_id), secret))

    async def _take(self, rows: Sequence[tuple[UUID, str, str, int]]) -> list[bool | BaseException]:
        """Takes signatures; true for a signature's first use. Of two in one batch the first
        counts."""
        first: dict[tuple[str, str], int] = {}
        for index, (_, key_id, signature, _) in enumerate(rows):
            first.setdefault((key_id, signature), index)
        batch = [
            Signature(
                merchant_id=rows[index][0],
                bucket=bucket_of(rows[index][3]),
                key_id=key_id,
                signature=signature,
            )
            for (key_id, signature), index in first.items()
        ]
        since, fresh = await take_signatures(self._world.db.alone, batch)
        if since is None:
            since = self._world.clocks.wall()
            await begin_signatures(self._world.db.alone, since)
        answers: list[bool | BaseException] = []
        for index, (_, key_id, signature, seconds) in enumerate(rows):
            if seconds < int(since.timestamp()):
                cure = "Sign the call again, with the current time."
                answers.append(
                    _no("stale_request", "The call was signed before the server restarted.", cure)
                )
            else:
                answers.append((key_id, signature) in fresh and first[key_id, signature] == index)
        return answers


def _no(detail: str, message: str, cure: str) -> Problem:
    return Problem("unauthenticated", message, cure, detail=detail)
