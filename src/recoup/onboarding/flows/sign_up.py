"""Somebody makes a sandbox account by themselves: a partner, a merchant, or both, with credentials
that are shown once.

All ids are random, and written down before anything is made under them: with the same password
within a day a sign-up that died goes on under the same ids, and once it is finished nothing leads
to them but the account. Whether an e-mail has an account is not revealed: a sign-up with one that
is taken gets an account of their own, which their password leads to. Nobody proves an e-mail here,
and none is trusted.
"""

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import astuple, field
from datetime import timedelta
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

from recoup.db.pool import Database
from recoup.db.statement import Tx
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.keys.rules.site_address import check_site_address
from recoup.kit.world import World
from recoup.merchants.flows.cells import place_for
from recoup.merchants.rules.countries import checked_country
from recoup.merchants.store.partners import add_partner_merchant
from recoup.networks.descriptor import LENGTH_MAX, LENGTH_MIN
from recoup.onboarding.flows.handover import Credentials, credentials_of
from recoup.onboarding.flows.make_merchant import (
    NewSite,
    issue_keys,
    keep_webhook_keys,
    place_merchant,
)
from recoup.onboarding.flows.partners import PartnerKey, make_partner, make_partner_key
from recoup.people.flows.devices import new_device
from recoup.people.flows.passwords import Passwords
from recoup.people.flows.sessions import ClientInfo, open_session
from recoup.people.flows.sign_in import (
    SIGN_UP_GOES_ON,
    clean_email,
    enter,
    namesake_of,
    takes_sign_ups,
    turn_of,
)
from recoup.people.flows.throttle import charge_stranger
from recoup.people.store.memberships import note_membership
from recoup.people.store.people import (
    add_user,
    charge_sign_in,
    find_user,
    hold_user,
    lock_email,
    save_membership,
    save_merchant,
    save_partner,
)
from recoup.people.store.sign_ups import (
    UnfinishedSignUp,
    begin_sign_up,
    end_sign_up,
    find_sign_up,
    hold_sign_up,
)

KINDS: Final = ("merchant", "partner", "both")
TRIES: Final = 5
REMEMBERED: Final = timedelta(hours=1)
TURN_SECONDS_MAX: Final = 20.0
_TURNS: Final[WeakKeyDictionary[Database, asyncio.Lock]] = WeakKeyDictionary()
_TOO_MANY: Final = "Too many attempts with this e-mail. Go on in"


@frozen
class SignUp:
    """Sign-up as somebody typed it, and from where. `kind`: merchant, partner or both; `site_url`
    for a merchant."""

    email: str
    password: str = field(repr=False)
    name: str
    kind: str
    site_url: str
    address: str
    country: str = ""
    old_token: str | None = None
    agent: str = ""


@frozen
class SignedUp:
    """`session`: for the cookie; where `is_half`, of a sign-in that waits for a code. `device`: by
    which the browser is known when it signs in. No credentials: the account was there before, and
    its password was right."""

    session: str
    credentials: Credentials | None = None
    partner_key: PartnerKey | None = None
    is_half: bool = False
    device: str = ""


async def sign_up(world: World, passwords: Passwords, request: SignUp) -> SignedUp:
    """Raises: Problem(forbidden) where it is closed; Problem(invalid) naming the field;
    Problem(too_many_requests) after five tries from one address in an hour, whatever they were, and
    as for a sign-in, see `throttle`."""
    if not takes_sign_ups(world):
        raise Problem(
            "forbidden", "Sign-up is switched off here.", "Ask the operator for an account."
        )
    email = _checked(request)
    people = world.people
    now, mac = (
        world.clocks.wall(),
        world.keys.mac("signup", request.address.encode("utf-8", "replace")),
    )
    tries, until = await charge_sign_in(people.alone, mac.hex(), now, now + REMEMBERED, TRIES)
    if tries > TRIES:
        raise Problem(
            "too_many_requests",
            "Too many sign-ups from your address.",
            "Try again in an hour.",
            retry_after_seconds=max(1, int((until - now).total_seconds())),
        )
    async with people.connection() as connection:
        await charge_stranger(
            connection, world, email, request.address, _TOO_MANY
        )  # the password is looked at here, too
    turn = turn_of(request.address)
    hashed = await passwords.hashed(request.password, turn)
    namesake = await namesake_of(world, passwords, email, request.password, turn)
    user, other = await find_user(people, email), await find_user(people, namesake)
    known = other or user
    right = await passwords.fits(request.password, known.password_hash if known else None, turn)
    if known and right and known.active:
        async with people.transaction() as tx:
            if await hold_user(tx, known.user_id) != known.password_hash:
                raise Problem(
                    "unavailable",
                    "This account has just changed.",
                    "Sign in.",
                    retry_after_seconds=1,
                )
            entered = await enter(tx, world, known.user_id, request.old_token, _whence(request))
        return SignedUp(
            entered.token, is_half=entered.is_half, device=new_device(world, known.user_id)
        )
    login = email if user is None else namesake
    begun = await _begin(world, passwords, request, login, hashed)
    async with _in_turn(people), people.transaction() as connection:
        await lock_email(connection, email)
        taken = await find_user(connection, login) is not None
        if taken or not await hold_sign_up(connection, login, begun.user_id):
            raise _twice()
        return await _make(connection, world, request, login, begun)


@asynccontextmanager
async def _in_turn(people: Database) -> AsyncIterator[None]:
    """Lets sign-ups through in turn. What a sign-up makes in the world is made under the e-mail's
    lock: of this process's few connections to the people one at most waits for the world's.

    Raises: Problem(unavailable) when the turn does not come.
    """
    turn = _TURNS.setdefault(people, asyncio.Lock())
    try:
        async with asyncio.timeout(TURN_SECONDS_MAX):
            await turn.acquire()
    except TimeoutError:
        raise Problem(
            "unavailable",
            "Too many sign up just now.",
            "Send it again in a minute.",
            retry_after_seconds=30,
        ) from None
    try:
        yield
    finally:
        turn.release()


async def _begin(
    world: World, passwords: Passwords, request: SignUp, login: str, hashed: str
) -> UnfinishedSignUp:
    """The one that died, where this is its password; else a new one in its place. Committed before
    anything is made."""
    people = world.people
    now = world.clocks.wall()
    seen = await find_sign_up(people, login, now - SIGN_UP_GOES_ON)
    if seen:
        right = await passwords.fits(request.password, seen.password_hash, turn_of(request.address))
        seen = seen if right and seen.kind == request.kind else None
    async with people.transaction() as tx:
        await lock_email(tx, clean_email(request.email))
        if await find_user(tx, login):
            raise _twice()
        kept = await find_sign_up(tx, login, now - SIGN_UP_GOES_ON)
        if seen and kept == seen:
            return seen
        begun = UnfinishedSignUp(hashed, request.kind, new_id(), new_id(), new_id(), new_id())
        await begin_sign_up(tx, login, now, *astuple(begun))
    return begun


def _twice() -> Problem:
    """The same form sent twice is most likely."""
    return Problem(
        "unavailable",
        "This sign-up arrived twice at the same time.",
        "Sign in, or send it again.",
        retry_after_seconds=1,
    )


def _checked(request: SignUp) -> str:
    """The e-mail as it is kept. Raises: Problem(invalid)."""
    email = clean_email(request.email)
    local, at, host = email.rpartition("@")
    sane = email.isprintable() and not set(" #") & set(email) and len(request.email) <= 254
    if not (local and at and "." in host and sane):
        raise invalid("This is not an e-mail address.", "email")
    if not request.name or len(request.name) > 128 or not request.name.isprintable():
        raise invalid("A name has 1 to 128 characters.", "name")
    if request.kind not in KINDS:
        raise invalid("Choose merchant or partner.", "kind")
    if request.country:
        checked_country(request.country)
    if request.kind != "partner":
        if not request.site_url:
            raise invalid(
                "Enter the address of the merchant's site, like https://shop.example.", "site_url"
            )
        try:
            check_site_address(request.site_url)
        except Problem as problem:
            text = Sentence("The address of the merchant's site {0}.", problem.facts["what"])
            raise invalid(text, "site_url", problem.cure) from None
    return email


async def _make(
    connection: Tx, world: World, request: SignUp, login: str, begun: UnfinishedSignUp
) -> SignedUp:
    """`login`: the e-mail, or what stands for it where another has it. Under the e-mail's lock: a
    second one would end the keys that the first shows. What it makes has no member until the
    commit, and then the sign-up is over."""
    user_id = begun.user_id
    partner_id = begun.partner_id if request.kind != "merchant" else None
    merchant_id = begun.merchant_id if request.kind != "partner" else None
    key = credentials = None
    if partner_id:
        await make_partner(world, partner_id, request.name)
        key = await make_partner_key(world, partner_id, is_first=True)
    if merchant_id:
        credentials = await _merchant(world, request, begun, partner_id)
    hashed, now = begun.password_hash, world.clocks.wall()
    if await add_user(connection, user_id, login, request.name, hashed, now) is None:
        raise Problem(
            "unavailable",
            "Somebody else has just been given this e-mail address.",
            "Send it again.",
            retry_after_seconds=1,
        )
    await _belong(connection, world, user_id, request.name, partner_id, merchant_id)
    await end_sign_up(connection, login)
    token = await open_session(connection, world, user_id, request.old_token, _whence(request))
    return SignedUp(token, credentials, key, device=new_device(world, user_id))


def _whence(request: SignUp) -> ClientInfo:
    return ClientInfo(request.address, request.agent)


async def _merchant(
    world: World, request: SignUp, begun: UnfinishedSignUp, partner_id: UUID | None
) -> Credentials:
    merchant_id = begun.merchant_id
    world = await place_for(world, merchant_id)
    site = NewSite(begun.site_id, request.site_url, request.name, _descriptor(request))
    webhook_key = base64.b64encode(os.urandom(64)).decode()
    country = request.country.upper() or None
    async with world.db.transaction() as tx:
        await place_merchant(
            tx, world, merchant_id, request.name, (site,), partner_id=partner_id, country=country
        )
        if partner_id:
            await add_partner_merchant(tx, partner_id, merchant_id, wall=world.clocks.wall())
        keys = await issue_keys(tx, world, merchant_id, f"user:{begun.user_id}")
        await keep_webhook_keys(tx, world, merchant_id, webhook_key, keys.stablecoin_webhook_secret)
    return credentials_of(merchant_id, site.site_id, keys, webhook_key)


async def _belong(
    connection: Tx,
    world: World,
    user_id: UUID,
    name: str,
    partner_id: UUID | None,
    merchant_id: UUID | None,
) -> None:
    now = world.clocks.wall()
    if partner_id:
        await save_partner(connection, partner_id, name, now)
        await _own(connection, world, user_id, ("partner", partner_id))
    if merchant_id:
        await save_merchant(connection, merchant_id, world.name, partner_id, name)
        await _own(connection, world, user_id, ("merchant", merchant_id))


async def _own(connection: Tx, world: World, user_id: UUID, subject: tuple[str, UUID]) -> None:
    """Makes the user own the subject, in this world alone. The log keeps that it had a member,
    whatever becomes of the membership."""
    now = world.clocks.wall()
    await save_membership(connection, user_id, *subject, "owner", now, world.name)
    await note_membership(
        connection, subject, user_id, None, "owner", "joined", by=user_id, request_id="", at=now
    )


def _descriptor(request: SignUp) -> str:
    """The descriptor that customers would see, of the name's plain letters."""
    plain = "".join(
        c for c in request.name.upper() if c.isascii() and (c.isalnum() or c == " ")
    ).strip()[:LENGTH_MAX]
    return plain if len(plain) >= LENGTH_MIN and any(c.isalpha() for c in plain) else "SANDBOX SHOP"
