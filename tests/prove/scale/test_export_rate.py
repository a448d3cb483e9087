"""A file of 1,000,000 orders, made as the worker makes it: the list row for row, at 50,000 rows a
second and more, in memory that does not grow with it; beside it what the database needs to send the
same rows to nobody.

Again: `pytest tests/prove/scale/test_export_rate.py --timeout=0 -s`. `PROVE_EXPORTED` is how many
rows; with `PROVE_SHARED=1` seconds on a processor are judged.
"""

import asyncio
import csv
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest
from tests.prove.many_orders import Shop, fill

from recoup.db.pool import Database
from recoup.db.server import EmbeddedServer, ServerAddress
from recoup.desk.flows.exports import ExportQuery, ask_for_file, fetch, make_export, one_export
from recoup.desk.store.columns import DEFAULT
from recoup.desk.store.exports import export_statement
from recoup.desk.store.order_filter import OrderFilter
from recoup.desk.store.orders import LIMIT_MAX, list_orders
from recoup.kernel.scope import Actor, Scope
from recoup.kit.world import World
from recoup.main.open_world import OpenWorld
from recoup.orders.store.due_work import Due

MANY = int(os.environ.get("PROVE_EXPORTED", "1000000"))
SHARED = os.environ.get("PROVE_SHARED", "") == "1"
RATE, GROWN_MAX_MB = 50_000, 64
NAME, USER = "exported", uuid4()


@pytest.fixture(scope="module")
def filled() -> Iterator[tuple[ServerAddress, Shop]]:
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder), durable=False)
        address = server.start()
        try:
            (shop,) = asyncio.run(fill(address, NAME, [MANY], lambda text: print(text, flush=True)))
            yield address, shop
        finally:
            server.stop()


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def _made(
    world: World, shop: Shop, form: str, folder: Path
) -> tuple[Path, float, float, float]:
    """The file; seconds on the wall, of ours on a processor, and by how many MB the peak grew."""
    key, scope = uuid4(), Scope(shop.merchant_id, Actor("user", str(USER)), "prove")
    wanted = ExportQuery(OrderFilter(shop.merchant_id), "placed", True, DEFAULT, "Europe/Berlin")
    await ask_for_file(
        world, scope, USER, key, wanted, form=form, labels=[], file_name=f"orders.{form}"
    )
    before, begun, used = _peak_mb(), time.perf_counter(), time.process_time()
    await make_export(world, Due(shop.merchant_id, "export", key, 1))
    took, cpu = time.perf_counter() - begun, time.process_time() - used
    row = await one_export(world, shop.merchant_id, USER, key)
    assert (row.state, row.rows_done) == ("ready", MANY)
    grown, path = _peak_mb() - before, folder / key.hex
    with path.open("wb") as file:
        async for part in await fetch(world, scope, row):
            file.write(part)
    return path, took, cpu, grown


async def _copied(address: ServerAddress, shop: Shop) -> tuple[float, float]:
    """Seconds that the database takes to send the same rows, on the wall and on a processor."""
    connection = await asyncpg.connect(address.dsn(NAME), command_timeout=None)
    table = ExportQuery(OrderFilter(shop.merchant_id), "placed", True, DEFAULT, "GMT").table()
    sql, values = await export_statement(
        connection, OrderFilter(shop.merchant_id), "placed", table.fields, newest_first=True
    )
    backend = Path(f"/proc/{connection.get_server_pid()}/schedstat")
    begun, used = time.perf_counter(), int(backend.read_text().split()[0])
    await connection.execute("SET jit = off")
    with open(os.devnull, "wb") as nowhere:
        await connection.copy_from_query(sql, *values, output=nowhere, format="csv")
    took = time.perf_counter() - begun, (int(backend.read_text().split()[0]) - used) / 1e9
    await connection.close()
    return took


async def _is_the_list(world: World, shop: Shop, path: Path) -> None:
    """Page by page, as the portal reads it: each order in its place, with what the list shows of
    it."""
    after, number = None, 0
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.DictReader(file)
        while True:
            async with world.db.connection() as connection:
                page = await list_orders(
                    connection, OrderFilter(shop.merchant_id), after=after, limit=LIMIT_MAX
                )
            for row in page.rows:
                line, number = next(lines), number + 1
                assert line["Order Id"] == str(row.order_id), number
                assert (line["External order"], line["Customer"], line["Currency"]) == (
                    row.external_id,
                    row.customer,
                    row.asset,
                ), number
            after = page.next_cursor
            if after is None:
                break
        assert number == MANY
        assert next(lines, None) is None


def test_a_million_orders_become_a_file_quickly_and_it_is_the_list(
    filled: tuple[ServerAddress, Shop], tmp_path: Path
) -> None:
    address, shop = filled

    async def work() -> None:
        db = await Database(address.dsn(NAME), size=4).open()
        world = OpenWorld(
            name="sandbox", db=db, keys=None, processors={}, web=None, exports=tmp_path
        )
        try:
            copied, server = await _copied(address, shop)
            for form in ("csv", "json"):
                path, took, cpu, grown = await _made(world, shop, form, tmp_path)
                print(
                    f"\n{form}: {MANY:,}, {path.stat().st_size / 1e6:.0f} MB in {took:.1f} s = "
                    f"{MANY / took:,.0f}"
                    f" rows/s; {cpu:.1f} s of ours on a processor = {MANY / cpu:,.0f} rows/s;"
                    f" COPY of the same rows {copied:.1f} s, {server:.1f} s on a processor: "
                    f"{copied / took:.2f} of"
                    f" its rate; peak memory {_peak_mb():.0f} MB, grown by {grown:.0f} MB",
                    flush=True,
                )
                assert grown <= GROWN_MAX_MB
                assert MANY / (cpu if SHARED else took) >= RATE
                await (
                    _is_the_list(world, shop, path) if form == "csv" else _same_ids(path, tmp_path)
                )
        finally:
            await db.close()

    asyncio.run(work())


async def _same_ids(path: Path, folder: Path) -> None:
    """The same orders in the same places as in the file before."""
    tables = [one for one in folder.iterdir() if one != path]
    with path.open("rb") as file, tables[0].open(newline="", encoding="utf-8-sig") as table:
        rows: Any = csv.DictReader(table)
        for line in file:
            if line[:1] == b"{":
                assert (
                    msgspec.json.decode(line.rstrip(b",\n"))["order_id"] == next(rows)["Order Id"]
                )
        assert next(rows, None) is None
