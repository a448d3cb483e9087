"""What an order's page offers, and why not, of an order that is paid, given back or disputed."""

import asyncio
import re
from datetime import timedelta

from tests.desk.page.test_order_truth import give_back, top
from tests.disputes.flows.test_disputes import disputed, the_dispute
from tests.rescue.flows.test_customers_attacked import set_merchant
from tests.settling import sold
from tests.staff import As, portal, post, review_form, texts
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.disputes.flows.answer import NOTES_MAX, note_evidence


def test_a_returned_order_is_not_said_to_be_one_that_is_refunded(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops, [paid, returned, part, gone, rest, some] = await as_("ops"), await sold(shop, 6)
        await give_back(shop, returned)
        await give_back(shop, part, "10.00")
        await give_back(shop, rest, "10.00")
        await disputed(shop, gone, units=4590)
        await disputed(shop, rest, units=3590)
        await disputed(shop, some, units=1000)
        for order_id in (paid, part):
            assert "refunded, not cancelled" in top(texts(await ops.get(f"/orders/{order_id}")))
        page = top(texts(await ops.get(f"/orders/{returned}")))
        assert "refunded, not cancelled" not in page
        assert "Cancellation not possible. It was paid. It is already refunded in full." in page
        for order_id, says in (
            (gone, "It is disputed: the cardholder's bank has taken it back."),
            (rest, "The rest is disputed: the cardholder's bank has taken it back."),
            (some, "What is not disputed can be refunded."),
        ):
            page = top(texts(await ops.get(f"/orders/{order_id}")))
            assert "refunded, not cancelled" not in page
            assert f"Cancellation not possible. It was paid. {says}" in page

    portal(server, story)


def test_a_refund_that_is_still_owed_is_not_said_to_be_done(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops, [stuck, done] = await as_("ops"), await sold(shop, 2)
        await give_back(shop, stuck, refused=True)
        await give_back(shop, done)
        page = top(texts(await ops.get(f"/orders/{stuck}")))
        assert "Refund not possible. Its full amount is being refunded: see Refunds below." in page
        assert "already refunded in full" not in page
        assert "It is already refunded in full." in top(texts(await ops.get(f"/orders/{done}")))

    portal(server, story)


def test_a_refund_that_is_tried_again_is_not_said_to_be_refused_without_a_try(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops, [order_id] = await as_("ops"), await sold(shop, 1)
        refund_id = await give_back(shop, order_id, refused=True)
        await shop.advance(timedelta(hours=2))
        assert "1 attempt; the processor says: refused_by_test_card" in texts(
            await ops.get("/refunds")
        )
        to, fields = review_form(await ops.get(f"/refunds/{refund_id}"))
        assert (await ops.post(to, data=fields)).status_code == 303
        desk = texts(await ops.get("/refunds"))
        assert "Owed long not sent again yet; refusals before: 1 (refused_by_test_card)" in desk
        assert "the processor says" not in desk

    portal(server, story)


def test_a_dispute_that_the_issuer_would_refuse_is_not_offered(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops, [fresh, returned, part, gone, asked] = await as_("ops"), await sold(shop, 5)
        await give_back(shop, returned)
        await give_back(shop, part, "10.00")
        await disputed(shop, part, units=1000)
        await disputed(shop, gone, units=4590)
        await disputed(shop, asked, stage="inquiry", units=2000)
        for order_id, says in (
            (fresh, "at most 45.90 USD; leave empty for the amount not refunded"),
            (part, "at most 35.90 USD; leave empty for the amount not refunded"),
            (asked, "at most 45.90 USD; leave empty for the amount of the inquiry"),
        ):
            here = f"/orders/{order_id}"
            page = await ops.get(here)
            assert says in texts(page)
            assert " required" not in field(page.text)
            assert (
                await post(ops, here, f"{here}/dispute", kind="service", amount="")
            ).status_code == 303

        here = f"/orders/{returned}"
        page = await ops.get(here)
        assert "at most 45.90 USD" in texts(page)
        assert "leave empty for the amount" not in texts(page)
        assert " required" in field(page.text), "nothing is left that was not refunded"
        assert (
            await post(ops, here, f"{here}/dispute", kind="service", amount="45.90")
        ).status_code == 303

        for order_id in (fresh, returned, gone):
            page = await ops.get(f"/orders/{order_id}")
            assert ">Dispute</button>" not in page.text
            assert "The full amount is already disputed." in texts(page)

    portal(server, story)


def field(page: str) -> str:
    found = re.search(r'<input [^>]*id="d-amount"[^>]*>', page)
    assert found
    return found[0]


def test_a_dispute_whose_time_is_over_offers_no_answer(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops, [order_id] = await as_("ops"), await sold(shop)
        await disputed(shop, order_id, units=4590)
        dispute_id = (await the_dispute(shop, order_id))["dispute_id"]
        here = f"/disputes/{dispute_id}"
        await note_evidence(shop.world, shop.scope, dispute_id, "delivered")
        assert 'href="#contest"' in (await ops.get(here)).text
        await set_merchant(
            shop, f"offset_us = offset_us + {15 * 86_400_000_000}"
        )  # nobody ends it yet
        for _ in range(100):  # until the portal reads the shop's clock again
            if "overdue by" in (page := (await ops.get(here)).text):
                break
            await asyncio.sleep(0.1)
        assert "overdue by" in page
        assert 'href="#contest"' not in page
        assert 'href="#accept"' not in page

    portal(server, story)


def test_a_dispute_that_is_full_of_notes_offers_none(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops, [order_id] = await as_("ops"), await sold(shop)
        await disputed(shop, order_id, units=4590)
        dispute_id = (await the_dispute(shop, order_id))["dispute_id"]
        for number in range(NOTES_MAX):
            await note_evidence(shop.world, shop.scope, dispute_id, f"note {number}")
        page = await ops.get(f"/disputes/{dispute_id}")
        assert "Add evidence" not in page.text
        assert "A dispute has at most 50 notes." in texts(page)

    portal(server, story)
