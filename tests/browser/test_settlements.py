"""Settlements can be read: at any width dates and amounts stay on a line each, on a phone rows are
cards."""

from collections.abc import Iterator

import asyncpg
import pytest
from playwright.sync_api import Browser, expect
from tests.browser.accessibility import faults_at_a_glance
from tests.browser.visiting import PHONE, WAYS, beside, fits
from tests.browser.walk import Walked, walked
from tests.rings import drawn

from recoup.db.server import ServerAddress
from recoup.people.page.endpoint import COOKIE

# Texts of a table's cells that stand on more than one line, are cut, or are amounts that do not end
# where theirs does.
_BROKEN = """() => [...document.querySelectorAll("table.keep td")].filter(cell =>
  cell.offsetParent).flatMap(cell => {
  const text = document.createRange(); text.selectNodeContents(cell);
  const lines = new Set([...text.getClientRects()].map(one => Math.round(one.bottom / 8)));
  const right = cell.getBoundingClientRect().right -
    parseFloat(getComputedStyle(cell).paddingRight);
  const ends = cell.matches(".num") && Math.abs(right - text.getBoundingClientRect().right) > 2;
  return cell.matches(".num,.nowrap") && (lines.size > 2 || ends) ? [cell.innerText] : [];
})"""
_OVER = "[...document.querySelectorAll('.scroll')].map(one => one.scrollWidth - one.clientWidth)"


@pytest.fixture(scope="module")
def house(server: ServerAddress) -> Iterator[Walked]:
    with walked(server) as made:
        yield made


@drawn("browser", "size", [(1440, 900), (1280, 800), PHONE], 1)
def test_amounts_and_dates_stand_on_one_line_without_scrolling(
    browser: Browser, house: Walked, size: tuple[int, int]
) -> None:
    context = browser.new_context(
        base_url=house.address, viewport={"width": size[0], "height": size[1]}
    )
    context.add_cookies([{"name": COOKIE, "value": house.cookie("owner"), "url": house.address}])
    page = context.new_page()
    for path in ("/settlements", f"/settlements/{house.ground.a.ids['settlement']}"):
        page.goto(path)
        fits(page)
        assert page.locator("table.keep tbody tr").count() > 0
        assert page.evaluate(_BROKEN) == [], path
        assert max(page.evaluate(_OVER)) <= 0, path
    context.close()


@drawn("browser", "way", WAYS, 1)
def test_a_payout_is_approved_on_its_review(
    browser: Browser, house: Walked, way: tuple[tuple[int, int], bool]
) -> None:
    (width, height), script = way
    context = browser.new_context(
        base_url=house.address,
        viewport={"width": width, "height": height},
        java_script_enabled=script,
    )
    context.add_cookies([{"name": COOKIE, "value": house.cookie("operator"), "url": house.address}])
    page = context.new_page()
    page.goto("/operator")
    page.get_by_role("button", name=house.ground.a.mark).first.click()
    page.goto("/approvals")
    page.get_by_role("link", name="Review payout").first.click()
    expect(page.get_by_text("In use since")).to_be_visible()
    fits(page)
    if script:
        assert not faults_at_a_glance(page)
    page.get_by_role("button", name="Approve and send").click()
    expect(page.get_by_text("The payout is approved and is being sent.")).to_be_visible()
    context.close()
    beside(_created_again(house))


async def _created_again(house: Walked) -> None:
    """The payout as it was, for the next way."""
    connection = await asyncpg.connect(house.ground.door.world.dsn)
    try:
        await connection.execute(
            "UPDATE bank_payouts SET state = 'created', account_id = NULL, approved_by = NULL,"
            " approved_at = NULL, file_name = NULL, file = NULL, file_hash = NULL, sent_at = NULL"
        )
    finally:
        await connection.close()
