"""One's account in a real browser, with JavaScript and without: a second factor from the picture to
turning it off."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.visiting import (
    WAYS,
    fits,
    follow,
    give_password,
    is_narrow,
    sign_in,
    visiting,
    ways,
)
from tests.shop import PASSWORD

from recoup.people.rules.totp import code_of, step_at

ORDERS = 10
WHO = ("maya", "empty", "pat", "ann")  # in each way somebody without a second factor


def type_code(page: Page, label: str, secret: str, button: str) -> None:
    page.get_by_label(label).fill(code_of(secret, step_at(datetime.now(UTC))))
    page.get_by_role("button", name=button, exact=True).click()


def test_the_zone_of_the_browser_is_offered_and_taken_by_one_click(
    browser: Browser, address: str
) -> None:
    with visiting(browser, address, timezone_id="America/Chicago") as page:
        sign_in(page)
        page.goto("/account/time")
        offer = page.get_by_role("button", name="Use America/Chicago, your browser’s zone")
        follow(page, offer)
        expect(page.locator("#zone")).to_have_value("America/Chicago")
        expect(offer).to_have_count(0)
        follow(page, page.get_by_role("button", name="Back to GMT"))
        expect(offer).to_be_visible()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("account", ways("second factor", list(zip(WHO, WAYS, strict=True))))
def test_a_second_factor_from_the_picture_to_turning_it_off(
    browser: Browser, address: str, account: tuple[str, tuple[tuple[int, int], bool]]
) -> None:
    who, (size, script) = account
    with (
        visiting(browser, address, size=size, script=script) as page,
        visiting(browser, address, size=size, script=script) as other,
    ):
        give_password(page, f"{who}@example.test")
        if is_narrow(page):
            page.get_by_role("button", name="Menu").click()
        page.locator("summary", has_text="Settings").click()
        page.get_by_role("link", name="Your account").first.click()
        expect(page.get_by_role("heading", name="Your account")).to_be_visible()
        page.get_by_role("link", name="Second factor").click()
        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_role("button", name="Set it up").click()
        picture = page.locator("svg.scanned")
        expect(picture).to_be_visible()
        box = picture.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 160
        fits(page)
        secret = page.locator("pre").inner_text().replace(" ", "").strip()
        page.get_by_label("Code from the app").fill("000 00")
        page.get_by_role("button", name="Turn on").click()
        expect(page.get_by_text("has six digits")).to_be_visible()
        type_code(page, "Code from the app", secret, "Turn on")
        expect(page.get_by_role("heading", name="Your ten recovery codes")).to_be_visible()
        codes = page.locator("pre").inner_text().split()
        assert len(codes) == 10
        expect(page.get_by_role("button", name="Copy")).to_have_count(1 if script else 0)
        fits(page)
        page.get_by_role("link", name="I have saved them").click()

        give_password(other, f"{who}@example.test")
        expect(other.get_by_label("Code", exact=True)).to_be_focused()
        other.get_by_role("link", name="Use a recovery code").click()
        other.get_by_label("Recovery code", exact=True).fill(codes[0])
        follow(other, other.get_by_role("button", name="Sign in"))
        other.goto("/account/sessions")
        expect(other.get_by_text("this session")).to_have_count(1)
        fits(other)
        follow(other, other.get_by_role("button", name="End all other sessions"))
        page.goto("/account")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        other.goto("/account")
        expect(other.get_by_text("A recovery code was used")).to_be_visible()
        fits(other)
        other.goto("/account/second-factor")
        expect(other.get_by_text("9 of 10 left")).to_be_visible()
        other.get_by_text("Turn off").first.click()
        other.locator("#password-off").fill(PASSWORD)
        other.locator("#code-off").fill(code_of(secret, step_at(datetime.now(UTC)) + 1))
        other.locator("form", has=other.locator("#code-off")).get_by_role(
            "button", name="Turn off"
        ).click()
        expect(other.get_by_role("button", name="Set it up")).to_be_visible()
