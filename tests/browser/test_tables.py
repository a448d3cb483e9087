"""No table hides its last column: at each size all of it is on the screen,
whatever its rows hold."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.visiting import PHONE, fits
from tests.browser.walk import Walked, walked
from tests.rings import drawn

from recoup.db.server import ServerAddress
from recoup.people.page.endpoint import COOKIE

SIZES = [(1440, 900), (1280, 800), (1024, 768), PHONE]
PATHS = [
    "/webhooks/{endpoint}",
    "/reconciliation",
    "/settlements",
    "/orders",
    "/audit",
    "/orders/{paid}",
    "/keys",
    "/requests",
    "/reports",
    "/developers",
    "/roles",
    "/refunds",
    "/unknown",
    "/approvals",
    "/cards",
    "/invitations",
    "/customers",
    "/uploads",
    "/imports",
    "/exports",
    "/fees",
    "/reconciliation/files",
]
# Of each table that is seen: by how much its frame or a cell of its last column stands beyond the
# frame's edge.
_HIDDEN = """() => [...document.querySelectorAll(".scroll")].filter(one =>
  one.offsetParent).map(one => {
  const edge = one.getBoundingClientRect().right;
  const last = [...one.querySelectorAll("tbody tr > :last-child")].map(
    cell => cell.getBoundingClientRect().right - edge);
  return [one.getAttribute("aria-label"), Math.max(one.scrollWidth - one.clientWidth,
    ...last.map(Math.floor))];
}).filter(([, beyond]) => beyond > 0)"""


@pytest.fixture(scope="module")
def house(server: ServerAddress) -> Iterator[Walked]:
    with walked(server) as made:
        yield made


@pytest.mark.timeout(300)
@drawn("browser", "language", ["en", "de", "es", "fr", "zh"], 1)
@drawn("browser", "size", SIZES, 1)
def test_the_last_column_is_seen(
    browser: Browser, house: Walked, size: tuple[int, int], language: str
) -> None:
    context = browser.new_context(
        base_url=house.address, viewport={"width": size[0], "height": size[1]}, locale=language
    )
    context.add_cookies([{"name": COOKIE, "value": house.cookie("owner"), "url": house.address}])
    page, seen = context.new_page(), 0
    for path in PATHS:
        page.goto(path.format(**house.ground.a.ids))
        fits(page)
        seen += page.locator(".scroll tbody tr").count()
        assert page.evaluate(_HIDDEN) == [], (path, size)
    assert seen >= len(PATHS)
    context.close()


def test_one_date_of_an_order_is_shown_and_its_site_in_full(
    browser: Browser, house: Walked
) -> None:
    context = browser.new_context(base_url=house.address, viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": COOKIE, "value": house.cookie("owner"), "url": house.address}])
    page = context.new_page()
    page.goto("/orders")
    expect(page.locator("td.p").first).to_be_visible()
    expect(page.locator("td.t").first).to_be_hidden()
    page.locator("th").get_by_role("link", name="Created").locator("visible=true").click()
    expect(page).to_have_url(re.compile("sort=created"))
    page.evaluate(
        "document.querySelectorAll('td.w > .cut').forEach(one => one.textContent = 'Daily news')"
    )
    cut = "all => all.filter(one => one.scrollWidth > one.clientWidth).length"
    assert page.locator("td.w > .cut").evaluate_all(cut) == 0
    context.close()


def test_orders_are_sorted_on_a_phone_where_no_head_is_seen(
    browser: Browser, house: Walked
) -> None:
    context = browser.new_context(
        base_url=house.address, viewport={"width": PHONE[0], "height": PHONE[1]}
    )
    context.add_cookies([{"name": COOKIE, "value": house.cookie("owner"), "url": house.address}])
    page = context.new_page()
    page.goto("/orders")
    page.locator("summary", has_text="Sort").click()
    page.locator(".sorts").get_by_role("link", name="Amount").click()
    expect(page).to_have_url(re.compile("sort=amount"))
    fits(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(page.locator(".sorts")).to_be_hidden()
    context.close()
