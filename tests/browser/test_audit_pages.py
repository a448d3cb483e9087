"""The audit log and looking as somebody, in a real browser: at both widths, with JavaScript and
without."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.visiting import follow, is_narrow, signed_in, ways

PAGE_BYTES_MAX = 100_000


@pytest.fixture(params=ways("audit"))
def page(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Olga of the operator, signed in."""
    size, script = request.param
    with signed_in(browser, address, email="op@example.test", size=size, script=script) as made:
        yield made


def test_looking_as_somebody_has_a_band_and_ends_and_the_log_tells(page: Page) -> None:
    page.goto("/orders")
    if page.get_by_role("heading", name="Brightleaf Tea").count() == 0 and not is_narrow(page):
        page.locator("nav details.menu summary").click()
        follow(page, page.locator("nav").get_by_role("button", name="Brightleaf Tea"))
    page.goto("/look-as")
    whom = page.get_by_label("As", exact=True)
    if "Maya" in whom.inner_text():
        whom.select_option(label="Maya Okafor, operations")
    else:
        whom.select_option(label="operations")
    page.get_by_label("Why").fill("Too short")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("Say why, in 10 to 300 characters.")).to_be_visible()
    expect(page.get_by_label("Why")).to_have_value("Too short")
    page.get_by_label("Why").fill("Case 4711: why does an order wait")
    page.get_by_role("button", name="Start").click()
    band = page.get_by_role("region", name="You are impersonating somebody")
    expect(band).to_contain_text("view only")
    for path in ("/orders", "/switches", "/webhooks", "/no-such-page"):
        page.goto(path)
        expect(band).to_be_visible()
        width = (
            page.evaluate("document.documentElement.scrollWidth") if path != "/no-such-page" else 0
        )
        assert page.viewport_size
        assert width <= page.viewport_size["width"] or path == "/orders", path
    page.goto("/orders")
    band.get_by_role("button", name="End").click()
    expect(band).to_have_count(0)
    page.goto("/audit?kind=people")
    expect(page.get_by_role("cell", name="started to impersonate somebody").first).to_be_visible()
    expect(page.get_by_role("cell", name="ended an impersonation").first).to_be_visible()


def test_the_log_is_narrowed_by_keyboard_and_pages_are_small(page: Page) -> None:
    for value in ("refuse", "use_default"):
        page.goto("/switches")
        csrf = page.locator('input[name="csrf"]').first.get_attribute("value") or ""
        page.request.post("/switches/unknown-sites", form={"csrf": csrf, "unknown": value})
    answer = page.goto("/audit")
    assert answer
    assert len(answer.body()) < PAGE_BYTES_MAX
    expect(page.get_by_role("heading", name="Audit log", level=1)).to_be_visible()
    expect(page.locator("tbody tr").first).to_contain_text("changed the handling of unknown sites")
    expect(page.locator("tbody tr").first).to_contain_text("use_default")
    page.get_by_label("Kind of action").focus()
    page.get_by_label("Kind of action").select_option("settings")
    page.get_by_label("Zone").fill("Asia/Tokyo")
    page.get_by_label("Zone").press("Enter")
    page.wait_for_url("**/audit?*kind=settings*")
    assert "zone=Asia%2FTokyo" in page.url
    expect(page.get_by_role("columnheader", name="When (Tokyo)")).to_be_visible()
    page.get_by_label("Object id").fill("nothing-like-it")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No matches")).to_be_visible()
    page.get_by_role("link", name="All", exact=True).click()
    expect(page).to_have_url(re.compile("/audit$"))
