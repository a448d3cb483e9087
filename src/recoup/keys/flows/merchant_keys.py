"""A merchant's own people make and end its keys, one kind at a time. A secret is shown once and
never kept."""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

import structlog

from recoup.audit.moves import note
from recoup.db.statement import Tx
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import PartnerScope, Scope
from recoup.keys.flows.issue_key import KEY_KINDS, IssuedKey, check_made, issue_key
from recoup.keys.flows.key_endings import heard_everywhere
from recoup.keys.store.merchant_keys import (
    MerchantKey,
    decide_scopes,
    end_keys,
    keys_of,
    live_keys,
    name_key,
)
from recoup.kit.world import World
from recoup.merchants.store.sites import lock_merchant

log = structlog.get_logger()
OVERLAP_MAX: Final = timedelta(days=7)
KEYS_MAX: Final = 10
NAME_MAX: Final = 60


async def list_keys(world: World, scope: Scope) -> list[MerchantKey]:
    """Newest first, ended ones too; no secret."""
    return await keys_of(world.db, scope.merchant_id)


async def make_key(
    world: World,
    scope: Scope,
    kind: str,
    overlap: timedelta | None,
    name: str = "",
    scopes: Sequence[str] = (),
) -> IssuedKey:
    """Makes a key. Those of the kind before end after the overlap; None: they stay until somebody
    ends them. A lost answer costs another key, and nothing else. `scopes`: as `issue_key`.

    Raises: Problem(invalid) for a kind, overlap, name or scope that cannot be; Problem(conflict)
    for too many keys; Problem(too_many_requests) for too many in a day.
    """
    name = checked_name(name)
    if kind not in KEY_KINDS:
        raise invalid(
            "There is no such kind of key.", "kind", Sentence("One of {0}.", ", ".join(KEY_KINDS))
        )
    if overlap is not None and not timedelta(0) <= overlap <= OVERLAP_MAX:
        raise invalid(
            Sentence("Old keys must end within {0} days, or stay valid.", OVERLAP_MAX.days),
            "overlap",
        )
    wall, by = world.clocks.wall(), scope.actor.text()
    async with world.db.transaction() as tx:
        await lock_merchant(
            tx, scope.merchant_id
        )  # of two at once the second ends the first one's key
        if (
            overlap != timedelta(0)
            and await live_keys(tx, scope.merchant_id, kind, wall) >= KEYS_MAX
        ):
            raise Problem(
                "conflict",
                Sentence("There are {0} active keys of this kind.", KEYS_MAX),
                cure="End one first.",
            )
        await check_made(tx, scope.merchant_id, kind, wall)
        if overlap is not None:
            await end_keys(tx, scope.merchant_id, (kind,), wall + overlap, wall, by)
        made = await issue_key(
            tx, world, scope.merchant_id, kind, by, name, scopes=scopes, role=scope.role
        )
        others = "stay" if overlap is None else f"end in {overlap // timedelta(hours=1)} h"
        details = {"kind": kind, "key": f"…{made.key[-4:]}", "others": others} | (
            {"name": name} if name else {}
        )
        await note(tx, scope, wall, "key.made", sha256(made.key.encode()).hexdigest(), details)
    if overlap == timedelta(0):
        await heard_everywhere(world.db)
    log.info(
        "merchant key made",
        merchant=str(scope.merchant_id),
        key_kind=kind,
        actor=by,
        request=scope.request_id,
    )
    return made


async def end_key(world: World, scope: Scope, kind: str, print_: str) -> None:
    """Ends a key now, also one that would have ended later. `print_`: as the list tells it.

    Raises: Problem(not_found), also for one that has ended.
    """
    wall, by = world.clocks.wall(), scope.actor.text()
    async with world.db.transaction() as tx:
        await lock_merchant(tx, scope.merchant_id)
        if not await end_keys(tx, scope.merchant_id, (kind,), wall, wall, by, only=print_):
            raise Problem("not_found", "There is no such active key.", cure="Reload the page.")
        await note(tx, scope, wall, "key.ended", print_, {"kind": kind})
    await heard_everywhere(world.db)
    log.info(
        "merchant key ended",
        merchant=str(scope.merchant_id),
        key_kind=kind,
        actor=by,
        request=scope.request_id,
    )


async def decide_key(world: World, scope: Scope, print_: str, *, approve: bool) -> None:
    """An owner's word on what a key is to allow beyond what its maker gives alone. Raises: as
    `decide`."""
    async with world.db.transaction() as tx:
        await lock_merchant(tx, scope.merchant_id)
        await decide(tx, scope.merchant_id, scope, print_, approve=approve)
        await note(
            tx,
            scope,
            world.clocks.wall(),
            "key.decided",
            print_,
            {"approved": "yes" if approve else "no"},
        )


async def decide(
    tx: Tx, owner_id: UUID, scope: Scope | PartnerScope, print_: str, *, approve: bool
) -> None:
    """Decides on the scopes of a merchant's or a partner's key. Raises: Problem(forbidden) for
    whoever is no owner; Problem(not_found)."""
    if scope.role not in (None, "owner"):
        raise Problem("forbidden", "Only owners decide what a key may.", cure="Ask an owner.")
    if not await decide_scopes(tx, owner_id, print_, scope.actor.id, approve=approve):
        raise Problem(
            "not_found", "No such key waits for you.", cure="Who made it needs another owner."
        )


async def rename_key(world: World, scope: Scope, kind: str, print_: str, name: str) -> None:
    """Renames a key as its people call it. Raises: Problem(invalid) for a name that cannot be;
    Problem(not_found)."""
    name, wall = checked_name(name), world.clocks.wall()
    async with world.db.transaction() as tx:
        if not await name_key(tx, scope.merchant_id, kind, print_, name):
            raise Problem("not_found", "There is no such key.", cure="Reload the page.")
        await note(tx, scope, wall, "key.named", print_, {"kind": kind, "name": name})


async def working_keys(
    world: World, scope: Scope, kind: str, print_: str = ""
) -> list[MerchantKey]:
    """Keys of the kind that open something now, newest first; with `print_` that one alone."""
    wall = world.clocks.wall()
    return [
        row
        for row in await list_keys(world, scope)
        if row.kind == kind
        and (row.ends_at is None or row.ends_at > wall)
        and (not print_ or row.print == print_)
    ]


def checked_name(name: str) -> str:
    """Checks a name and puts it on one line. Raises: Problem(invalid)."""
    name = " ".join(name.split())
    if len(name) > NAME_MAX:
        raise invalid(
            Sentence("A key's name has at most {0} characters.", NAME_MAX), "name", "Shorten it."
        )
    if not name.isprintable():
        raise invalid("A key's name must be plain text on one line.", "name", "Enter it again.")
    return name
