"""Somebody who is signed in sets up their second factor, gets recovery codes, or turns it off; an
owner requires one of everybody who may see their shop.

What changes how they sign in asks for the password again; once there is a factor, for a code too.
"""

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.db.statement import Tx
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kit.world import World
from recoup.people.flows.account_log import note
from recoup.people.flows.codes import (
    charge_code,
    forgive_codes,
    hash_of,
    key_hash,
    open_secret,
    recovery_codes,
    seal,
    spend,
    typed_code,
    wrong_code,
)
from recoup.people.flows.invitations import Subject
from recoup.people.flows.oneself import changed_meanwhile, prove_password
from recoup.people.flows.passwords import Passwords
from recoup.people.flows.who import Oneself
from recoup.people.rules.totp import new_secret, step_of
from recoup.people.rules.who_must import must_have
from recoup.people.store.account_log import end_sessions
from recoup.people.store.memberships import lock_ownership, worlds_with_members
from recoup.people.store.people import hold_user
from recoup.people.store.second_factor_rules import bound_by
from recoup.people.store.second_factors import (
    Factor,
    end_rule,
    factor_of,
    factor_state,
    forget_factor,
    forget_halves,
    make_rule,
    note_codes,
    offer,
    replace_recovery,
    take_offer,
    withdraw_offer,
)

OFFER_LASTS: Final = timedelta(minutes=15)
TWICE: Final = timedelta(minutes=10)  # for how long a form sent twice shows the same recovery codes


@frozen
class Standing:
    """Standing of somebody's factor. `since` None: there is none. `required_by`: shops and partners
    that require one; `must`: these or the operator do. `offer`: the secret that waits for its first
    code, only for the session that requested it."""

    since: datetime | None
    codes_at: datetime | None
    codes_left: int
    required_by: Sequence[str]
    must: bool
    offer: str | None = field(default=None, repr=False)


async def read_standing(world: World, me: Oneself) -> Standing:
    state = await factor_state(world.people, me.user_id)
    bound = await bound_by(world.people, me.user_id)
    offered = None
    if state.sealed_offer is not None and _is_mine(world, me, state.offered_to, state.offered_at):
        offered = open_secret(world, me.user_id, state.sealed_offer)
    must = must_have(bound, staff_must=_staff_must(world))
    return Standing(state.since, state.codes_at, state.codes_left, bound.required_by, must, offered)


async def begin(world: World, passwords: Passwords, me: Oneself, password: str, code: str) -> None:
    """A secret is offered to this session, for a quarter of an hour. With a factor already, `code`
    is required, and the old app goes on until the new one's first code.

    Raises: Problem invalid and bad_credentials naming the field; Problem(too_many_requests).
    """
    kept = await prove_password(world, passwords, me, password)
    people = world.people
    state = await factor_state(people, me.user_id)
    if state.sealed_offer is not None and _is_mine(world, me, state.offered_to, state.offered_at):
        return
    typed = None
    if state.since:
        typed = typed_code(code)
        await charge_code(world, me.user_id, me.address, typed)
    now = world.clocks.wall()
    async with people.transaction() as tx:
        await _hold(tx, me, kept)
        factor = await factor_of(tx, me.user_id)
        if factor and _is_mine(world, me, factor.offered_to, factor.offered_at):
            return
        if factor and factor.sealed_secret is not None:
            if typed is None:
                raise changed_meanwhile()
            await spend(tx, world, me.user_id, typed, request=me.request)
        await offer(
            tx,
            me.user_id,
            seal(world, me.user_id, new_secret()),
            me.session,
            now,
            now - OFFER_LASTS,
        )


async def has_factor(world: World, me: Oneself) -> bool:
    return (await factor_state(world.people, me.user_id)).since is not None


async def prove_code(world: World, me: Oneself, code: str) -> None:
    """A code, of who has a factor, for what must not be done by a session that somebody left open.
    Raises: Problem invalid and bad_credentials naming the field `code`;
    Problem(too_many_requests)."""
    if not await has_factor(world, me):
        return
    typed = typed_code(code)
    await charge_code(world, me.user_id, me.address, typed)
    async with world.people.transaction() as tx:
        await _hold(tx, me)
        await spend(tx, world, me.user_id, typed, request=me.request)


async def withdraw(world: World, me: Oneself) -> None:
    """Withdraws an offered factor, which never counts; what counts stays."""
    async with world.people.transaction() as tx:
        await _hold(tx, me)
        await withdraw_offer(tx, me.user_id)


async def confirm(world: World, me: Oneself, code: str, key: str) -> list[str]:
    """The app's first code: from now on its secret counts. Answers ten recovery codes, shown this
    once; the same ones for the same form. All other sessions end: they were begun without it.

    Raises: Problem invalid and bad_credentials naming the field `code`; Problem(conflict) when
    nothing is offered any more; Problem(too_many_requests).
    """
    typed = typed_code(code)
    if typed.kind != "app":
        raise invalid("Enter the six digits that the app shows.", "code")
    await charge_code(world, me.user_id, me.address, typed)
    now = world.clocks.wall()
    async with world.people.transaction() as tx:
        await _hold(tx, me)
        factor = await factor_of(tx, me.user_id)
        if factor and _is_repeat(world, me, factor, key, now):
            return recovery_codes(world, me.user_id, key)
        if (
            factor is None
            or factor.sealed_offer is None
            or not _is_mine(world, me, factor.offered_to, factor.offered_at)
        ):
            raise Problem(
                "conflict",
                "This set-up has expired: it lasts 15 minutes, in one session.",
                "Start again.",
            )
        step = step_of(open_secret(world, me.user_id, factor.sealed_offer), typed.text, now)
        if step is None:
            raise wrong_code()
        await take_offer(
            tx, me.user_id, factor.sealed_offer, step, now, key_hash(world, me.user_id, key)
        )
        codes = await _make_codes(tx, world, me, key)
        await forgive_codes(tx, world, me.user_id)
        await forget_halves(tx, me.user_id)
        await end_sessions(tx, me.user_id, now, me.session)
        happened = "second_factor_on" if factor.sealed_secret is None else "second_factor_moved"
        await note(tx, world, me.user_id, happened, request=me.request)
        return codes


async def renew_codes(
    world: World, passwords: Passwords, me: Oneself, password: str, code: str, key: str
) -> list[str]:
    """Ten new recovery codes, shown this once; the old ones open nothing.

    Raises: as `turn_off`.
    """
    people = world.people
    kept = await prove_password(world, passwords, me, password)
    now = world.clocks.wall()
    factor = await factor_of(people, me.user_id)
    if factor and _is_repeat(world, me, factor, key, now):
        return recovery_codes(world, me.user_id, key)
    typed = typed_code(code)
    await charge_code(world, me.user_id, me.address, typed)
    async with people.transaction() as tx:
        await _hold(tx, me, kept)
        factor = await factor_of(tx, me.user_id)
        if factor and _is_repeat(world, me, factor, key, now):
            return recovery_codes(world, me.user_id, key)
        if factor is None or factor.sealed_secret is None:
            raise Problem("conflict", "The second factor is already off.", "Reload the page.")
        await spend(tx, world, me.user_id, typed, request=me.request)
        await note_codes(tx, me.user_id, key_hash(world, me.user_id, key), now)
        codes = await _make_codes(tx, world, me, key)
        await note(tx, world, me.user_id, "recovery_codes_made", request=me.request)
        return codes


async def turn_off(
    world: World, passwords: Passwords, me: Oneself, password: str, code: str
) -> None:
    """Turns the factor off: from now on the password alone signs them in. Done already: nothing
    happens.

    Raises: Problem invalid and bad_credentials naming the field; Problem(forbidden) while somebody
    requires one; Problem(too_many_requests).
    """
    people = world.people
    kept = await prove_password(world, passwords, me, password)
    if (await factor_state(people, me.user_id)).since is None:
        return
    await may_be_without(world, me)
    typed = typed_code(code)
    await charge_code(world, me.user_id, me.address, typed)
    async with people.transaction() as tx:
        await _hold(tx, me, kept)
        factor = await factor_of(tx, me.user_id)
        if factor is None or factor.sealed_secret is None:
            return
        await spend(tx, world, me.user_id, typed, request=me.request)
        await forget_factor(tx, me.user_id)
        await forget_halves(tx, me.user_id)
        await note(tx, world, me.user_id, "second_factor_off", request=me.request)


async def may_be_without(world: World, me: Oneself) -> None:
    """Raises: Problem(forbidden)."""
    bound = await bound_by(world.people, me.user_id)
    if must_have(bound, staff_must=_staff_must(world)):
        who = ", ".join(bound.required_by) or "The operator"
        raise Problem(
            "forbidden",
            Sentence("{0} requires you to have a second factor: it stays on.", who),
            "With a new phone, move it to the new app instead.",
        )


def _staff_must(world: World) -> bool:
    """True when the operator requires a factor in either world: who must have one in the live world
    has it in both."""
    return any(of_world.policy.staff_second_factor for of_world in (world, world.other) if of_world)


async def _make_codes(tx: Tx, world: World, me: Oneself, key: str) -> list[str]:
    codes = recovery_codes(world, me.user_id, key)
    await replace_recovery(tx, me.user_id, [hash_of(world, me.user_id, code) for code in codes])
    return codes


async def _hold(tx: Tx, me: Oneself, kept: str | None = None) -> None:
    """`kept`: the password's hash as it was proved. Raises: Problem(conflict)."""
    now = await hold_user(tx, me.user_id)
    if now is None or (kept is not None and now != kept):
        raise changed_meanwhile()


def _is_mine(world: World, me: Oneself, offered_to: bytes | None, at: datetime | None) -> bool:
    return offered_to == me.session and at is not None and at > world.clocks.wall() - OFFER_LASTS


def _is_repeat(world: World, me: Oneself, factor: Factor, key: str, now: datetime) -> bool:
    """True when this form made the codes that stand, a moment ago."""
    return (
        factor.codes_key == key_hash(world, me.user_id, key)
        and factor.codes_at is not None
        and factor.codes_at > now - TWICE
    )


async def require(
    world: World, subject: Subject, by: UUID, *, required: bool, request_id: str
) -> None:
    """Requires a second factor: with their next request everybody there who has none is led to set
    one up. What stands already stays.

    Raises: Problem(forbidden) for somebody who is no owner any more, here and in each world where
    it has members.
    """
    async with world.people.transaction() as tx:
        for name in sorted({world.name, *await worlds_with_members(tx, *subject.key)}):
            if not await lock_ownership(tx, by, *subject.key, name):
                raise Problem(
                    "forbidden", "You are not an owner there; nothing was done.", "Ask its owner."
                )
        if required:
            changed = await make_rule(tx, *subject.key, subject.name, by, world.clocks.wall())
        else:
            changed = await end_rule(tx, *subject.key)
        if changed:
            await note(
                tx,
                world,
                by,
                "rule_made" if required else "rule_ended",
                request=request_id,
                subject=f"{subject.kind}:{subject.id}",
                name=subject.name,
            )
