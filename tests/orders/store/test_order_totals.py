"""The total that a list promises: exact at each call, and counted once."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from tests.worlds import owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel.ids import first_id_of
from recoup.orders.store import order_totals
from recoup.orders.store.order_totals import AGAIN, SETTLED, Totals

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
SHOP = UUID("01900000-0000-7000-8000-000000000001")
Story = Callable[[asyncpg.Connection], Awaitable[None]]
_HEAD = """
INSERT INTO order_heads (merchant_id, order_id, placed_at, status, order_type, source, door,
  site_id, asset, units)
SELECT $1, i, now(), 7, 'MIT', 'ecommerce', $3, $1, 'USD', 100 FROM unnest($2::uuid[]) AS i
"""


async def add(
    connection: asyncpg.Connection, at: datetime, number: int = 1, door: str = "rescue"
) -> None:
    """Orders whose ids were made then."""
    ids = [UUID(int=first_id_of(at).int | uuid.uuid4().int >> 64) for _ in range(number)]
    await connection.execute(_HEAD, SHOP, ids, door)


def played(server: ServerAddress, story: Story) -> None:
    async def run() -> None:
        async with sandbox_world(server) as (world, _, _), owner(world) as connection:
            await story(connection)

    asyncio.run(run())


def test_each_order_counts_at_once_and_once(server: ServerAddress) -> None:
    async def story(connection: asyncpg.Connection) -> None:
        totals = Totals()
        await add(connection, NOW - timedelta(days=3), 40)
        await add(connection, NOW - timedelta(seconds=1), 2)
        await add(connection, NOW - timedelta(days=3), 5, "stablecoin")
        assert await totals.total(connection, SHOP, "rescue", NOW) == 42
        assert await totals.total(connection, SHOP, "stablecoin", NOW) == 5
        await add(connection, NOW)
        assert await totals.total(connection, SHOP, "rescue", NOW) == 43
        await add(
            connection, NOW - SETTLED + timedelta(seconds=1)
        )  # made a while ago, there only now
        for later in (timedelta(0), AGAIN, SETTLED, SETTLED + AGAIN * 2, timedelta(days=1)):
            assert await totals.total(connection, SHOP, "rescue", NOW + later) == 44
        await add(connection, NOW + timedelta(days=1), 6)
        assert await totals.total(connection, SHOP, "rescue", NOW + timedelta(days=1)) == 50
        assert await Totals().total(connection, SHOP, "rescue", NOW + timedelta(days=1)) == 50

    played(server, story)


def test_an_order_that_was_committed_late_is_in_the_total_soon(server: ServerAddress) -> None:
    """Its id was made, then its process stood still for longer than a statement takes: it was
    missing for good."""

    async def story(connection: asyncpg.Connection) -> None:
        totals = Totals()
        await add(connection, NOW - timedelta(days=3), 40)
        await add(connection, NOW - timedelta(minutes=20), 3)
        assert await totals.total(connection, SHOP, "rescue", NOW) == 43
        await add(connection, NOW - timedelta(minutes=30))
        assert await totals.total(connection, SHOP, "rescue", NOW + AGAIN * 2) == 44
        await add(connection, NOW - timedelta(minutes=1))
        assert await totals.total(connection, SHOP, "rescue", NOW + timedelta(minutes=30)) == 45

    played(server, story)


def test_what_was_counted_is_not_read_again(server: ServerAddress) -> None:
    async def story(connection: asyncpg.Connection) -> None:
        totals = Totals()
        await add(connection, NOW - timedelta(days=3), 40)
        assert await totals.total(connection, SHOP, "rescue", NOW) == 40
        # No order is ever deleted: one that is shows that nobody looked.
        await connection.execute("DELETE FROM order_heads")
        assert await totals.total(connection, SHOP, "rescue", NOW + timedelta(hours=1)) == 40

    played(server, story)


def test_very_many_orders_are_counted_over_several_calls(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_totals, "AT_ONCE", 10)
    monkeypatch.setattr(order_totals, "LOOKS_MAX", 2)

    async def story(connection: asyncpg.Connection) -> None:
        totals = Totals()
        await add(connection, NOW - timedelta(days=3), 45)
        found = [await totals.total(connection, SHOP, "rescue", NOW) for _ in range(4)]
        assert found == [None, None, 45, 45]

    played(server, story)


def test_no_more_merchants_are_kept_than_there_is_room_for(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_totals, "MERCHANTS_MAX", 2)

    async def story(connection: asyncpg.Connection) -> None:
        totals = Totals()
        await add(connection, NOW - timedelta(days=3), 4)
        for merchant_id in (SHOP, uuid.uuid4(), uuid.uuid4(), uuid.uuid4(), SHOP):
            await totals.total(connection, merchant_id, "rescue", NOW)
            assert len(totals._kept) <= 2
        assert await totals.total(connection, SHOP, "rescue", NOW) == 4

    played(server, story)


def test_movements_of_a_wallet_count_once_and_those_of_one_posting_together(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_totals, "AT_ONCE", 5)

    async def story(connection: asyncpg.Connection) -> None:
        totals = Totals()
        await connection.execute("SET session_replication_role = replica")
        await move(connection, NOW - timedelta(days=3), 8)
        await move(connection, NOW - timedelta(days=3), 8, place="")
        await move(connection, NOW - timedelta(seconds=1), 2)
        assert await totals.total(connection, SHOP, "wallet", NOW) == 20
        await connection.execute(
            "DELETE FROM entries WHERE posting_id < $1", first_id_of(NOW - SETTLED)
        )
        await move(connection, NOW, 1)
        assert await totals.total(connection, SHOP, "wallet", NOW + timedelta(hours=1)) == 22

    played(server, story)


async def move(
    connection: asyncpg.Connection, at: datetime, number: int, place: str = "wallet"
) -> None:
    """Postings that move a wallet twice each."""
    for _ in range(number):
        posting_id = UUID(int=first_id_of(at).int | uuid.uuid4().int >> 64)
        await connection.executemany(
            "INSERT INTO entries (merchant_id, posting_id, line_no, account, asset, place, units, "
            "available_at)"
            " VALUES ($1, $2, $3, 'merchant_payable', 'USDT', $4, 1, now())",
            [(SHOP, posting_id, line_no, place) for line_no in (1, 2)],
        )
