"""The menu: who is signed in, and the way out, stand at its foot; the links above fold in groups,
and scroll."""

from itertools import product

from playwright.sync_api import Browser, Locator, Page, expect
from tests.browser.accessibility import faults
from tests.browser.visiting import PHONE, signed_in
from tests.rings import deep, draw, drawn

ORDERS = 12
NOTEBOOK, LYING = (1280, 900), (640, 360)
AT_SIGHT_MAX = 14
ZOOMED = (320, 256)  # 1280 by 1024, four times as large


def opened(page: Page) -> None:
    menu = page.get_by_role("button", name="Menu")
    if menu.is_visible():
        menu.click()


@drawn("browser", "script", [True, False], 1)
@drawn("browser", "size", [NOTEBOOK, PHONE], 1)
def test_the_foot_stands_and_groups_unfold(
    browser: Browser, address: str, size: tuple[int, int], script: bool
) -> None:
    with signed_in(browser, address, size=size, script=script) as page:
        opened(page)
        out, last = (
            page.get_by_role("button", name="Sign out"),
            page.get_by_role("link", name="Your account").first,
        )
        expect(out).to_be_in_viewport(ratio=1)
        assert page.locator(".links a:visible").count() <= AT_SIGHT_MAX
        expect(last).to_be_hidden()
        page.locator("summary", has_text="Settings").click()
        last.scroll_into_view_if_needed()
        expect(last).to_be_in_viewport(ratio=1)
        expect(out).to_be_in_viewport(ratio=1)
        last.click()
        expect(page.get_by_role("heading", name="Your account", level=1)).to_be_visible()
        opened(page)
        assert not (found := faults(page) if script else []), found


@drawn("browser", "size", [LYING, ZOOMED], 1)
def test_on_a_low_screen_all_of_it_scrolls(
    browser: Browser, address: str, size: tuple[int, int]
) -> None:
    with signed_in(browser, address, size=size) as page:
        opened(page)
        out = page.get_by_role("button", name="Sign out")
        expect(out).not_to_be_in_viewport()
        out.scroll_into_view_if_needed()
        expect(out).to_be_in_viewport(ratio=1)
        out.click()
        expect(page.get_by_label("E-mail")).to_be_visible()


@deep("browser")
def test_long_words_squeeze_neither_a_number_nor_the_name(browser: Browser, address: str) -> None:
    with signed_in(browser, address, email="op@example.test") as page:
        for language, width in draw(
            "browser", product(("de", "es", "fr"), (1200, 1280)), 2, label="long words"
        ):
            page.set_extra_http_headers({"accept-language": language})
            page.set_viewport_size({"width": width, "height": 900})
            page.goto("/orders")
            expect(page.locator("html")).to_have_attribute("lang", language)
            edge = right(page.locator(".side"))
            for one in page.locator(".side li a, .side .count, .foot button").all():
                assert right(one) <= edge, (language, width, one.inner_text())
            name = page.locator(".foot a").evaluate("a => a.clientWidth")
            assert name >= 90, (language, width, "the name has no room for more than two letters")


def right(one: Locator) -> float:
    """Where it ends."""
    found = one.bounding_box()
    assert found is not None
    return found["x"] + found["width"]
