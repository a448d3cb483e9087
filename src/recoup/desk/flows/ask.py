"""Somebody asks for a file of a long list, fixed at the request, fetches it when it is ready, or
calls it off."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from recoup.audit.moves import note
from recoup.db.pool import retrying
from recoup.desk.flows.folder import drop, file_of, folder_of, former_file_of
from recoup.desk.moves.export import STANDING_MAX, UNDER_WAY_MAX, call_off, take_export
from recoup.desk.store.columns import cells_of
from recoup.desk.store.exports import Export, NewExport, find_export, is_only_one
from recoup.desk.store.order_cursor import OrderBy
from recoup.desk.store.order_filter import OrderFilter
from recoup.kernel.encode import to_plain
from recoup.kernel.frozen import frozen
from recoup.kernel.kept_sentence import keep
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.scope import Scope
from recoup.kit.lists.table import Table
from recoup.kit.personal import SHOWN
from recoup.kit.world import World


@frozen
class ExportQuery:
    """The list: its filters, order, columns and zone."""

    filter: OrderFilter
    by: OrderBy
    newest_first: bool
    columns: tuple[str, ...]
    zone: str

    def table(self) -> Table:
        return Table(cells_of(self.columns, self.zone, masked=self.filter.sight != SHOWN))

    def kept(self) -> Any:
        """The query as plain values."""
        return to_plain(self)


def wanted_of(kept: Any, merchant_id: UUID) -> ExportQuery:
    """Whatever it says, of this merchant's orders only."""
    found = msgspec.convert(kept, ExportQuery, strict=False)
    return replace(found, filter=replace(found.filter, merchant_id=merchant_id))


async def ask_for_file(
    world: World,
    scope: Scope,
    user_id: UUID,
    key: UUID,
    query: ExportQuery,
    *,
    form: str,
    labels: Sequence[str],
    file_name: str,
) -> None:
    """The worker makes it. `key` is the form's own, and names the export: the same form again asks
    for nothing more.

    Raises: Problem(conflict) when there are as many as there may be; Problem(unavailable) without a
    place for files.
    """
    folder_of(world)
    wall = world.clocks.wall()
    new = NewExport(
        scope.merchant_id,
        key,
        user_id,
        form,
        query.kept(),
        list(map(keep, labels)),
        file_name,
        scope.request_id,
        wall,
    )

    async def once() -> bool:
        async with world.db.transaction() as tx:
            if await take_export(tx, new):
                await note(
                    tx, scope, wall, "export.asked", key, {"form": form, "columns": query.columns}
                )
                return True
            return await find_export(tx, scope.merchant_id, user_id, key) is not None

    if not await retrying(once):
        message = Sentence(
            "You have {0} exports under way, or this merchant has {1} stored exports.",
            UNDER_WAY_MAX,
            STANDING_MAX,
        )
        raise Problem("conflict", message, cure="Wait until one finishes, or delete one.")


async def one_export(world: World, merchant_id: UUID, user_id: UUID, export_id: UUID) -> Export:
    """Raises: Problem(not_found), also for another person's and another merchant's."""
    row = await find_export(world.db, merchant_id, user_id, export_id)
    if row is None:
        raise Problem(
            "not_found",
            "There is no such file of yours at this merchant.",
            cure="It may belong to another merchant: switch first; otherwise export again.",
        )
    return row


async def fetch(world: World, scope: Scope, row: Export) -> Path:
    """The file; that it is fetched is noted. Raises: Problem(not_found) before it is ready and
    after it is gone."""
    path = await _file(world, row)
    if row.state != "ready" or row.is_over(world.clocks.wall()) or not path.is_file():
        message = (
            "The file was deleted." if row.state in ("ready", "gone") else "The file is not ready."
        )
        raise Problem(
            "not_found",
            message,
            cure="The page Exports shows the progress; otherwise export again.",
        )
    async with world.db.transaction() as tx:
        facts = {"form": row.form, "orders": row.rows_done}
        await note(tx, scope, world.clocks.wall(), "export.fetched", row.export_id, facts)
    return path


async def _file(world: World, row: Export) -> Path:
    """The file of an export, also as the release before wrote it, if it can be no other
    merchant's."""
    path = file_of(world, row.merchant_id, row.export_id, row.run_no)
    former = former_file_of(world, row.export_id, row.run_no)
    if path.is_file() or not former.is_file():
        return path
    return former if await is_only_one(world.db, row.export_id) else path


async def cancel_export(world: World, merchant_id: UUID, user_id: UUID, export_id: UUID) -> None:
    """Cancels an export: what is under way ends, what is ready is deleted; what has ended stays so.
    Raises: Problem(not_found)."""
    row = await one_export(world, merchant_id, user_id, export_id)

    async def once() -> None:
        async with world.db.transaction() as tx:
            await call_off(tx, (merchant_id, export_id), user_id, world.clocks.wall())

    await retrying(once)
    drop(await _file(world, row))
