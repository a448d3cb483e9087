"""From an order one goes on to the next of the list that one came from, whatever narrows it."""

import asyncio
import re
from collections.abc import Iterator

import httpx
import pytest
from tests.doors.portal.shop import Shop, drop_shop, make_shop
from tests.doors.portal.test_portal import ids, visit

from recoup.store.server import ServerAddress

NEXT = re.compile(r'href="(/orders/[0-9a-f-]{36}[^"]*)" aria-label="Next order of the list"')
BEFORE = re.compile(r'href="(/orders/[0-9a-f-]{36}[^"]*)" aria-label="Previous order of the list"')


@pytest.fixture(scope="module")
def shop(server: ServerAddress) -> Iterator[Shop]:
    made = asyncio.run(make_shop(server, orders=60))
    yield made
    asyncio.run(drop_shop(server, made))


@pytest.mark.parametrize("query", ["", "?status=7", "?oldest=1&status=7&status=2", "?q=example.test&type=mit"])
def test_one_walks_the_list_from_order_to_order(shop: Shop, query: str) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        listed = (await client.get("/orders" + query)).text
        wanted = ids(listed)[:6]
        first = re.search(r'class="open" href="(/orders/[^"]+)"', listed)
        assert first
        address, walked = first[1].replace("&amp;", "&"), []
        for _ in wanted:
            page = (await client.get(address)).text
            walked.append(address[8:44])
            after = NEXT.search(page)
            assert after
            address = after[1].replace("&amp;", "&")
        assert walked == wanted
        page = (await client.get(address)).text
        back = BEFORE.search(page)
        assert back
        assert back[1][8:44] == wanted[-1]
        assert ("as filtered" in page) is ("status" in query or "q=" in query)

    visit(shop, work)


def test_a_strange_list_is_the_whole_one(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        order_id = ids((await client.get("/orders")).text)[0]
        for strange in ("nonsense", "status=99", "cursor=n1.zz", "q=" + "x" * 3000, "%00", f"site={shop.other_id}"):
            assert (await client.get(f"/orders/{order_id}", params={"in": strange})).status_code == 200, strange

    visit(shop, work)
