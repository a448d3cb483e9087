"""From an order one goes on to the next of the list that one came from, whatever narrows it."""

import asyncio
import re
from collections.abc import Iterator

import httpx
import pytest
from tests.people.page.test_portal import field, ids, visit
from tests.shop import Shop, drop_shop, make_shop

from recoup.db.server import ServerAddress

NEXT = re.compile(r'href="(/orders/[0-9a-f-]{36}[^"]*)" aria-label="Next order of the list"')
BEFORE = re.compile(r'href="(/orders/[0-9a-f-]{36}[^"]*)" aria-label="Previous order of the list"')


@pytest.fixture(scope="module")
def shop(server: ServerAddress) -> Iterator[Shop]:
    made = asyncio.run(make_shop(server, orders=60))
    yield made
    asyncio.run(drop_shop(server, made))


@pytest.mark.parametrize(
    "query", ["", "?status=7", "?oldest=1&status=7&status=2", "?q=example.test&type=mit"]
)
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
        for strange in (
            "nonsense",
            "status=99",
            "cursor=n1.zz",
            "q=" + "x" * 3000,
            "%00",
            f"site={shop.other_id}",
        ):
            assert (
                await client.get(f"/orders/{order_id}", params={"in": strange})
            ).status_code == 200, strange

    visit(shop, work)


def test_what_is_done_to_an_order_keeps_the_list_it_was_come_to_from(shop: Shop) -> None:
    """After a note or a refund the next order of "needs attention" was gone: the next of all orders
    stood there."""

    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        listed = (await client.get("/orders?status=7")).text
        order_id, following = ids(listed)[:2]
        address = f"/orders/{order_id}?in=status%3D7"
        page = (await client.get(address)).text
        # Every form of the page, whatever it does.
        forms = [
            form
            for form in re.findall(r"<form [^>]+>", page)
            if 'method="post"' in form and order_id in form
        ]
        actions = [match[1] for form in forms if (match := re.search(r'action="([^"]+)"', form))]
        assert {action.partition("?")[0].rpartition("/")[2] for action in actions} >= {
            "notes",
            "block",
        }
        assert all(action.endswith("?in=status%3D7") for action in actions), actions
        asked = {
            "in": "status=7",
            "how": "amount",
            "amount": "1.00",
            "key": field(page, "key"),
            "reason": "torn",
        }
        assert '<input type="hidden" name="in" value="status=7">' in page
        review = await client.get(f"/orders/{order_id}/refund", params=asked)
        assert f'action="/orders/{order_id}/refund?in=status%3D7" method="post"' in review.text
        note = {"csrf": field(page, "csrf"), "key": "a" * 32, "note": "rang"}
        noted = await client.post(f"/orders/{order_id}/notes?in=status%3D7", data=note)
        refund = asked | {"csrf": field(page, "csrf")}
        refunded = await client.post(f"/orders/{order_id}/refund?in=status%3D7", data=refund)
        for answer in (noted, refunded):
            assert answer.status_code == 303
            after = NEXT.search((await client.get(answer.headers["location"])).text)
            assert after
            assert after[1] == f"/orders/{following}?in=status%3D7"

    visit(shop, work)
