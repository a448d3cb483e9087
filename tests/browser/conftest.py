"""What browser tests begin with: a browser, and for those that ask a shop with its portal."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from tests.browser.visiting import Launched, beside, served
from tests.shop import Shop, drop_shop, make_shop

from recoup.db.server import ServerAddress


@pytest.fixture(scope="module")
def shop(server: ServerAddress, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """With as many orders as the file's ORDERS says."""
    made = beside(make_shop(server, orders=getattr(request.module, "ORDERS", 60)))
    yield made
    beside(drop_shop(server, made))


@pytest.fixture(scope="module")
def address(shop: Shop) -> Iterator[str]:
    with served(shop) as made:
        yield made


@pytest.fixture(scope="session")
def chromium() -> Iterator[Launched]:
    """One for all files of a worker."""
    with Launched() as made:
        yield made


@pytest.fixture(scope="module")
def browser(chromium: Launched) -> Iterator[Browser]:
    with chromium.in_use() as made:
        yield made
