"""Credentials of callers: app keys with their secrets, access and refresh tokens, tokenization
keys."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from recoup.db.statement import FIRST_CELL, Read
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.policy import WORLD_CLAIM
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.time import iso
from recoup.keys.rules.key_scopes import PARTNER_PREFIX, contracted, expanded
from recoup.keys.store.merchant_keys import add_refresh_token, note_first_token, take_refresh_token
from recoup.kit.world import World
from recoup.merchants.store.merchants import ApiKey, find_api_key, find_tokenization_merchant
from recoup.merchants.store.partners import find_partner_key
from recoup.outside.keys.jwt import LIVES_SECONDS, SERVICES, access_claims

REFRESH_LIVES = timedelta(hours=24)
KNOWN_SECONDS = 5.0
_NO_KEY = "The AppKey and AppSecret do not belong together."


@frozen
class Identity:
    """A merchant's key has a `mid`, a partner's a `partner_id`."""

    app_key: str
    mid: UUID | None
    scopes: frozenset[str]
    partner_id: UUID | None = None


@frozen
class Tokens:
    """`expires` is the wall instant at which the access token ends."""

    access: str
    refresh: str
    expires: datetime
    key_id: UUID


class Credentials:
    """Keeps keys that were checked for a few seconds, so that a call with a key costs no look-up
    each time."""

    def __init__(self, world: World) -> None:
        self._world, self._endings = world, world.key_endings
        self._known: dict[bytes, tuple[float, Identity]] = {}
        self._tokenizers: dict[str, tuple[float, UUID]] = {}

    async def sign_in(self, app_key: str, app_secret: str) -> Tokens:
        """Raises: Problem(bad_credentials), the same for an unknown key and a wrong secret."""
        key = await _find_key(self._world.db, app_key)
        if not self._matches(key, app_secret) or key is None:
            raise Problem(
                "bad_credentials", _NO_KEY, field="AppKey", cure="Check both, and the environment."
            )
        self._check_open(key, "bad_credentials")
        return await self._issue(key)

    async def refresh(self, token: str) -> Tokens:
        """A refresh token works once. Raises: Problem(bad_credentials)."""
        wall = self._world.clocks.wall()
        app_key = await take_refresh_token(
            self._world.db.alone, self._world.keys.secret_hash(token), wall
        )
        key = await _find_key(self._world.db, app_key) if app_key else None
        if key is None or self._has_ended(key):
            raise Problem(
                "bad_credentials",
                "The refresh token is not valid.",
                field="RefreshToken",
                cure="Sign in again with AppKey and AppSecret.",
            )
        return await self._issue(key)

    async def from_token(self, token: str) -> Identity:
        """Raises: Problem(unauthenticated), also when the key that it was made with has ended."""
        claims: dict[str, Any] = self._world.keys.verify_token(
            token, int(self._world.clocks.wall().timestamp())
        )
        if claims.get(WORLD_CLAIM) != self._world.name:
            raise Problem(
                "unauthenticated", "The token belongs to another environment.", cure="Sign in here."
            )
        if await self._endings.has_ended(claims["unique_name"]):
            raise _ended()
        mid, pid = claims.get("custom:mid"), claims.get("custom:pid")
        scopes = expanded(claims.get("aud") or ())
        return Identity(
            claims["unique_name"], UUID(mid) if mid else None, scopes, UUID(pid) if pid else None
        )

    async def has_ended(self, app_key: str) -> bool:
        """True when a key has ended that was found open a moment ago. Raises: Problem(unavailable)
        where that cannot be known."""
        return await self._endings.has_ended(app_key)

    async def from_api_key(self, app_key: str, secret: str) -> Identity:
        """Raises: Problem(unauthenticated)."""
        mark = self._world.keys.mac("api-key", f"{app_key}:{secret}".encode())
        now = self._world.clocks.monotonic()
        known = self._known.get(mark)
        if known is not None and now - known[0] < KNOWN_SECONDS:
            if await self._endings.has_ended(app_key):
                raise _ended()
            return known[1]
        key = await _find_key(self._world.db, app_key)
        if not self._matches(key, secret) or key is None:
            raise Problem(
                "unauthenticated", "The API key is not valid.", cure="Send `ApiKey id:secret`."
            )
        self._check_open(key, "unauthenticated")
        if len(self._known) > 10_000:
            self._known.clear()
        identity = Identity(key.app_key, key.merchant_id, expanded(key.scopes), key.partner_id)
        self._known[mark] = (now, identity)
        return identity

    async def merchant_of_environment(self, environment_key: str) -> UUID | None:
        """The merchant of a tokenization key."""
        now = self._world.clocks.monotonic()
        known = self._tokenizers.get(environment_key)
        if known is not None and now - known[0] < KNOWN_SECONDS:
            return None if await self._endings.has_ended(environment_key) else known[1]
        merchant_id = await find_tokenization_merchant(
            self._world.db, environment_key, self._world.clocks.wall()
        )
        if merchant_id is not None:
            if len(self._tokenizers) > 10_000:
                self._tokenizers.clear()
            self._tokenizers[environment_key] = (now, merchant_id)
        return merchant_id

    def _has_ended(self, key: ApiKey) -> bool:
        return key.ended_at is not None and key.ended_at <= self._world.clocks.wall()

    def _check_open(self, key: ApiKey, code: str) -> None:
        """Raised only after the secret was verified. Raises: Problem(`code`) for a key that was
        revoked or replaced."""
        if key.ended_at is not None and self._has_ended(key):
            raise Problem(
                code,
                Sentence("This key ended at {0}.", iso(key.ended_at)),
                field="AppKey",
                cure="Use the key that replaced it, or create a new one.",
            )

    def _matches(self, key: ApiKey | None, secret: str) -> bool:
        """Takes as long for an unknown key as for a wrong secret."""
        kept = key.secret_hash if key is not None else bytes(32)
        return bool(self._world.keys.is_secret(secret, kept)) and key is not None

    async def _issue(self, key: ApiKey) -> Tokens:
        world, wall = self._world, self._world.clocks.wall()
        claims = access_claims(
            client_id=key.app_key,
            mid=_text(key.merchant_id),
            pid=_text(key.partner_id),
            audience=[*contracted(expanded(key.scopes)), *(SERVICES if key.merchant_id else ())],
            world=world.name,
            token_id=str(new_id()),
            now=wall,
        )
        cell = "" if world.cell == FIRST_CELL else f"c{world.cell}."
        refresh = world.mark + cell + secrets.token_urlsafe(48)
        await add_refresh_token(
            world.db.alone, world.keys.secret_hash(refresh), key.app_key, wall + REFRESH_LIVES
        )
        await note_first_token(world.db.alone, key.app_key, wall)
        expires = datetime.fromtimestamp(int(wall.timestamp()) + LIVES_SECONDS, UTC)
        return Tokens(world.keys.sign_token(claims), refresh, expires, key.key_id)


def _ended() -> Problem:
    return Problem(
        "unauthenticated",
        "The key of this call has ended, and its access tokens with it.",
        cure="Sign in with the key that replaced it, or create a new one.",
    )


async def _find_key(connection: Read, app_key: str) -> ApiKey | None:
    """A partner's key says what it is by its name."""
    find = find_partner_key if app_key.startswith(PARTNER_PREFIX) else find_api_key
    return await find(connection, app_key)


def _text(value: UUID | None) -> str | None:
    return str(value) if value is not None else None
