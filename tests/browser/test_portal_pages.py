"""The portal in a real browser, with JavaScript switched off."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.visiting import DESKTOP, PHONE, is_narrow, signed_in
from tests.rings import draw
from tests.shop import Shop

ORDERS = 120


@pytest.fixture(params=draw("browser", [DESKTOP, PHONE], 1, label="portal_pages"))
def page(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    with signed_in(browser, address, size=request.param, script=False) as made:
        yield made


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
    story = shop.stories["completed_items" if is_narrow(page) else "completed"]
    small = {"JPY": "5", "KWD": "0.005"}.get(story.asset, "0.05")
    page.goto(f"/orders/{story.order_id}")
    page.get_by_role("link", name="Refund…").click()
    dialog = page.locator("#refund")
    dialog.get_by_label("Amount", exact=True).fill("99999999")
    dialog.get_by_role("button", name="Review refund").click()
    expect(page.get_by_text("greater than maximum refund amount")).to_be_visible()
    dialog.get_by_label("Amount", exact=True).fill(small)
    dialog.get_by_label("Reason").fill("One box was broken")
    dialog.get_by_role("button", name="Review refund").click()
    review = page.locator("#review")
    expect(review.locator("ol.happens li")).to_have_count(5)
    review.get_by_role("button", name=f"Refund {small} {story.asset}").click()
    expect(page.get_by_role("status")).to_contain_text(
        f"{small} {story.asset} refunded: One box was broken"
    )
    page.go_back()
    expect(page.get_by_role("status")).to_contain_text("refunded")
    expect(page.locator("#refunds tbody tr")).to_have_count(1)


def test_a_check_of_a_file_keeps_it_for_the_import(browser: Browser, address: str) -> None:
    content = b"orderId,at,amount,currency,approved\no1,2026-03-02T06:00:00,1900,USD,true\n"
    with signed_in(browser, address) as page:
        page.goto("/imports")
        page.get_by_label("CSV, JSON lines or ZIP").set_input_files(
            {"name": "a.csv", "mimeType": "", "buffer": content}
        )
        page.get_by_role("button", name="Check").click()
        expect(page.get_by_role("heading", name="What the file does not say")).to_be_visible()
        expect(page.get_by_text("Choose the file again.")).to_have_count(0)
        page.get_by_label("Time zone of dates without one").fill("Europe/Berlin")
        page.get_by_role("button", name="Check").click()
        expect(page.get_by_text("This was a check; nothing was imported.")).to_be_visible()
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.get_by_role("heading", name="a.csv")).to_be_visible()


def test_a_dialog_keeps_the_focus_and_escape_closes_it(
    browser: Browser, address: str, shop: Shop
) -> None:
    with signed_in(browser, address) as page:
        page.goto(f"/orders/{shop.stories['completed'].order_id}")
        page.get_by_role("link", name="Refund…").click()
        dialog = page.get_by_role("dialog")
        for _ in range(12):
            inside = page.evaluate(
                "document.activeElement === document.body || "
                "!!document.activeElement.closest('dialog')"
            )
            assert inside, "the focus left the dialog"
            page.keyboard.press("Tab")
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(page.get_by_role("link", name="Refund…")).to_be_focused()
        page.get_by_role("link", name="Refund…").click()
        dialog.get_by_role("button", name="Review refund").click()
        expect(page.locator("#review")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#review")).to_be_hidden()


def test_the_table_is_not_cut_on_a_laptop(browser: Browser, address: str) -> None:
    with signed_in(browser, address) as made:
        for width in (1280, 1366, 1423, 1424, 1440, 1920):
            made.set_viewport_size({"width": width, "height": 800})
            table = made.locator("table.orders").bounding_box()
            assert table
            assert table["x"] + table["width"] <= width, width
            shown = made.locator("thead th").filter(visible=True).all_inner_texts()
            assert ("Descriptor" in shown) == (width >= 1424)
            if width < 1424:
                expect(made.locator("td.w .tucked").first).to_be_visible()
            expect(made.locator("td.p", has_text="created").first).to_be_visible()
        made.set_viewport_size({"width": 1000, "height": 800})
        scroll = made.locator(".scroll:has(> table.orders)")
        assert scroll.evaluate("e => e.scrollWidth <= e.clientWidth"), (
            "it is whole wherever it is a table"
        )
