"""Sessions: a token in the browser, its keyed hash in the database, gone after a day or two idle
hours."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.db.statement import Read, Tx
from recoup.kernel.feature import Place
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.kernel.time import WallTime
from recoup.kit.rights import MAY, PARTNER_MAY
from recoup.kit.whence import address_words, browser_words
from recoup.kit.world import World
from recoup.merchants.flows.cells import ask_each
from recoup.merchants.store.merchants import newest_of
from recoup.merchants.store.partners import find_partner
from recoup.people.rules.who_must import must_set_up
from recoup.people.store.impersonations import (
    Impersonation,
    end_impersonation,
    impersonation_of,
    members_to_impersonate,
)
from recoup.people.store.people import (
    Bell,
    MerchantAccess,
    choose_merchant,
    choose_world,
    delete_old_sessions,
    delete_session,
    find_session,
    insert_session,
    is_operator,
    partner_roles,
    reachable,
    touch_session,
)
from recoup.people.store.second_factor_rules import bound_by

LASTS: Final = timedelta(hours=24)
IDLE: Final = timedelta(hours=2)
NOTED_EVERY: Final = timedelta(minutes=1)
TOKEN_LENGTH_MAX: Final = 100


@frozen
class PartnerMembership:
    """Somebody's place at a partner."""

    partner_id: UUID
    role: str

    def may(self, action: str) -> bool:
        return action in PARTNER_MAY.get(self.role, frozenset())


@frozen
class Impersonator:
    """Operator's person who impersonates the session's: until when, why, and whether they may act.
    `as_role`: they impersonate nobody, with this role; empty for a person."""

    impersonation_id: UUID
    staff_id: UUID
    staff_name: str
    reason: str
    until: datetime
    may_act: bool
    as_role: str = ""


@frozen
class ClientInfo:
    """Client that somebody signs in from, as it came."""

    address: str = ""
    agent: str = ""


NOWHERE: Final = ClientInfo()


BELL: Final = Place[Callable[[Read, UUID, str], Awaitable[Bell]]]("bell")  # of a person in a world


@frozen
class Session:
    """Somebody signed in. `merchant` is the one looked at, None when they may see none; `merchants`
    all they may. `is_operator`: may decide for the operator, at every merchant. `seat`: the first
    partner that they belong to. `paused`: the name of the paused partner by which alone they see
    `merchant`: there they look and change nothing. `must_set_up`: they must have a second factor
    and have none. Until then they see nothing and may do nothing. `zone`: in which they are shown
    times. `language`: which they chose to read, empty for their browser's."""

    user_id: UUID
    email: str
    name: str
    csrf: str
    merchant: MerchantAccess | None
    merchants: tuple[MerchantAccess, ...]
    is_operator: bool = False
    seat: PartnerMembership | None = None
    paused: str = ""
    behind: Impersonator | None = None  # somebody of the operator, who impersonates this person
    spent_csrf: str = ""  # what forms of the impersonation that is over carried
    must_set_up: bool = False
    zone: str = "GMT"
    language: str = ""
    unread: int = 0  # notifications, one more than is counted at most
    # orders of `merchant` that need somebody, likewise; for who shows it to fill in; so below
    attention: int = 0
    disputes: int = 0
    unknown: int = 0
    refunds: int = 0
    approvals: int = 0
    routes_down: int = 0  # card routes that are not reachable; for the operator's people
    partition_days: int | None = None  # left, where they are few; for the operator's people

    @property
    def actor(self) -> Actor:
        """The actor for logs; with impersonation the member and the real user."""
        if self.behind is None:
            return Actor("user", str(self.user_id))
        return Actor("user", self.behind.as_role or str(self.user_id), str(self.behind.staff_id))

    def may(self, action: str) -> bool:
        return not self.paused and self.may_by_role(action)

    def may_by_role(self, action: str) -> bool:
        """True when the role allows the action, whether or not their partner is paused: for what
        they look at."""
        return self.merchant is not None and action in MAY.get(self.merchant.role, frozenset())


async def open_session(
    connection: Tx,
    world: World,
    user_id: UUID,
    old_token: str | None,
    whence: ClientInfo = NOWHERE,
    token: str | None = None,
) -> str:
    """Opens, in an open transaction, a new session in the place of the old; answers its token.
    `token`: one that the caller made, unguessable."""
    now = world.clocks.wall()
    token = world.mark + (token or secrets.token_urlsafe(32))
    merchants = await reachable(connection, user_id, world.name)
    if old_token:
        await end_impersonation(connection, session_hash(world, old_token), now, "signed_out")
        await delete_session(connection, session_hash(world, old_token))
    await delete_old_sessions(connection, user_id, now)
    await insert_session(
        connection,
        session_hash(world, token),
        user_id,
        secrets.token_urlsafe(24),
        world.name,
        # A sign-in lands where something happens.
        await _newest_of(world, [m.merchant_id for m in merchants])
        or next((m.merchant_id for m in merchants), None),
        now,
        WallTime(now + LASTS),
        address_words(whence.address),
        browser_words(whence.agent),
    )
    return token


async def _newest_of(world: World, merchants: Sequence[UUID]) -> UUID | None:
    """Of the first cell that has an order of theirs."""
    answers = await ask_each(world, lambda cell: newest_of(cell.db, merchants))
    return next((newest for _, newest in answers.said if newest is not None), None)


async def read_session(world: World, token: str, *, poll: bool = False) -> Session | None:
    """Reads the session; None when it is unknown, over, or of another world. What somebody may see
    is read anew each time. `poll`: a page asked by itself, so nobody was seen."""
    if not token or len(token) > TOKEN_LENGTH_MAX or not token.isascii():
        return None
    now, key = world.clocks.wall(), session_hash(world, token)
    async with world.people.connection() as connection:
        row = await find_session(connection, key, now, now - IDLE)
        if row is None or row.world != world.name:
            return None
        if not poll and row.seen_at < now - NOTED_EVERY:
            await touch_session(connection, key, now)
        bound = await bound_by(connection, row.user_id)
        if must_set_up(bound, staff_must=world.policy.staff_second_factor):
            return Session(row.user_id, row.email, row.name, row.csrf, None, (), must_set_up=True)
        merchants = await reachable(connection, row.user_id, world.name)
        chosen = next((m for m in merchants if m.merchant_id == row.merchant_id), None)
        if chosen is None and row.merchant_id:
            own_seats = await reachable(
                connection, row.user_id, world.name, merchant_id=row.merchant_id
            )
            chosen = own_seats[0] if own_seats else None
        operator = await is_operator(connection, row.user_id, world.name)
        seats = await partner_roles(connection, row.user_id, world.name)
        impersonation = await impersonation_of(connection, key, now)
        bell = BELL.first()
        assert bell
        zone, language, unread = await bell(connection, row.user_id, world.name)
    merchant, paused = await _while_paused(world, chosen or (merchants[0] if merchants else None))
    csrf = _csrf_at(world, row.csrf, merchant.merchant_id if merchant else None)
    partner = PartnerMembership(*seats[0]) if seats else None
    own = Session(
        row.user_id,
        row.email,
        row.name,
        csrf,
        merchant,
        tuple(merchants),
        operator,
        partner,
        paused,
        zone=zone,
        language=language,
        unread=unread,
    )
    return await _behind(world, key, own, impersonation) if impersonation else own


async def _behind(world: World, key: bytes, own: Session, impersonation: Impersonation) -> Session:
    """The session of who is impersonated; this person's own when that is over. What it rests on is
    read anew each time: it is over as soon as the impersonator is the operator's no more, or who is
    impersonated belongs there no more."""
    csrf = world.keys.mac("look", impersonation.impersonation_id.bytes + own.csrf.encode()).hex()[
        :32
    ]
    if impersonation.over:
        return replace(own, spent_csrf=csrf)
    reach, how = None, "" if own.is_operator else "not_staff"
    if not how and impersonation.user_id is None:
        reach = MerchantAccess(
            impersonation.merchant_id,
            impersonation.merchant_name,
            impersonation.role,
            impersonation.role,
        )
    elif not how:
        members = await members_to_impersonate(
            world.people, impersonation.merchant_id, own.user_id, world.name, impersonation.user_id
        )
        seats = (
            await reachable(
                world.people, members[0].user_id, world.name, merchant_id=impersonation.merchant_id
            )
            if (members)
            else []
        )
        reach, how = (seats[0], "") if seats else (None, "not_member")
    if reach is None:
        await end_impersonation(world.people.alone, key, world.clocks.wall(), how)
        return replace(own, spent_csrf=csrf)
    merchant, paused = await _while_paused(world, reach)
    behind = Impersonator(
        impersonation.impersonation_id,
        own.user_id,
        own.name,
        impersonation.reason,
        impersonation.expires_at,
        impersonation.may_act,
        impersonation.role if impersonation.user_id is None else "",
    )
    return Session(
        impersonation.user_id or own.user_id,
        "",
        impersonation.name or "A member",
        csrf,
        merchant,
        (reach,),
        paused=paused,
        behind=behind,
        zone=own.zone,
        language=own.language,
    )


async def switch_merchant(world: World, token: str, session: Session, merchant_id: UUID) -> None:
    """Raises: Problem(forbidden) for a merchant out of reach."""
    async with world.people.transaction() as connection:
        if not await reachable(connection, session.user_id, world.name, merchant_id=merchant_id):
            raise Problem(
                "forbidden",
                "You are not a member of this merchant.",
                "Ask its owner to invite you.",
            )
        await choose_merchant(connection, session_hash(world, token), merchant_id)


async def switch_world(world: World, token: str, session: Session) -> str:
    """The same session in the other world, at the same merchant where it is there too; answers its
    token from now on.

    Raises: Problem(forbidden) where there is no other world, or nothing in it for this person.
    """
    other = world.other
    async with world.people.transaction() as connection:
        if other is None or not (
            await reachable(connection, session.user_id, other.name)
            or await is_operator(connection, session.user_id, other.name)
        ):
            raise Problem(
                "forbidden",
                "None of your merchants is in the other environment.",
                "A merchant goes live from its Onboarding page.",
            )
        await choose_world(connection, session_hash(world, token), other.name)
    return other.mark + token.removeprefix(world.mark)


async def sign_out(world: World, token: str) -> None:
    async with world.people.transaction() as tx:
        await end_impersonation(tx, session_hash(world, token), world.clocks.wall(), "signed_out")
        await delete_session(tx, session_hash(world, token))


def is_csrf(session: Session, given: str, *, parts: int = 1) -> bool:
    """True when this session made the form; with 2 `parts` in this world, with 3 at this merchant,
    too. Compared in constant time."""
    mine, sent = (".".join(text.split(".")[:parts]) for text in (session.csrf, given))
    return secrets.compare_digest(mine.encode(), sent.encode("utf-8", "replace"))


def _csrf_at(world: World, csrf: str, merchant_id: UUID | None) -> str:
    """The form's secret with where the form stands: what was begun in one tab is not done to what
    another tab chose."""
    marks = (
        world.keys.mac("form", csrf.encode() + place).hex()[:8]
        for place in (world.name.encode(), merchant_id.bytes if merchant_id else b"")
    )
    return ".".join((csrf, *marks))


def session_hash(world: World, token: str) -> bytes:
    """The hash by which a session is known: of what follows the mark, which changes when somebody
    goes to the other world."""
    return world.keys.secret_hash(token.removeprefix(world.mark))


async def _while_paused(
    world: World, merchant: MerchantAccess | None
) -> tuple[MerchantAccess | None, str]:
    """A paused partner's membership gives no role to act with: what is left of the reach, and the
    partner's name when nothing else reaches the merchant."""
    if merchant is None or merchant.partner_id is None:
        return merchant, ""
    partner = await find_partner(world.db, merchant.partner_id)
    if partner is None or partner.state == "active":
        return merchant, ""
    if merchant.own_role is not None:
        return replace(merchant, role=merchant.own_role), ""
    return merchant, partner.name
