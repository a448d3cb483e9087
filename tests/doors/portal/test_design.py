"""The page of all parts has all parts, and is everybody's in the sandbox."""

import asyncio
import re
from collections.abc import Iterator

import httpx
import pytest
from tests.doors.portal.shop import Shop, drop_shop, make_shop
from tests.doors.portal.test_portal import visit
from tests.rings import each

from recoup.doors.portal.templates import FOLDER
from recoup.doors.portal.words import STATUSES
from recoup.store.server import ServerAddress

MACROS = re.findall(r"{% macro (\w+)\(", (FOLDER / "layout/parts.html").read_text())
FILES = ("design/design.html", "layout/shell.html", "layout/base.html", "order/timeline.html", "orders/cells.html")
TEMPLATES = "".join((FOLDER / name).read_text() for name in FILES)
CLASSES = set(re.findall(r"^\.([a-z-]+)", (FOLDER / "static/portal.css").read_text(), re.M))
# How a page of its own lays itself out, and what stands on payers' pages.
ELSEWHERE = {
    "mail", "rows",
    "acts", "after", "alone", "ask", "choices", "cols", "copy", "crumb", "events", "grow", "keep", "narrow",
    "net", "nowrap", "numbered", "one", "only-s", "pay", "push", "qr", "recovery", "ruled", "scan", "sf", "shop", "sk",
    "solo", "sprite", "switch", "switches", "tight", "told", "w-pick", "wait", "wrap",
}  # fmt: skip


@pytest.fixture(scope="module")
def shop(server: ServerAddress) -> Iterator[Shop]:
    made = asyncio.run(make_shop(server, orders=1))
    yield made
    asyncio.run(drop_shop(server, made))


@each("macro", MACROS)
def test_each_small_part_is_shown(macro: str) -> None:
    assert re.search(rf"parts\.{macro}\b", TEMPLATES), f"show parts.{macro} in design/design.html"


def test_each_component_of_the_style_sheet_is_shown(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        page = await client.get("/design")
        assert page.status_code == 200
        shown = {one for group in re.findall(r'class="([^"]+)"', page.text) for one in group.split()}
        assert sorted(CLASSES - shown - ELSEWHERE) == [], "show them in design/design.html"
        assert sorted(ELSEWHERE - CLASSES) == [], "no such class any more"
        for status in STATUSES.values():
            assert status.meaning in page.text

    visit(shop, work, "ann@example.test")


def test_the_developers_page_leads_there(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        assert 'href="/design"' in (await client.get("/developers")).text

    visit(shop, work)
