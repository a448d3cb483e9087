"""The list of orders in a real browser, with JavaScript: its keys, what is selected, and that nothing is refused."""

import asyncio
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from tests.browser.test_portal_pages import CHROMIUM, serving
from tests.doors.portal.shop import PASSWORD, Shop, drop_shop, make_shop

from recoup.store.server import ServerAddress


@pytest.fixture(scope="module")
def shop(server: ServerAddress) -> Iterator[Shop]:
    made = asyncio.run(make_shop(server, orders=60))
    yield made
    asyncio.run(drop_shop(server, made))


@pytest.fixture(scope="module")
def address(shop: Shop) -> Iterator[str]:
    yield from serving(shop)


@pytest.fixture(params=[(1440, 900), (390, 844)], ids=["desktop", "phone"])
def page(address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Signed in, on the list; anything the browser refuses or misses fails the test."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        width, height = request.param
        made = browser.new_page(viewport={"width": width, "height": height}, base_url=address)
        said: list[str] = []
        made.on("console", lambda message: said.append(message.text))
        made.on("pageerror", lambda error: said.append(str(error)))
        made.goto("/orders")
        made.get_by_label("E-mail").fill("maya@example.test")
        made.get_by_label("Password").fill(PASSWORD)
        made.get_by_role("button", name="Sign in").click()
        expect(made.get_by_role("heading", name="Orders", exact=True, level=1)).to_be_visible()
        yield made
        browser.close()
    assert not said, said


def test_the_list_is_worked_with_by_keys(page: Page) -> None:
    page.wait_for_load_state()  # its script listens from then on
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("tbody tr.here")).to_have_count(1)
    expect(page.locator("tbody tr").nth(1)).to_have_class("here")
    page.keyboard.press("x")
    expect(page.locator("#selected")).to_contain_text("1 selected · ")
    page.keyboard.press("k")
    page.keyboard.press("x")
    expect(page.locator("#selected")).to_contain_text("2 selected · ")
    expect(page.get_by_role("button", name="Cancel…")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Keys")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_label("Search orders")).to_be_focused()
    page.keyboard.type("status:problem")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Remove filter: Status: Problem")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Orders", exact=True, level=1)).to_have_count(0)


def test_selected_orders_are_cancelled_after_a_look(page: Page) -> None:
    page.goto("/orders?status=4")
    page.get_by_role("checkbox").and_(page.locator("td input")).first.check()
    page.get_by_role("button", name="Cancel…").click()
    page.get_by_role("button", name="Cancel 1 order", exact=True).click()
    expect(page.get_by_role("heading", name="1 of 1 order done")).to_be_visible()
    page.get_by_role("link", name="Back to the list").click()
    assert "status=4" in page.url
