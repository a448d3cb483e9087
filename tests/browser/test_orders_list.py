"""The list of orders in a real browser, with JavaScript: its keys, what is selected, and that
nothing is refused."""

import re
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.visiting import DESKTOP, PHONE, beside, follow, signed_in
from tests.desk.page.test_bulk import worked
from tests.rings import draw, drawn
from tests.shop import Shop


@pytest.fixture(params=draw("browser", [DESKTOP, PHONE], 1, label="orders_list"))
def page(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    with signed_in(browser, address, size=request.param) as made:
        yield made


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
    expect(page.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Keyboard shortcuts")).to_be_hidden()
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
    expect(page).to_have_url(re.compile("status=4"))


def test_a_note_for_all_that_match_and_a_file_in_the_background(page: Page, shop: Shop) -> None:
    page.goto("/orders?size=25")
    page.locator("td.pick input").first.check()
    page.get_by_label("All 60 matching orders, not only this page").check()
    page.get_by_role("button", name="Add note…").click()
    expect(page.get_by_role("heading", name="Add a note to 60 orders?")).to_be_visible()
    page.get_by_label("Note", exact=True).fill("Told by mail")
    page.get_by_role("button", name="Add the note to 60 orders").click()
    expect(page.get_by_text("0 done, 0 not done, 60 to go")).to_be_visible()
    beside(worked(shop))  # the worker's turn
    expect(page.get_by_text("60 done, 0 not done, 0 not started")).to_be_visible(timeout=15_000)
    page.goto("/orders?status=7")
    page.get_by_text("Export", exact=True).first.click()
    page.get_by_role("link", name="In the background…").click()
    page.get_by_role("button", name="Start export").click()
    expect(page.get_by_text("Waits").first).to_be_visible()
    beside(worked(shop))  # the worker's turn
    link = page.get_by_role("link", name="Download").first
    expect(link).to_be_visible(timeout=15_000)
    with page.expect_download() as waiting:
        link.click()
    assert waiting.value.suggested_filename.startswith("orders_until_")
    page.get_by_role("button", name="Delete").first.click()
    expect(page.get_by_text("Deleted").first).to_be_visible()


def test_an_order_is_opened_in_a_new_tab_and_its_id_is_copied(page: Page) -> None:
    page.goto("/orders")
    page.wait_for_load_state()
    page.keyboard.press("j")
    with page.context.expect_page() as opening:
        page.keyboard.press("o")
    expect(opening.value).to_have_url(re.compile("/orders/."))
    opening.value.close()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.bring_to_front()
    page.locator("td.o .copy").first.dispatch_event("click")
    expect(page.get_by_role("status").filter(has_text="Copied")).to_have_count(1)
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("td.o [data-copy]").first.get_attribute("data-copy")


@drawn("browser", "size", [DESKTOP, PHONE], 1)
def test_without_javascript_all_that_match_are_chosen_and_a_file_is_asked_for(
    browser: Browser, address: str, size: tuple[int, int]
) -> None:
    with signed_in(browser, address, size=size, script=False) as made:
        made.goto("/orders?size=25")
        made.locator("td.pick input").first.check()
        made.get_by_label("All 60 matching orders, not only this page").check()
        made.get_by_role("button", name="Cancel…").click()
        expect(
            made.get_by_role("heading", name=re.compile(r"^Cancel [0-9]+ of 60 orders\?$"))
        ).to_be_visible()
        follow(made, made.get_by_role("link", name="Back to the list"))
        made.goto("/exports/new/csv?status=7")
        made.get_by_role("button", name="Start export").click()
        expect(made.get_by_role("link", name="Reload")).to_be_visible()
        made.get_by_role("button", name="Cancel").first.click()
        expect(made.get_by_text("Cancelled").first).to_be_visible()


def test_what_keeps_the_columns_stays_on_the_screen(page: Page) -> None:
    page.goto("/orders?size=25")
    page.locator("summary", has_text="Columns").click()
    expect(page.get_by_role("button", name="Defaults")).to_be_in_viewport(ratio=1)
    page.get_by_role("checkbox", name="Channel").check()
    expect(page.get_by_role("button", name="Defaults")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("place", ["/orders", "/exports/new/csv?status=7"], ids=["list", "files"])
def test_a_page_that_is_left_alone_lets_its_session_end_and_stops_asking(
    browser: Browser, address: str, shop: Shop, place: str
) -> None:
    with signed_in(browser, address) as page:
        page.clock.install()
        page.goto(place)
        if place == "/orders":
            page.get_by_label("Search orders").fill("what was typed")
        else:
            page.get_by_role("button", name="Start export").click()
            expect(page.get_by_text("Waits").first).to_be_visible()
        page.wait_for_load_state()
        beside(people(shop, "UPDATE sessions SET seen_at = now() - interval '90 minutes'"))

        def asks() -> int:
            with page.expect_response(
                lambda answer: answer.request.resource_type == "fetch"
            ) as asked:
                page.clock.fast_forward(20_000)
            return asked.value.status

        assert asks() == 200
        assert (
            beside(
                people(shop, "SELECT FROM sessions WHERE seen_at > now() - interval '89 minutes'")
            )
            == []
        )
        beside(people(shop, "UPDATE sessions SET seen_at = now() - interval '3 hours'"))
        assert asks() == 401
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.clock.fast_forward(60_000)
        page.wait_for_timeout(300)
        assert not asked
        if place == "/orders":
            expect(page.get_by_label("Search orders")).to_have_value("what was typed")


async def people(shop: Shop, sql: str) -> list[Any]:
    connection = await asyncpg.connect(shop.people_dsn)
    try:
        return await connection.fetch(sql)
    finally:
        await connection.close()


def test_what_scripts_say_is_in_the_readers_language(browser: Browser, address: str) -> None:
    with signed_in(browser, address) as made:
        made.set_extra_http_headers({"accept-language": "de"})
        made.goto("/orders?size=25")
        made.wait_for_load_state()
        made.context.grant_permissions(["clipboard-read", "clipboard-write"])
        made.locator("td.pick input").first.check()
        expect(made.locator("#selected")).to_contain_text("1 ausgewählt · ")
        made.locator("#select-all").check()
        expect(made.locator("#selected")).to_have_text("Ausgewählt:")
        id_ = made.locator("td.o [data-copy]").first
        wanted = id_.get_attribute("data-copy")
        made.get_by_role("button", name=f"{wanted} kopieren").first.dispatch_event("click")
        expect(made.get_by_role("status").filter(has_text=f"{wanted} kopiert")).to_have_count(1)
