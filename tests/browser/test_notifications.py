"""Being told in a real browser, on a desk and on a phone, with JavaScript and without."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.visiting import PHONE, beside, fits, is_narrow, signed_in, ways
from tests.shop import Shop, make_world

from recoup.kernel.ids import new_id
from recoup.notifications.store.notification_settings import NewNotification, tell
from recoup.people.store.people import find_user

ORDERS = 30


async def told(shop: Shop, order_id: UUID) -> None:
    """Maya hears of an order, and of a dispute."""
    world = await make_world(shop)
    async with world.people.connection() as connection:
        user = await find_user(connection, "maya@example.test")
        assert user is not None
        orders = {"orders": 1, "problem": 1, "onhold": 0, "capped": False, "first": [str(order_id)]}
        dispute = {
            "dispute_id": str(new_id()),
            "order_id": str(order_id),
            "units": 4590,
            "asset": "USD",
            "respond_by": "2026-12-01T12:00:00+00:00",
        }
        await tell(
            connection,
            [
                NewNotification(
                    user_id=user.user_id,
                    notification_id=new_id(),
                    world="sandbox",
                    subject_id=shop.merchant_id,
                    subject_name="Brightleaf Tea",
                    alert_id=new_id(),
                    kind=kind,
                    facts=facts,
                    on_page=True,
                    created_at=world.clocks.wall(),
                    mail_state="none",
                    mail_due_at=None,
                )
                for kind, facts in (("dispute", dispute), ("orders", orders))
            ],
        )
    await world.db.close()
    await world.people.close()


@pytest.fixture(params=ways("notifications"))
def page(
    browser: Browser, address: str, shop: Shop, request: pytest.FixtureRequest
) -> Iterator[Page]:
    """Signed in, with two things to read."""
    size, script = request.param
    beside(told(shop, next(iter(shop.stories.values())).order_id))
    colours = "dark" if size == PHONE else "light"
    with signed_in(browser, address, size=size, script=script, color_scheme=colours) as made:
        yield made


def bell(page: Page) -> None:
    """Opens the list as its width lets one: the menu's entry, or the bell above."""
    link = (
        page.get_by_role("link", name="Notifications, 2 unread")
        if is_narrow(page)
        else page.get_by_role("link", name="Notifications 2 unread")
    )
    link.click()


def test_one_is_told_reads_and_chooses(page: Page) -> None:
    bell(page)
    expect(page.get_by_role("heading", name="Notifications", level=1)).to_be_visible()
    fits(page)
    expect(page.locator(".told .fresh")).to_have_count(2)
    page.get_by_role("link", name="1 order needs attention").first.click()
    page.wait_for_url("**/orders/*")
    page.goto("/notifications")
    expect(page.locator(".told .fresh")).to_have_count(1)
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.locator(".told .fresh")).to_have_count(0)
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("checkbox", name="Settlements, by e-mail").check()
    page.get_by_role("checkbox", name="Disputes, by e-mail").uncheck()
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Settlements, by e-mail")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Disputes, by e-mail")).not_to_be_checked()
    fits(page)
    page.get_by_role("navigation", name="Your account").get_by_role(
        "link", name="Language and time"
    ).click()
    page.get_by_role("combobox", name="Language").select_option("Français")
    page.get_by_role("region", name="Your language").get_by_role("button", name="Save").click()
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.get_by_role("heading", level=1)).to_have_text("Langue et heure")
    fits(page)
    page.locator("#language").select_option("English")
    page.locator("section", has=page.locator("#language")).get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Language and time")
    page.get_by_role("combobox", name="Zone").fill("tokyo")
    page.get_by_role("region", name="Your time zone").get_by_role("button", name="Save").click()
    expect(page.get_by_text("JST, UTC+09:00")).to_be_visible()
    page.goto("/orders")
    page.get_by_role("link", name="Times in Asia/Tokyo", exact=True).click()
    expect(page.get_by_role("link", name="Times in GMT", exact=True)).to_be_visible()
    page.goto("/account/time")
    page.get_by_role("button", name="Back to GMT").click()
    expect(page.get_by_role("button", name="Back to GMT")).to_have_count(0)
