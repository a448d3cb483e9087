"""Retry policies: read, checked, saved as a new version, and gone back to. Nothing that was saved
is changed.

Of two people who save at once the second is told what the first did: each says which version it has
seen.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from recoup.audit import moves as audit
from recoup.db.statement import Read, Tx
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import PartnerScope, Scope
from recoup.kernel.time import BusinessTime, WallTime
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.merchants.store.merchants import load_merchant
from recoup.merchants.store.partners import note
from recoup.merchants.store.sites import lock_merchant, raise_version
from recoup.policies.rules.check import CheckGround, by_line, check_plain, nearest
from recoup.policies.rules.clipped import Clipped, clipped
from recoup.policies.rules.diff import LineDiff, diff
from recoup.policies.rules.in_force import InForce, Part
from recoup.policies.rules.stored import READ_MAX, WAITING_MAX, Version, holding
from recoup.policies.rules.terms import NOTHING_SET, Complaint, PolicyTerms
from recoup.policies.store.policies import (
    NewPolicyVersion,
    PolicyVersion,
    add_bounding_version,
    add_own_version,
    bounding_versions,
    own_inside,
    own_versions,
)
from recoup.policy_versions.flows.policy_scopes import Where, places

REASON_CHARS_MAX: Final = 256
PAGE_MAX: Final = 50
INSIDE_MAX: Final = 1000  # sites and campaigns with a policy of their own
_NEWEST: Final = 2**31 - 1


@frozen
class Standing:
    """`newest`: the last that was saved, in force or waiting; None: none yet. `in_force`: of this
    scope. `wider`: what it lies in. `whole`: everything that holds there, the wider ones and its
    own."""

    where: Where
    newest: PolicyVersion | None
    in_force: PolicyVersion | None
    wider: InForce | None
    whole: InForce | None

    @property
    def number(self) -> int:
        """0: none was ever saved."""
        return self.newest.number if self.newest is not None else 0

    @property
    def terms(self) -> PolicyTerms:
        """The terms of the newest version."""
        return self.newest.terms if self.newest is not None else NOTHING_SET

    @property
    def clipped(self) -> Clipped:
        """The rest that the wider policies leave of the newest version now."""
        return clipped(self.terms, self.wider)


@frozen
class Checked:
    """`complaints`: why it cannot be saved; empty: it can. `nearest`: what could. `changes`: to the
    newest version."""

    terms: PolicyTerms
    complaints: Sequence[Complaint]
    nearest: PolicyTerms
    changes: Sequence[LineDiff]


Acting = Scope | PartnerScope
"""Who sets a policy: of a merchant, its sites and campaigns; a partner's bounds;
the operator's by either."""
Also = Callable[[Tx, Standing, Checked, PolicyVersion], Awaitable[None]]
"""What else is written in the transaction of a save."""


async def read_standing(world: World, where: Where) -> Standing:
    """Reads the standing as it holds now, by the merchant's clock."""
    async with world.db.connection() as connection:
        return await _standing(connection, where, await _clock(world, connection, where))


async def holding_inside(world: World, where: Where) -> dict[UUID, tuple[Part, ...]]:
    """The sites and campaigns inside a merchant's or a site's policy that have their own, by their
    ids, with what holds there beside it; the widest first."""
    async with world.db.connection() as connection:
        return await _inside(connection, where, await _clock(world, connection, where))


async def _inside(db: Read, where: Where, now: datetime) -> dict[UUID, tuple[Part, ...]]:
    merchant_id = where.merchant_id
    if merchant_id is None or where.scope == "campaign":
        return {}
    rows = await own_inside(db, merchant_id, now, INSIDE_MAX)
    known = await load_merchant(db, merchant_id) if rows else None
    if known is None:
        return {}
    site_of = {campaign.campaign_id: campaign.site_id for campaign in known.campaigns}
    parts = {row.subject_id: row.held.part for row in rows}
    if where.scope == "site":
        return {
            campaign_id: (part,)
            for campaign_id, part in parts.items()
            if site_of.get(campaign_id) == where.subject_id
        }
    inside: dict[UUID, tuple[Part, ...]] = {
        subject_id: (part,) for subject_id, part in parts.items() if subject_id not in site_of
    }
    for campaign, site in site_of.items():
        if campaign in parts:
            inside[campaign] = (*inside.get(site, ()), parts[campaign])
    return inside


async def read_versions(
    world: World, where: Where, below: int | None, limit: int
) -> list[PolicyVersion]:
    """The newest first, those under the number `below`."""
    return await _versions(world.db, where, below or _NEWEST, min(limit, PAGE_MAX))


async def read_version(world: World, where: Where, number: int) -> PolicyVersion:
    """Raises: Problem(not_found)."""
    versions = await read_versions(world, where, number + 1, 1) if 0 < number < _NEWEST else []
    if not versions or versions[0].number != number:
        raise Problem("not_found", Sentence("There is no version {0}.", number), field="version")
    return versions[0]


async def check_policy(world: World, where: Where, plain: object) -> Checked:
    """Checks that it could be saved there; nothing is written."""
    async with world.db.connection() as connection:
        now = await _clock(world, connection, where)
        standing = await _standing(connection, where, now)
        ground = await _ground(world, connection, where, standing, now)
    return _checked(plain, standing, ground)


async def save_policy(
    world: World,
    scope: Acting,
    where: Where,
    plain: object,
    reason: str,
    *,
    seen: int | None = None,
    from_at: datetime | None = None,
    also: Also | None = None,
) -> PolicyVersion:
    """The new version. `seen`: the number that the caller has seen last, None where they do not
    care. `from_at`: business time from which it holds; None: at once. `also`: with it, of a new
    one. What the newest says already by then is no new version.

    Raises: Problem(invalid) naming each line, with the nearest that could be saved in its facts;
    Problem(conflict) with what was changed meanwhile; Problem(not_found) for the merchant.
    """
    reason, wall = _reason(reason), world.clocks.wall()
    async with world.db.transaction() as tx:
        if where.merchant_id is not None:
            await lock_merchant(tx, where.merchant_id)
        now = await _clock(world, tx, where)
        standing = await _standing(tx, where, now)
        if seen is not None and seen != standing.number:
            raise await _overtaken(tx, where, standing, seen)
        checked = _checked(plain, standing, await _ground(world, tx, where, standing, now))
        if checked.complaints:
            raise refused(checked)
        starts = _starts(from_at, now)
        await _check_waiting(tx, where, standing, starts, now)
        if (
            standing.newest is not None
            and not checked.changes
            and standing.newest.from_at <= starts
        ):
            return standing.newest
        row = PolicyVersion(
            where.scope,
            where.subject_id,
            standing.number + 1,
            checked.terms.to_plain(),
            reason,
            scope.actor.text(),
            starts,
            wall,
        )
        if not await _add(tx, where, row):
            raise await _overtaken(tx, where, standing, standing.number)
        await _note(tx, scope, wall, where, _noted(where, row, checked.changes))
        if also is not None:
            await also(tx, standing, checked, row)
    return row


async def go_back(
    world: World,
    scope: Acting,
    where: Where,
    reason: str,
    *,
    to: int | None = None,
    seen: int | None = None,
    also: Also | None = None,
) -> PolicyVersion:
    """The version before the newest, or the one named, once more as a new one; before the first
    there was none, and nothing is set. `also`: as of `save_policy`.

    Raises: Problem(wrong_state) where none was ever saved; as `save_policy`.
    """
    standing = await read_standing(world, where)
    number = standing.number - 1 if to is None else to
    if standing.newest is None:
        raise Problem(
            "wrong_state", "There is no version before.", cure="Set a policy of its own instead."
        )
    content = (
        {} if to is None and number == 0 else (await read_version(world, where, number)).content
    )
    return await save_policy(
        world, scope, where, content, reason, seen=seen or standing.number, also=also
    )


def at_merchant(merchant_id: UUID, scope: Acting) -> Scope:
    return Scope(merchant_id, scope.actor, scope.request_id)


def refused(checked: Checked) -> Problem:
    """The Problem of a refused policy: what keeps it from being saved, line by line, and what could
    be."""
    first = checked.complaints[0]
    message = Sentence("{0}: {1}", first.line, first.why)
    return Problem(
        "invalid",
        message,
        fields=by_line(checked.complaints),
        complaints=checked.complaints,
        nearest=checked.nearest,
    )


async def _add(tx: Tx, where: Where, row: PolicyVersion) -> bool:
    """Adds a version; False where somebody else has the number."""
    if where.merchant_id is None:
        return await add_bounding_version(tx, row)
    await raise_version(tx, where.merchant_id)
    return await add_own_version(
        tx,
        NewPolicyVersion(
            **{name: getattr(row, name) for name in row.__struct_fields__},
            merchant_id=where.merchant_id,
        ),
    )


async def _note(
    tx: Tx, scope: Acting, at: WallTime, where: Where, facts: Mapping[str, Any]
) -> None:
    """Notes it in the log of whose policy it is; the operator has none of its own."""
    if where.merchant_id is not None:
        await audit.note(
            tx, at_merchant(where.merchant_id, scope), at, "policy.set", _audited(where), facts
        )
    elif where.scope == "partner":
        partner = PartnerScope(where.subject_id, scope.actor, scope.request_id)
        await note(tx, partner, "policy_set", at, **facts)


async def _overtaken(db: Read, where: Where, standing: Standing, seen: int) -> Problem:
    versions = await _versions(db, where, seen + 1, 1)
    before = versions[0].terms if versions and versions[0].number == seen else NOTHING_SET
    newest = standing.newest
    if newest is None or newest.number == seen:
        newest = (await _versions(db, where, _NEWEST, 1))[0]
    changes = diff(before, newest.terms)
    lines = "; ".join(
        f"{change.line}: {change.before or '—'} → {change.after or '—'}" for change in changes
    )
    message = Sentence("Version {0} was saved meanwhile: {1}", newest.number, lines)
    if seen > newest.number:
        message = Sentence("There is no version {0} yet; the newest is {1}.", seen, newest.number)
    elif not lines:
        message = Sentence("Version {0} was saved meanwhile, and says the same.", newest.number)
    return Problem(
        "conflict",
        message,
        field="version",
        cure="Look at what was changed, then save yours again.",
        version=newest.number,
        author=newest.author,
        changes=changes,
    )


async def _check_waiting(
    db: Read, where: Where, standing: Standing, starts: datetime, now: datetime
) -> None:
    """Checks how many versions wait: so few that whoever reads the newest sees the one that
    holds."""
    if starts <= now:
        return
    waiting = [
        version
        for version in await _versions(db, where, _NEWEST, READ_MAX)
        if version.from_at > now
    ]
    if len(waiting) >= WAITING_MAX:
        message = Sentence("{0} versions wait for their time already.", WAITING_MAX)
        raise Problem(
            "wrong_state", message, field="from", cure="Save one that holds at once, or wait."
        )


def _starts(from_at: datetime | None, now: BusinessTime) -> datetime:
    if from_at is None:
        return now
    if from_at < now:
        raise invalid("A version cannot hold in the past.", "from", "Leave it out: at once.")
    return from_at


def _checked(plain: object, standing: Standing, ground: CheckGround) -> Checked:
    terms, complaints = check_plain(plain, ground)
    return Checked(terms, complaints, nearest(terms, ground), diff(standing.terms, terms))


async def _standing(db: Read, where: Where, now: datetime) -> Standing:
    wider: list[Version] = []
    for place in await places(db, where):
        if place.scope != where.scope:
            wider += [version.held for version in await _versions(db, place, _NEWEST, READ_MAX)]
    own = await _versions(db, where, _NEWEST, READ_MAX)
    in_force = next((version for version in own if version.from_at <= now), None)
    around = holding(wider, now)
    whole = (*around, in_force.held.part) if in_force is not None else around
    return Standing(
        where,
        own[0] if own else None,
        in_force,
        InForce(around) if around else None,
        InForce(whole) if whole else None,
    )


async def _versions(db: Read, where: Where, below: int, limit: int) -> list[PolicyVersion]:
    if where.merchant_id is None:
        return await bounding_versions(db, where.scope, where.subject_id, below, limit)
    return await own_versions(db, where.merchant_id, where.scope, where.subject_id, below, limit)


async def _clock(world: World, db: Read, where: Where) -> BusinessTime:
    """The merchant's clock; where there is no merchant, as it is without one that was moved."""
    offset = await known_offset(db, where.merchant_id) if where.merchant_id is not None else 0
    return world.clocks.business(offset)


async def _ground(
    world: World, db: Read, where: Where, standing: Standing, now: BusinessTime
) -> CheckGround:
    known = await load_merchant(db, where.merchant_id) if where.merchant_id is not None else None
    return CheckGround(
        standing.wider,
        known.merchant.region if known is not None else "world",
        now.date(),
        world.policy.expiry_max,
        frozenset(world.routes.visible(world.processors, where.merchant_id)),
        world.policy.visa_limit,
        tuple((await _inside(db, where, now)).values()),
    )


def _reason(text: str) -> str:
    text = text.strip()
    if not text or len(text) > REASON_CHARS_MAX or not text.isprintable():
        message = Sentence(
            "The field reason must be 1 to {0} characters long, on one line.", REASON_CHARS_MAX
        )
        raise invalid(message, "reason", "Say why it is changed.")
    return text


def _audited(where: Where) -> UUID | str:
    return where.subject_id if where.scope != "merchant" else ""


def _noted(where: Where, row: PolicyVersion, changes: Sequence[LineDiff]) -> Mapping[str, Any]:
    facts: dict[str, Any] = {"version": row.number, "reason": row.reason}
    if where.name and where.merchant_id is not None:
        facts[where.scope] = where.name
    return facts | {change.line: [change.before or "", change.after or ""] for change in changes}
