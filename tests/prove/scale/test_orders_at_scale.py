"""The Orders page of a merchant with 5,000,000 orders, beside one with 50,000 in the same tables:
every filter, every pair of filters, every order of the list, and searches; how long each takes and
how many blocks it touches.

Again: `pytest tests/prove/scale/test_orders_at_scale.py --timeout=0 -s`. `PROVE_LISTED` is how many
orders; `PROVE_FOLDER` keeps the filled database for another run. Beside other load a clock on the
wall says nothing: with `PROVE_SHARED=1` the time on a processor is judged, ours and the database's,
and both are printed.
"""

import asyncio
import math
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.prove.many_orders import BEGIN, SPAN, Shop, fill

from recoup.db.pool import Database
from recoup.db.server import EmbeddedServer, ServerAddress
from recoup.desk.store.order_counts import PAGE_TIMEOUT_MS, count_orders, count_statuses
from recoup.desk.store.order_filter import OrderFilter, UnitRange
from recoup.desk.store.orders import list_orders
from recoup.kernel.problem import Problem

MANY = int(os.environ.get("PROVE_LISTED", "5000000"))
FEW = 50_000
RUNS = int(os.environ.get("PROVE_RUNS", "20"))
FOLDER = os.environ.get("PROVE_FOLDER", "")
SHARED = os.environ.get("PROVE_SHARED", "") == "1"
LIST_MS, TIMES = 50.0, 2.0
NOISE_MS, NOISE_BLOCKS = 8.0, 400  # under so much twice as much says nothing
NAME = "scale"


@dataclass(frozen=True)
class Took:
    """Of one page, in milliseconds: the 95th percentile on the wall, the same and the median of
    what is judged; and the blocks that one page touches."""

    wall: float
    p95: float
    median: float
    blocks: int


@pytest.fixture(scope="module")
def scale() -> Iterator[tuple[ServerAddress, list[Shop]]]:
    with tempfile.TemporaryDirectory() as made:
        server = EmbeddedServer(Path(FOLDER or made), durable=False)
        address = server.start()
        try:
            yield address, asyncio.run(_filled(address))
        finally:
            server.stop()


async def _filled(address: ServerAddress) -> list[Shop]:
    connection = await asyncpg.connect(address.dsn("postgres"))
    known = await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", NAME)
    await connection.close()
    if not known:
        return await fill(address, NAME, [MANY, FEW], lambda text: print(text, flush=True))
    connection = await asyncpg.connect(address.dsn(NAME))
    found = await connection.fetch(
        "SELECT merchant_id, name FROM merchants ORDER BY length(name) DESC"
    )
    shops = []
    for row in found:
        sites = await connection.fetch(
            "SELECT site_id FROM sites WHERE merchant_id = $1", row["merchant_id"]
        )
        count = int(row["name"].removeprefix("Of ").replace(",", ""))
        shops.append(Shop(row["merchant_id"], [s["site_id"] for s in sites], count))
    await connection.close()
    return shops


def filters(shop: Shop) -> dict[str, dict[str, Any]]:
    end = BEGIN + SPAN
    usd = tuple(
        UnitRange(assets, low, None) for assets, low in ((("USD", "EUR"), 89_900), (("JPY",), 899))
    )
    return {
        "completed": {"statuses": (7,)},
        "problem": {"statuses": (3,)},
        "two statuses": {"statuses": (4, 8)},
        "mit": {"channels": ("mit",)},
        "call centre": {"channels": ("cit_callcenter",)},
        "site": {"site_id": shop.sites[2]},
        "campaign": {"campaign_id": shop.merchant_id},
        "newest week": {"placed_from": end - timedelta(days=7)},
        "a month": {
            "placed_from": end - timedelta(days=430),
            "placed_to": end - timedelta(days=400),
        },
        "created": {
            "created_from": end - timedelta(days=430),
            "created_to": end - timedelta(days=423),
        },
        "dollars": {"asset": "USD"},
        "dinars": {"asset": "KWD"},
        "amount": {"units_from": 40_000, "units_to": 40_500},
        "over, any currency": {"amounts": usd},
        "attention": {"attention": True},
        "refunded": {"refunded": True},
        "not refunded": {"refunded": False},
        "descriptor": {"descriptor": "BRIGHTLEAF*TEA"},
        "rare descriptor": {"descriptor": "RARE*TEA"},
        "tried 3 times": {"attempts_min": 3},
        "tried 9 times": {"attempts_min": 9},
        "chain": {"chain": "mock"},
        "declined": {"reasons": ("declined",)},
        "two reasons": {"reasons": ("challenge_failed", "paid_elsewhere")},
        "code 05": {"code": "05"},
        "a rare code": {"code": "R1"},
        "visa": {"scheme": "visa"},
        "a rare brand": {"scheme": "diners"},
        "issuer": {"bin": "424243"},
        "ends soon": {
            "expires_from": end - timedelta(days=1),
            "expires_to": end + timedelta(days=2),
        },
    }


SEARCHES = {
    "exact": "SUB-{n}",
    "prefix of an e-mail": "buyer{n}@",
    "a rare name": "quixwood",
    "common name": "sato",
    "two common words": "ana sato",
    "words that never meet": "ana tomasz",
    "none": "xyzzyq",
    "descriptor": "rare*tea",
    "last four": "3184",
    "short": "an",
    "accents": "José",
    "an umlaut": "Müller",
    "its spelling": "jose mueller",
    "joined": "李小龙",
    "two signs": "小龙",
    "one sign": "李",
    "a part": "quixw",
    "together": "AnaRoe",
    "short id": "{short}",
}


async def one_page(connection: asyncpg.Connection, wanted: OrderFilter, by: Any) -> None:
    """What the page asks the database."""
    page = await list_orders(connection, wanted, by=by)
    if not wanted.text and page.next_cursor is not None:
        await count_orders(connection, wanted, timeout_ms=PAGE_TIMEOUT_MS)
    await count_statuses(connection, wanted, timeout_ms=PAGE_TIMEOUT_MS)


async def took(connection: asyncpg.Connection, wanted: OrderFilter, by: Any = "placed") -> Took:
    try:
        await one_page(connection, wanted, by)
    except Problem:
        return Took(math.inf, math.inf, math.inf, 0)  # it gave up
    before = await _blocks(connection)
    await one_page(connection, wanted, by)
    blocks = await _blocks(connection) - before
    times, walls = [], []
    backend = Path(f"/proc/{connection.get_server_pid()}/schedstat")
    for _ in range(RUNS):
        begun, used = time.perf_counter(), _processor(backend)
        await one_page(connection, wanted, by)
        walls.append((time.perf_counter() - begun) * 1_000)
        times.append(_processor(backend) - used if SHARED else walls[-1])
    times.sort()
    return Took(sorted(walls)[int(RUNS * 0.95)], times[int(RUNS * 0.95)], times[RUNS // 2], blocks)


def _processor(backend: Path) -> float:
    """Milliseconds on a processor so far, of this process and of the database's
    that works for it."""
    return time.process_time() * 1_000 + int(backend.read_text().split()[0]) / 1e6


async def _blocks(connection: asyncpg.Connection) -> int:
    await connection.execute("SELECT pg_stat_force_next_flush()")
    await connection.fetchval("SELECT 1")
    return await connection.fetchval(  # type: ignore[no-any-return]
        "SELECT (heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read)::bigint FROM ("
        " SELECT sum(heap_blks_hit) AS heap_blks_hit, sum(heap_blks_read) AS heap_blks_read,"
        " sum(idx_blks_hit) AS idx_blks_hit, sum(idx_blks_read) AS idx_blks_read FROM "
        "pg_statio_user_tables) AS s"
    )


def wanted_by(shop: Shop) -> dict[str, tuple[OrderFilter, Any]]:
    single = filters(shop)
    found: dict[str, tuple[OrderFilter, Any]] = {"all": (OrderFilter(shop.merchant_id), "placed")}
    found |= {
        name: (OrderFilter(shop.merchant_id, **said), "placed") for name, said in single.items()
    }
    for one, other in combinations(single, 2):
        said = single[one] | single[other]
        if len(said) == len(single[one]) + len(single[other]):
            found[f"{one} + {other}"] = (OrderFilter(shop.merchant_id, **said), "placed")
    for by in ("created", "amount", "expires"):
        found[f"all by {by}"] = (OrderFilter(shop.merchant_id), by)
        for name in ("completed", "problem", "mit", "site", "newest week"):
            found[f"{name} by {by}"] = (OrderFilter(shop.merchant_id, **single[name]), by)
    return found


def _compared(scale: tuple[ServerAddress, list[Shop]], cases: Any, limit_ms: float) -> list[str]:
    address, shops = scale

    async def work() -> list[tuple[str, Took, Took]]:
        database = await Database(address.dsn(NAME), size=1).open()
        try:
            async with database.connection() as connection:
                many, few = (cases(shop) for shop in shops)
                return [
                    (name, await took(connection, *many[name]), await took(connection, *few[name]))
                    for name in many
                ]
        finally:
            await database.close()

    found = asyncio.run(work())
    faults = []
    for name, many, few in sorted(found, key=lambda one: -one[1].p95):
        slow = many.p95 > limit_ms
        grows = many.median > max(TIMES * few.median, NOISE_MS) and many.blocks > max(
            TIMES * few.blocks, NOISE_BLOCKS
        )
        line = f"{name:45} {_said(many)}; at {shops[1].count:,}: {_said(few)}"
        print(line + (" SLOW" if slow else "") + (" GROWS" if grows else ""), flush=True)
        if slow or grows:
            faults.append(line)
    p95 = sorted(many.p95 for _, many, _ in found)
    print(
        f"{len(found)} pages of {shops[0].count:,} orders: p95 {p95[-1]:.1f} ms at most, "
        f"{p95[len(p95) // 2]:.1f} ms"
        f" in the middle; {sum(many.p95 > limit_ms for _, many, _ in found)} over {limit_ms:.0f} ms"
    )
    return faults


def _said(one: Took) -> str:
    return (
        f"p95 {one.p95:6.1f} ms (wall {one.wall:6.1f}), median {one.median:6.1f} ms, "
        f"{one.blocks:7,} blocks"
    )


def test_each_filter_and_pair_is_quick_and_costs_what_it_costs_a_small_shop(
    scale: tuple[ServerAddress, list[Shop]],
) -> None:
    faults = _compared(scale, wanted_by, LIST_MS)
    assert not faults, "\n".join(faults)


def test_searches_are_quick(scale: tuple[ServerAddress, list[Shop]]) -> None:
    def cases(shop: Shop) -> dict[str, tuple[OrderFilter, Any]]:
        number = shop.count * 3 // 4
        moment = f"{int((BEGIN + SPAN * (number / shop.count)).timestamp() * 1000):012x}"
        said = {"n": number, "short": f"{moment[:4]}…{number:06x}"}
        return {
            f"search: {name}": (OrderFilter(shop.merchant_id, text=text.format(**said)), "placed")
            for name, text in SEARCHES.items()
        }

    mix = (
        "exact",
        "prefix of an e-mail",
        "a rare name",
        "common name",
        "none",
        "accents",
        "an umlaut",
        "its spelling",
        "joined",
        "two signs",
        "one sign",
        "a part",
        "together",
        "short id",
    )
    faults = _compared(scale, cases, LIST_MS)
    assert not [
        line
        for line in faults
        if line.startswith(tuple(f"search: {name} " for name in mix)) and _slow(line)
    ], "\n".join(faults)


def _slow(line: str) -> bool:
    return float(line.split("p95")[1].split()[0]) > LIST_MS
