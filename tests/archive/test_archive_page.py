"""The page of archives, and the page of an order that left."""

from datetime import date
from uuid import UUID

from tests.engine.page.test_engine import words
from tests.staff import As, portal
from tests.worlds import Shop, owner

from recoup.archive.store import add_archive
from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id

FILE = "orders-2024-10-a.jsonl.gz"


async def leave(shop: Shop, archive_id: UUID, order_id: UUID) -> None:
    async with owner(shop.world) as connection:
        await connection.execute(
            "INSERT INTO archived_orders VALUES ($1, $2, $3)",
            shop.merchant_id,
            order_id,
            archive_id,
        )


def test_the_page_says_where_orders_are(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        clerk = await signed_in("clerk")
        assert "No archives yet" in words(await clerk.get("/archives"))
        assert 'href="/archives"' in (await clerk.get("/reports")).text
        archive_id, order_id = new_id(), new_id()
        async with shop.world.db.transaction() as tx:
            wall = shop.world.clocks.wall()
            month = date(2024, 10, 1)
            await add_archive(
                tx, shop.merchant_id, archive_id, month, 2, bytes.fromhex("ab" * 32), FILE, wall
            )
        page = words(await clerk.get("/archives"))
        assert f"2024-10 In the database and in the file 2 0 {FILE} {'ab' * 32}" in page
        await leave(shop, archive_id, order_id)
        assert "2024-10 Some in the file only 2 1" in words(await clerk.get("/archives"))
        await leave(shop, archive_id, new_id())
        assert "2024-10 In the file 2 2" in words(await clerk.get("/archives"))
        gone = await clerk.get(f"/orders/{order_id}")
        assert gone.status_code == 404
        assert f"This order was archived, in {FILE}." in words(gone)
        assert "was archived" not in words(await clerk.get(f"/orders/{new_id()}"))

    portal(server, story)
