"""A refund that waits for a second person, and a customer that somebody wants to see: in a real
browser."""

import asyncpg
import pytest
from playwright.sync_api import Browser, expect
from tests.browser.visiting import WAYS, beside, fits, signed_in, ways
from tests.shop import Shop

from recoup.kernel.money import shown


async def forget_reveals(shop: Shop) -> None:
    connection = await asyncpg.connect(shop.dsn)
    await connection.execute("DELETE FROM reveals")
    await connection.close()


@pytest.mark.parametrize("numbered", ways("second person", list(enumerate(WAYS, start=1))))
def test_a_refund_is_asked_for_approved_by_another_and_a_customer_is_shown(
    browser: Browser, address: str, shop: Shop, numbered: tuple[int, tuple[tuple[int, int], bool]]
) -> None:
    number, way = numbered
    beside(forget_reveals(shop))
    size, script = way
    story = shop.stories["completed"]
    order, least, amount = (
        f"/orders/{story.order_id}",
        shown(number, story.asset),
        shown(number + 4, story.asset),
    )
    with (
        signed_in(browser, address, email="pat@example.test", size=size, script=script) as pat,
        signed_in(browser, address, email="maya@example.test", size=size, script=script) as maya,
    ):
        pat.goto(f"/roles?role=operations&{number}#operations")
        card = pat.locator("#operations")
        form = card.locator('form[action="/roles/limits"]').first
        if form.get_by_label("Currency").count():  # nothing is set for any yet
            form.get_by_label("Currency").fill(story.asset)
        form.get_by_label("Second person from").fill(least)
        form.get_by_role("button").click()
        expect(card.get_by_label("Second person from").first).to_have_value(least)
        fits(pat)
        maya.goto(order)
        expect(maya.get_by_text("•••@•••").first).to_be_visible()
        maya.get_by_role("button", name="Show", exact=True).click()
        expect(maya.get_by_text(story.email).first).to_be_visible()
        expect(maya.get_by_text("Unmasked for you until")).to_be_visible()
        maya.goto(f"{order}#refund")
        dialog = maya.get_by_role("dialog", name="Refund")
        dialog.get_by_label("Amount", exact=True).fill(amount)
        dialog.get_by_role("button", name="Review refund").click()
        maya.get_by_role("button", name="Request a refund of").click()
        expect(maya.get_by_text("wait for approval").first).to_be_visible()
        expect(maya.get_by_role("button", name="Withdraw")).to_be_visible()
        fits(maya)
        pat.goto("/approvals")
        fits(pat)
        pat.get_by_role("link", name=f"Review {amount} {story.asset}").click()
        expect(pat.get_by_text("Refunded before")).to_be_visible()
        fits(pat)
        pat.get_by_role("button", name=f"Approve {amount} {story.asset}").click()
        expect(pat.get_by_text("No refunds waiting.")).to_be_visible()
        maya.goto(order)
        expect(maya.get_by_text("requested it, a second person approved it").first).to_be_visible()
