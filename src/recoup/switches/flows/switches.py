"""Switches for the kinds of orders that a merchant, a site or a campaign takes, set here and
nowhere else, and noted: who, when, why, by which call. Each change raises the merchant's version,
so that no order is taken by a switch that is over.

Orders that were taken before go on; switches are about new ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from recoup.audit import moves as audit
from recoup.audit.rules import changes
from recoup.db.statement import Tx
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.scope import Scope
from recoup.kernel.texts import parse_whole
from recoup.kit.world import World
from recoup.merchants.rules.switches import KINDS, Off, check_kind, check_may_open, check_why
from recoup.merchants.store.sites import lock_merchant, raise_version
from recoup.merchants.store.switches import (
    NewSwitchChange,
    Switch,
    SwitchChange,
    last_actors,
    note_changes,
    set_switch,
    standing,
    switch_history,
)

_CURES: Final = {
    "merchant": "Check the merchant's id.", "site": "See GET /v1/sites.",
    "campaign": "See GET /v1/sites/{id}/campaigns.",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subject:
    """Subject of a switch: the merchant itself (`id` None), a site or a campaign of its. `site_id`:
    where a campaign is looked for, None for anywhere."""

    level: str
    id: UUID | None = None
    site_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KindFields:
    """Switches of a site or a campaign; None leaves one as it is, or as a new one begins."""

    cit_web: bool | None = None
    cit_callcenter: bool | None = None
    mit: bool | None = None


MERCHANT: Final = Subject("merchant")


@dataclass(frozen=True, slots=True)
class Switched:
    """State after switching, `row` as of `read_all`. `changed` False: it stood so before, and
    nothing was noted."""

    subject: Subject
    kind: str
    on: bool
    changed: bool
    row: Switch


async def change(
    world: World, scope: Scope, subject: Subject, kind: str, on: bool, why: str = ""
) -> Switched:
    """The merchant is the scope's; the actor's kind says for whom it acts (`operator`, `partner`,
    else the merchant).

    Raises: Problem(not_found) for a merchant, site or campaign that is not there; Problem(invalid)
    for an unknown kind or a reason that is too long; Problem(forbidden) for switching on what
    somebody higher switched off.
    """
    check_kind(kind)
    async with world.db.transaction() as tx:
        now = await _standing_of(tx, scope, subject)
        row = next(row for row in now if row.kind == kind)
        if row.is_on == on:
            return Switched(subject, kind, on, changed=False, row=row)
        version = await raise_version(tx, scope.merchant_id)
        await note(
            world,
            tx,
            scope,
            version,
            subject.level,
            row.subject_id,
            row.name,
            {kind: row.is_on},
            {kind: on},
            why,
        )
        await set_switch(tx, scope.merchant_id, subject.level, row.subject_id, kind, on)
        after = await _standing_of(tx, scope, subject)
    return Switched(
        subject, kind, on, changed=True, row=next(row for row in after if row.kind == kind)
    )


async def note(
    world: World,
    tx: Tx,
    scope: Scope,
    version: int,
    level: str,
    subject_id: UUID,
    name: str,
    before: Mapping[str, bool],
    after: Mapping[str, bool],
    why: str = "",
) -> None:
    """Notes the switches that differ; for flows that write them in the same open transaction, after
    raising the merchant's `version`.

    Raises: Problem forbidden, invalid.
    """
    noted, actor, why = list[NewSwitchChange](), scope.actor.text(), check_why(why)
    for kind in KINDS:
        if kind not in after or after[kind] == before[kind]:
            continue
        if after[kind]:
            last = await last_actors(tx, scope.merchant_id, [subject_id], kind)
            check_may_open(kind, Off(level, subject_id, name, last.get(subject_id)), actor)
        noted.append(
            NewSwitchChange(
                merchant_id=scope.merchant_id,
                version=version,
                level=level,
                subject_id=subject_id,
                kind=kind,
                is_on=after[kind],
                why=why,
                actor=actor,
                request_id=scope.request_id,
                changed_at=world.clocks.wall(),
            )
        )
    await note_changes(tx, noted)


async def note_change(
    world: World,
    tx: Tx,
    scope: Scope,
    version: int,
    level: str,
    before: Any,
    after: Any,
    was: Mapping[str, Any],
    now: Mapping[str, Any],
) -> None:
    """Notes a site or campaign that was made or changed, in both logs. `was` and `now`: what the
    audit log tells of it beside the switches; `was` is empty for a new one."""
    subject_id = getattr(after, f"{level}_id")
    await note(
        world,
        tx,
        scope,
        version,
        level,
        subject_id,
        after.name,
        switches_of(before),
        switches_of(after),
    )
    action = f"{level}.{'changed' if was else 'made'}"
    await audit.note(tx, scope, world.clocks.wall(), action, subject_id, changes(was, now))


async def check_not_closed(
    tx: Tx, scope: Scope, level: str, subject_id: UUID, name: str, now: Mapping[str, bool]
) -> None:
    """Checks that nobody higher closed it, before it makes room for another that would be on.
    Raises: Problem(forbidden) for what somebody higher closed."""
    for kind in (kind for kind in KINDS if not now[kind]):
        last = await last_actors(tx, scope.merchant_id, [subject_id], kind)
        check_may_open(kind, Off(level, subject_id, name, last.get(subject_id)), scope.actor.text())


def switches_of(level: Any) -> dict[str, bool]:
    """Switches of a merchant, a site or a campaign."""
    return {kind: bool(getattr(level, kind)) for kind in KINDS}


async def read_all(world: World, scope: Scope) -> list[Switch]:
    """Every switch with its last change."""
    return await standing(world.db, scope.merchant_id)


Place = tuple[int, UUID, str]  # version, subject and kind of a change


def place_in(mark: str, text: str) -> Place | None:
    """Reads a place in the history, its parts apart by a mark."""
    version, _, rest = text.partition(mark)
    subject, _, kind = rest.partition(mark)
    number, subject_id = parse_whole(version, 9), parse_id(subject)
    if number is None or subject_id is None or kind not in KINDS:
        return None
    return number, subject_id, kind


async def history(
    world: World, scope: Scope, after: Place | None, limit: int
) -> list[SwitchChange]:
    """Changes, newest first; `after`: version, subject and kind of the last one seen."""
    return await switch_history(world.db, scope.merchant_id, after, limit)


async def _standing_of(tx: Tx, scope: Scope, subject: Subject) -> list[Switch]:
    """The subject's three switches, the merchant's row held.

    Raises: Problem(not_found).
    """
    await lock_merchant(tx, scope.merchant_id)
    wanted = subject.id or scope.merchant_id
    rows = await standing(tx, scope.merchant_id)
    of_subject = [row for row in rows if row.level == subject.level and row.subject_id == wanted]
    if not of_subject or subject.site_id not in (None, of_subject[0].site_id):
        raise Problem(
            "not_found",
            Sentence("There is no such {0}.", subject.level),
            cure=_CURES[subject.level],
        )
    return of_subject
