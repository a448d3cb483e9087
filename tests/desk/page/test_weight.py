"""A whole page, with its styles and scripts, is at most 100 KB as a proxy compresses it."""

import asyncio
import gzip
import re
from collections.abc import Iterator

import httpx
import pytest
from tests.browser.walk import pages
from tests.people.page.test_portal import visit
from tests.shop import Shop, drop_shop, make_shop

from recoup.db.server import ServerAddress
from recoup.desk.store.columns import COLUMNS

BYTES_MAX = 100_000
LOADED = re.compile(r'(?:href|src)="(/static/[^"]+)"')


@pytest.fixture(scope="module")
def shop(server: ServerAddress) -> Iterator[Shop]:
    made = asyncio.run(make_shop(server, orders=120))
    yield made
    asyncio.run(drop_shop(server, made))


def test_no_page_is_heavy(shop: Shop) -> None:
    paths = [path for path, line in pages() if line.whose in ("owner", "operator") and not line.ids]
    paths += [f"/orders/{story.order_id}" for story in shop.stories.values()]
    paths.append("/orders?size=100&cols=" + ",".join(COLUMNS))

    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        weights, packed = {}, {}
        for path in paths:
            page = await client.get(path)
            assert page.status_code in (200, 403), path
            loaded = set(LOADED.findall(page.text))
            for one in loaded - set(packed):
                packed[one] = len(gzip.compress((await client.get(one)).content, 6))
            weights[path] = len(gzip.compress(page.content, 6)) + sum(packed[one] for one in loaded)
        assert len(weights) > 30
        assert {path: weight for path, weight in weights.items() if weight > BYTES_MAX} == {}
        heaviest = max(weights, key=lambda path: weights[path])
        print(f"the heaviest: {heaviest[:60]} {weights[heaviest]:,} bytes")

    visit(shop, work)
