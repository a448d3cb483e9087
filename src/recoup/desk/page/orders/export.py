"""/orders/export.csv, .json and .xlsx: exactly the list that is seen, its filters, order, columns
and zone. What has more than DIRECT_MAX orders becomes a file that the worker makes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from tempfile import TemporaryFile
from typing import IO, Final
from uuid import UUID
from weakref import WeakValueDictionary
from zoneinfo import ZoneInfo

from starlette.responses import StreamingResponse

from recoup.desk.flows.exports import ExportQuery
from recoup.desk.page.orders.page import chips, columns_of, habits_of, list_again
from recoup.desk.page.orders.query import PRESETS, Query
from recoup.desk.page.orders.reading import read_query
from recoup.desk.store.columns import DEFAULT, IN_FILES
from recoup.desk.store.exports import all_orders
from recoup.desk.store.order_counts import count_orders
from recoup.kernel.problem import Problem, Sentence
from recoup.kit.lists.bounded import Count
from recoup.kit.personal import SHOWN
from recoup.kit.sheet import ROWS_MAX, sheet_file, too_many
from recoup.people.page.endpoint import redirect
from recoup.people.page.pages import Answer, attached, member, taken
from recoup.people.page.portal_visit import Visit

PIECE: Final = 256 * 1024


async def spooled(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes, the first of them as soon as they are there; `parts` is read to its end
    however slowly this is. Raises what `parts` raises."""
    with TemporaryFile() as file:
        more = asyncio.Event()
        writing = asyncio.create_task(_write(parts, file, more))
        try:
            at = 0
            while True:
                over = writing.done()
                more.clear()
                piece = _read(file, at)
                if piece:
                    at += len(piece)
                    yield piece
                elif over:
                    break
                else:
                    await more.wait()
            await writing
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await writing


async def _write(parts: AsyncIterator[bytes], file: IO[bytes], more: asyncio.Event) -> None:
    try:
        async for part in parts:
            file.seek(0, 2)
            file.write(part)
            more.set()
    finally:
        more.set()


def _read(file: IO[bytes], at: int) -> bytes:
    file.seek(at)
    return file.read(PIECE)


AT_ONCE: Final = 3
OF_MERCHANT: Final = 2  # so that one merchant's many files do not stand before another's


class Turns:
    """Turns of one process. First come, first served."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(AT_ONCE)
        self._own: WeakValueDictionary[UUID, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, merchant_id: UUID) -> AsyncIterator[None]:
        own = self._own.setdefault(merchant_id, asyncio.Semaphore(OF_MERCHANT))
        async with own, self._all:
            yield


DIRECT_MAX: Final = 100_000
TYPES: Final = {
    "csv": "text/csv; charset=utf-8", "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip


@member.page("/orders/export.{form}", "desk/orders/orders.html")
async def orders_file(visit: Visit) -> Answer:
    """A refusal of the file is shown on the list itself."""
    form = visit.request.path_params["form"]
    if form not in TYPES:
        raise Problem(
            "not_found",
            "Orders are exported as CSV, JSON or XLSX.",
            cure="Open the orders and choose Export.",
        )
    query = await query_of(visit)
    try:
        refuse_unclear(query)
        wanted = wanted_of(visit, query)
        count = await counted(visit, wanted)
        if form == "xlsx" and is_over(count, ROWS_MAX):
            raise too_many()
        if form != "xlsx" and is_over(count, DIRECT_MAX):
            return redirect(query.link(f"/exports/new/{form}"))
        parts = (
            await _sheet(visit, wanted) if form == "xlsx" else spooled(_text(visit, wanted, form))
        )
    except Problem as problem:
        return await list_again(visit, query, problem)
    await taken(visit, "orders", form=form, **_narrowed(query))
    headers = attached(f"{file_name(query, visit)}.{form}")
    return StreamingResponse(parts, media_type=TYPES[form], headers=headers)


async def query_of(visit: Visit) -> Query:
    """The list of the address, whole, with the columns that this person sees."""
    habits = await habits_of(visit)
    query = replace(
        read_query(visit.request.query_params, visit.known, zone=habits.zone), cursor=""
    )
    columns = columns_of(query, habits)
    # Instead of the usual ones also those that an accountant needs.
    return replace(query, columns=IN_FILES if columns == DEFAULT else columns)


def refuse_unclear(query: Query) -> None:
    """Raises: Problem(invalid): what is left out would make the list longer than somebody means."""
    if query.unclear:
        message = Sentence("Not understood: {0}; no file was made.", ", ".join(query.unclear)[:200])
        raise Problem("invalid", message, cure="Correct the filters, then export again.")


def wanted_of(visit: Visit, query: Query) -> ExportQuery:
    wanted = query.filter(visit.merchant_id, visit.now, visit.pii_access)
    return ExportQuery(wanted, query.sort, not query.up, query.columns, query.zone)


def words_of(visit: Visit, query: Query) -> list[str]:
    """Words that the list is narrowed by."""
    return [chip.words for chip in chips(query, visit.known)]


async def counted(visit: Visit, query: ExportQuery) -> Count:
    """Up to one more than is written directly; `exact` False and 0 when it takes long."""
    async with visit.world.db.read() as connection:
        return await count_orders(connection, query.filter, cap=DIRECT_MAX + 1)


def is_over(count: Count, most: int) -> bool:
    """True when there are too many. What could not be counted in time is counted while it is
    written."""
    return not count.exact and count.value > 0 or count.value > most


def _narrowed(query: Query) -> dict[str, str]:
    """Filters that narrow the list, for the log: its days as they are, of the rest only the
    names."""
    days = {
        name: str(value)
        for name, value in query.narrowing()
        if name.startswith(("placed", "created"))
    }
    others = sorted({name for name, _ in query.narrowing()} - set(days))
    return days | ({"narrowed_by": ", ".join(others)} if others else {})


def file_name(query: Query, visit: Visit) -> str:
    """`orders_2026-11-14_2026-11-20_Europe-Berlin`: the days placed, else until when."""
    today = visit.now.astimezone(ZoneInfo(query.zone)).date()
    days = query.placed
    first, last = PRESETS[days.preset][1](today) if days.preset else (days.first, days.last)
    range_ = f"{first}_{last or today}" if first else f"until_{last or today}"
    masked = "_masked" if visit.pii_access != SHOWN and "customer" in query.columns else ""
    return f"orders_{range_}_{query.zone.replace('/', '-')}{masked}"


async def _rows(
    visit: Visit, query: ExportQuery, fields: tuple[str, ...]
) -> AsyncIterator[list[tuple[object, ...]]]:
    async with visit.portal.get(Turns).of(visit.merchant_id), visit.world.db.read() as connection:
        batches = all_orders(
            connection, query.filter, query.by, fields, newest_first=query.newest_first
        )
        async with aclosing(batches):  # type: ignore[type-var]
            async for rows in batches:
                yield rows


async def _text(visit: Visit, query: ExportQuery, form: str) -> AsyncIterator[bytes]:
    """CSV with a line of headings, or a JSON array of one object a line."""
    table, empty = query.table(), True
    yield table.head(form)
    async with aclosing(_rows(visit, query, table.fields)) as batches:  # type: ignore[type-var]
        async for rows in batches:
            yield table.body(form, rows, first=empty)
            empty = False
    yield table.tail(form, empty=empty)


async def _sheet(visit: Visit, query: ExportQuery) -> AsyncIterator[bytes]:
    """Raises: Problem(invalid) for a list of more than ROWS_MAX."""
    table = query.table()
    async with aclosing(_rows(visit, query, table.fields)) as batches:  # type: ignore[type-var]
        return await sheet_file(
            "Orders", table.heads, (table.cells(rows) async for rows in batches)
        )
