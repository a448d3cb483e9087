"""Sessions: a random token in the browser, its keyed hash in the database, gone after a day or two idle hours."""

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg

from recoup.kernel.problem import Problem
from recoup.kernel.time import WallTime
from recoup.kernel.world import World
from recoup.store.pool import Database
from recoup.store.read.merchants import newest_of
from recoup.store.read.partners import find_partner
from recoup.store.read.people import Reach, find_session, is_operator, partner_roles, reachable
from recoup.store.write.people import (
    choose_merchant,
    choose_world,
    delete_old_sessions,
    delete_session,
    insert_session,
    touch_session,
)  # fmt: skip

LASTS: Final = timedelta(hours=24)
IDLE: Final = timedelta(hours=2)
NOTED_EVERY: Final = timedelta(minutes=1)
TOKEN_LENGTH_MAX: Final = 100
# What a role may do besides looking.
MAY: Final[dict[str, frozenset[str]]] = {
    "owner": frozenset({
        "refund", "cancel", "dispute", "mails", "bank", "switch", "test", "upload", "apply", "go_live", "invite",
        "keys", "hooks", "sandbox", "retry", "block", "erase",
    }),
    "operations": frozenset({
        "refund", "cancel", "dispute", "mails", "switch", "test", "upload", "apply", "hooks", "sandbox", "retry",
        "block",
    }),
    "developer": frozenset({"test", "keys", "hooks", "sandbox"}),
    "analyst": frozenset(),
}


# What a role may do at a partner besides looking.
PARTNER_MAY: Final[dict[str, frozenset[str]]] = {
    "owner": frozenset({"merchants", "switches", "see_keys", "keys", "apply", "invite"}),
    "operations": frozenset({"merchants", "switches", "see_keys", "apply"}),
    "developer": frozenset({"see_keys", "keys"}),
    "analyst": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Seat:
    """Somebody's place at a partner."""

    partner_id: UUID
    role: str

    def may(self, action: str) -> bool:
        return action in PARTNER_MAY.get(self.role, frozenset())


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in. `merchant` is the one looked at, None when they may see none; `merchants` all they may.
    `is_operator`: may decide for the operator, at every merchant. `seat`: the first partner that they belong to.
    `paused`: the name of the paused partner by which alone they see `merchant`: there they look and change nothing."""

    user_id: UUID
    email: str
    name: str
    csrf: str
    merchant: Reach | None
    merchants: tuple[Reach, ...]
    is_operator: bool = False
    seat: Seat | None = None
    paused: str = ""

    def may(self, action: str) -> bool:
        return not self.paused and self.may_by_role(action)

    def may_by_role(self, action: str) -> bool:
        """Whether or not their partner is paused: for what they look at."""
        return self.merchant is not None and action in MAY.get(self.merchant.role, frozenset())


async def open_session(connection: asyncpg.Connection, world: World, user_id: UUID, old_token: str | None) -> str:
    """In an open transaction: a new session in the place of the old; answers its token."""
    now = world.clocks.wall()
    token = world.mark + secrets.token_urlsafe(32)
    merchants = await reachable(connection, user_id, world.name)
    if old_token:
        await delete_session(connection, _hash(world, old_token))
    await delete_old_sessions(connection, user_id, now)
    await insert_session(
        connection, _hash(world, token), user_id, secrets.token_urlsafe(24), world.name,
        await _liveliest(world, [m.merchant_id for m in merchants]), now, WallTime(now + LASTS),
    )  # fmt: skip
    return token


async def read_session(world: World, token: str) -> Session | None:
    """None when it is unknown, over, or of another world. What somebody may see is read anew each time."""
    if not token or len(token) > TOKEN_LENGTH_MAX or not token.isascii():
        return None
    people: Database = world.extra["people"]
    now, key = world.clocks.wall(), _hash(world, token)
    async with people.connection() as connection:
        row = await find_session(connection, key, now, now - IDLE)
        if row is None or row.world != world.name:
            return None
        if row.seen_at < now - NOTED_EVERY:
            await touch_session(connection, key, now)
        merchants = await reachable(connection, row.user_id, world.name)
        chosen = next((m for m in merchants if m.merchant_id == row.merchant_id), None)
        if chosen is None and row.merchant_id is not None:
            found = await reachable(connection, row.user_id, world.name, merchant_id=row.merchant_id)
            chosen = found[0] if found else None
        operator = await is_operator(connection, row.user_id)
        seats = await partner_roles(connection, row.user_id)
    merchant, paused = await _while_paused(world, chosen or (merchants[0] if merchants else None))
    return Session(row.user_id, row.email, row.name, row.csrf, merchant, tuple(merchants), operator,
                   Seat(*seats[0]) if seats else None, paused)  # fmt: skip


async def switch_merchant(world: World, token: str, session: Session, merchant_id: UUID) -> None:
    """Raises: Problem(forbidden) for a merchant out of reach."""
    people: Database = world.extra["people"]
    async with people.transaction() as connection:
        if not await reachable(connection, session.user_id, world.name, merchant_id=merchant_id):
            raise Problem("forbidden", "You are not a member of this merchant.", cure="Ask its owner to invite you.")
        await choose_merchant(connection, _hash(world, token), merchant_id)


async def switch_world(world: World, token: str, session: Session) -> str:
    """The same session in the other world, at the same merchant where it is there too; answers its token from now on.

    Raises: Problem(forbidden) where there is no other world, or nothing in it for this person.
    """
    people: Database = world.extra["people"]
    other: World | None = world.extra.get("other")
    async with people.transaction() as connection:
        if other is None or not (await reachable(connection, session.user_id, other.name) or session.is_operator):
            raise Problem("forbidden", "None of your merchants is in the other environment.",
                          cure="A shop goes live from its Onboarding page.")  # fmt: skip
        await choose_world(connection, _hash(world, token), other.name)
    return other.mark + token.removeprefix(world.mark)


async def sign_out(world: World, token: str) -> None:
    people: Database = world.extra["people"]
    async with people.connection() as connection:
        await delete_session(connection, _hash(world, token))


def is_csrf(session: Session, given: str) -> bool:
    """Compared in constant time."""
    return secrets.compare_digest(session.csrf.encode(), given.encode("utf-8", "replace"))


def _hash(world: World, token: str) -> bytes:
    """Of what follows the mark, which changes when somebody goes to the other world."""
    kept: bytes = world.keys.secret_hash(token.removeprefix(world.mark))
    return kept


async def _while_paused(world: World, merchant: Reach | None) -> tuple[Reach | None, str]:
    """A paused partner's membership gives no role to act with: what is left of the reach, and the partner's name when
    nothing else reaches the merchant."""
    if merchant is None or merchant.partner_id is None:
        return merchant, ""
    async with world.db.connection() as connection:
        partner = await find_partner(connection, merchant.partner_id)
    if partner is None or partner.state == "active":
        return merchant, ""
    if merchant.own_role is not None:
        return replace(merchant, role=merchant.own_role), ""
    return merchant, partner.name


async def _liveliest(world: World, merchant_ids: list[UUID]) -> UUID | None:
    """The merchant with the newest order: whoever signs in lands where something happens."""
    async with world.db.connection() as connection:
        newest = await newest_of(connection, merchant_ids)
    return newest or next(iter(merchant_ids), None)
