"""The portal in a real browser, with JavaScript switched off."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from playwright.sync_api import Page, expect, sync_playwright
from tests.doors.portal.shop import PASSWORD, Shop, drop_shop, make_app, make_shop, make_world

from recoup.store.server import ServerAddress

CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="module")
def shop(server: ServerAddress) -> Iterator[Shop]:
    made = asyncio.run(make_shop(server, orders=120))
    yield made
    asyncio.run(drop_shop(server, made))


@pytest.fixture(scope="module")
def address(shop: Shop) -> Iterator[str]:
    yield from serving(shop)


def serving(shop: Shop) -> Iterator[str]:
    """The portal on a free port, in a thread of its own."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    running: list[uvicorn.Server] = []
    ready = threading.Event()

    async def serve() -> None:
        world = await make_world(shop)
        server = uvicorn.Server(uvicorn.Config(make_app(world), log_level="warning", lifespan="off"))
        running.append(server)
        ready.set()
        await server.serve(sockets=[listening])
        await world.db.close()
        await world.extra["people"].close()
        await asyncio.sleep(0)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(10)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    running[0].should_exit = True
    thread.join(10)
    listening.close()


@pytest.fixture(params=[(1440, 900), (390, 844)], ids=["desktop", "phone"])
def page(address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Signed in, on the list; anything the browser refuses or misses fails the test."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
        )
        width, height = request.param
        context = browser.new_context(
            viewport={"width": width, "height": height}, java_script_enabled=False, base_url=address
        )
        made = context.new_page()
        said: list[str] = []
        made.on("console", lambda message: said.append(message.text))
        made.goto("/orders")
        made.get_by_label("E-mail").fill("maya@example.test")
        made.get_by_label("Password").fill(PASSWORD)
        made.get_by_role("button", name="Sign in").click()
        expect(made.get_by_role("heading", name="Orders", exact=True, level=1)).to_be_visible()
        yield made
        browser.close()
    refused = [text for text in said if "status of 4" not in text]
    assert not refused, refused


def test_search_and_filter_find_an_order_and_open_it(page: Page, shop: Shop) -> None:
    story = shop.stories["onhold"]
    page.get_by_label("Search orders").fill("the card")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", name="No order matches")).to_be_visible()
    page.get_by_role("link", name="Search: the card").last.click()
    page.locator("summary", has_text="Status").click()
    for status in (0, 2, 3, 4, 5, 6, 7, 8):
        page.locator(f'input[name="status"][value="{status}"]').uncheck()
    page.locator("details[open]").get_by_role("button", name="Apply").click()
    expect(page.locator("tbody tr")).to_have_count(8)
    assert "status=1" in page.url
    page.get_by_label("Search orders").fill(story.email)
    page.get_by_role("button", name="Search").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert "status=1" in page.url
    page.get_by_role("link", name=f"Open order {story.external_id}").click()
    expect(page.get_by_role("heading", name="Next planned attempt")).to_be_visible()
    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.goto("/orders")
    page.locator("summary", has_text="Status").click()
    page.get_by_role("link", name="Only Problem").click()
    expect(page.locator("tbody tr")).to_have_count(8)


def test_a_refund_says_what_will_happen_then_does_it_once(page: Page, shop: Shop) -> None:
    name = "completed" if page.viewport_size == {"width": 1440, "height": 900} else "completed_items"
    story = shop.stories[name]
    small = {"JPY": "5", "KWD": "0.005"}.get(story.asset, "0.05")
    page.goto(f"/orders/{story.order_id}")
    page.get_by_role("link", name="Refund…").click()
    dialog = page.locator("#refund")
    dialog.get_by_label("Amount", exact=True).fill("99999999")
    dialog.get_by_role("button", name="See what will happen").click()
    expect(page.get_by_text("greater than maximum refund amount")).to_be_visible()
    dialog.get_by_label("Amount", exact=True).fill(small)
    dialog.get_by_label("Reason").fill("One box was broken")
    dialog.get_by_role("button", name="See what will happen").click()
    review = page.locator("#review")
    expect(review.locator("ol.happens li")).to_have_count(5)
    review.get_by_role("button", name=f"Refund {small} {story.asset}").click()
    expect(page.get_by_role("status")).to_contain_text(f"{small} {story.asset} refunded: One box was broken")
    page.go_back()
    expect(page.get_by_role("status")).to_contain_text("refunded")
    expect(page.locator("#refunds tbody tr")).to_have_count(1)


def test_the_table_is_not_cut_on_a_laptop(address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        made = browser.new_page(viewport={"width": 1280, "height": 800}, base_url=address)
        made.goto("/orders")
        made.get_by_label("E-mail").fill("maya@example.test")
        made.get_by_label("Password").fill(PASSWORD)
        made.get_by_role("button", name="Sign in").click()
        for width in (1280, 1366, 1423, 1424, 1440, 1920):
            made.set_viewport_size({"width": width, "height": 800})
            table = made.locator("table.orders").bounding_box()
            assert table
            assert table["x"] + table["width"] <= width, width
            shown = made.locator("thead th").filter(visible=True).all_inner_texts()
            assert ("Descriptor" in shown) == (width >= 1424)
            if width < 1424:
                assert made.locator("td.w .fold").first.is_visible()
                assert "created" in made.locator("td.p").nth(3).inner_text()
        made.set_viewport_size({"width": 1000, "height": 800})
        scroll = made.locator(".scroll:has(> table.orders)")
        assert scroll.evaluate("e => e.scrollWidth > e.clientWidth && getComputedStyle(e).overflowX") == "auto"
        assert "gradient" in scroll.evaluate("e => getComputedStyle(e).backgroundImage")
        browser.close()
