"""/orders/export.csv, .json and .xlsx: exactly the list that is seen, its filters, order, columns and zone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from starlette.responses import Response, StreamingResponse

from recoup.doors.portal.orders.cells import Cell, cells
from recoup.doors.portal.orders.days import PRESETS
from recoup.doors.portal.orders.page import columns_of, habits_of, read, show
from recoup.doors.portal.orders.query import Query
from recoup.doors.portal.orders.reading import read_query
from recoup.doors.portal.orders.sheet import ROWS_MAX, Sheet
from recoup.doors.portal.orders.spool import spooled
from recoup.doors.portal.orders.times import Times
from recoup.doors.portal.templates import HEADERS
from recoup.doors.portal.visit import Visit
from recoup.kernel.problem import Problem
from recoup.rules.money.cells import csv_rows
from recoup.store.read.order_counts import count_orders
from recoup.store.read.order_export import all_orders
from recoup.store.read.orders import OrderRow

TYPES: Final = {
    "csv": "text/csv; charset=utf-8", "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
_json: Final = msgspec.json.Encoder(enc_hook=str)  # a Number is text


async def orders_file(visit: Visit) -> Response:
    """What cannot become a file is said on the list itself."""
    form = visit.request.path_params["form"]
    if form not in TYPES:
        raise Problem("not_found", "Orders come as CSV, JSON or XLSX.", cure="Go to the orders and choose Export.")
    habits = await habits_of(visit)
    query = replace(read_query(visit.request.query_params, visit.known, zone=habits.zone), cursor="")
    try:
        if query.unclear:
            message = f"Not understood: {', '.join(query.unclear)[:200]}; no file was made."
            raise Problem("invalid", message, cure="Correct the filters, then export again.")
        chosen = cells(columns_of(query, habits), Times(query.zone, visit.now))
        parts = await _sheet(visit, query, chosen) if form == "xlsx" else spooled(_text(visit, query, chosen, form))
    except Problem as problem:
        return show(visit, habits, await read(visit, query), problem)
    headers = HEADERS | {"content-disposition": f'attachment; filename="{file_name(query, visit)}.{form}"'}
    return StreamingResponse(parts, media_type=TYPES[form], headers=headers)


def file_name(query: Query, visit: Visit) -> str:
    """`orders_2026-11-14_2026-11-20_Europe-Berlin`: the days placed, else until when."""
    today = visit.now.astimezone(ZoneInfo(query.zone)).date()
    days = query.placed
    first, last = PRESETS[days.preset][1](today) if days.preset else (days.first, days.last)
    range_ = f"{first}_{last or today}" if first else f"until_{last or today}"
    return f"orders_{range_}_{query.zone.replace('/', '-')}"


async def _rows(visit: Visit, query: Query) -> AsyncIterator[list[OrderRow]]:
    wanted = query.filter(visit.merchant_id, visit.now)
    async with visit.portal.world.db.connection() as connection:
        batches = all_orders(connection, wanted, query.sort, newest_first=not query.up)
        async with aclosing(batches):  # type: ignore[type-var]
            async for rows in batches:
                yield rows


async def _text(visit: Visit, query: Query, chosen: Sequence[Cell], form: str) -> AsyncIterator[bytes]:
    """CSV with a line of headings, or a JSON array of one object a line."""
    comma = b"[\n"
    if form == "csv":
        yield csv_rows([[cell.heading for cell in chosen]]).encode()
    async with aclosing(_rows(visit, query)) as batches:  # type: ignore[type-var]
        async for rows in batches:
            if form == "csv":
                yield csv_rows([cell.value(row) for cell in chosen] for row in rows).encode()
            else:
                lines = [_json.encode({cell.name: cell.value(row) for cell in chosen}) for row in rows]
                yield comma + b",\n".join(lines)
                comma = b",\n"
    if form == "json":
        yield b"[]\n" if comma == b"[\n" else b"\n]\n"


async def _sheet(visit: Visit, query: Query, chosen: Sequence[Cell]) -> AsyncIterator[bytes]:
    """Raises: Problem(invalid) for a list of more than ROWS_MAX."""
    too_many = Problem("invalid", f"This list has more than {ROWS_MAX:,} orders: no XLSX file was made.",
                       cure="Export it as CSV, or narrow it.")  # fmt: skip
    async with visit.portal.world.db.connection() as connection:
        count = await count_orders(connection, query.filter(visit.merchant_id, visit.now), cap=ROWS_MAX + 1)
        if not count.exact and count.value:  # else it could not be counted in time, and is while it is written
            raise too_many
    sheet = Sheet(chosen)
    try:
        async with aclosing(_rows(visit, query)) as batches:  # type: ignore[type-var]
            async for rows in batches:
                if sheet.rows + len(rows) > ROWS_MAX:
                    raise too_many
                await asyncio.to_thread(sheet.add, rows)
        await asyncio.to_thread(sheet.close)
    except BaseException:
        sheet.drop()
        raise
    return sheet.parts()
