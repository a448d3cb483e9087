"""Money that a second person lets go is reviewed first: what the review shows, and what a press
without it does."""

import re
from typing import Any

import httpx
import pytest
from tests.desk.page.test_limits import asks, limited, refunded, the_request
from tests.refunds.flows.test_refund_desk import stuck
from tests.settlement.flows.test_fees import paid
from tests.settlement.page.test_settlements import entered
from tests.settling import ACCOUNT, DAY, give_back, payouts, sold, terms
from tests.staff import As, payout_review, portal, post, review_form, texts
from tests.worlds import Shop

from recoup.bank.flows import approve
from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.settlement.flows.adjust import adjust

CHANGED = "This has changed since it was reviewed. Nothing was sent."
OTHER = "000123450005"


async def payable(shop: Shop, signed_in: As) -> dict[str, Any]:
    """A payout that waits, to an account that its owner entered and Otto approved."""
    await terms(shop, period="day", delay_days=0, account_delay_days=0)
    await use(signed_in, ACCOUNT)
    await sold(shop, 2)
    await shop.advance(DAY)
    return (await payouts(shop))[0]


async def use(signed_in: As, account: str) -> None:
    owner, otto = await signed_in("owner"), await signed_in("otto")
    to = f"/approvals/accounts/{await entered(owner, account)}"
    assert (await post(otto, "/approvals", to, decision="approve")).status_code == 303


def test_a_payout_says_to_whom_which_account_and_since_when_and_of_what(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        payout = await payable(shop, signed_in)
        olga, path = await signed_in("olga"), payout_review(payout["payout_id"])
        told = texts(await olga.get(path))
        for fact in (
            "Merchant Brightleaf Tea",
            "To Brightleaf Tea LLC , ",
            ACCOUNT[-4:],
            "Account entered Owner, ",
            "In use since ",
            ", approved by Otto",
            "Requested by Recoup, ",
            f"Payment reference {payout['reference']}",
            "From RECOUP (1900000019), SANDBOX BANK 091000019",
            "Total value 91.80 USD",
            "Service fees −2.66 USD",
            "Payout 89.14 USD",
            "This account has been in use for less than 30 days.",
            "Approve and send 89.14 USD",
        ):
            assert fact in told, (fact, told)
        assert ACCOUNT not in told
        assert "Review payout" in texts(await olga.get("/approvals"))
        await shop.advance(30 * DAY)
        assert "less than 30 days" not in texts(await olga.get(path))

    portal(server, story, fee_basis_points=290)


def test_a_payout_is_sent_by_a_press_on_its_review_and_once(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        payout = await payable(shop, signed_in)
        olga, otto, clerk = [await signed_in(name) for name in ("olga", "otto", "clerk")]
        path, to = payout_review(payout["payout_id"]), "/approvals/payouts"
        named = {"payout": str(payout["payout_id"])}
        assert "Approve and send" in texts(await post(olga, "/approvals", to, **named))
        theirs = review_form(await otto.get(path))[1]["seen"]
        for seen in ("x", "é", "0" * 16, theirs[0]):
            answer = await post(olga, "/approvals", to, **named, seen=seen)
            assert CHANGED in texts(answer, 409), seen
        for someone in (clerk, await signed_in("owner")):
            assert (await someone.get(path)).status_code == 403
            assert (await post(someone, "/bank", to, **named, seen="x")).status_code == 403
        assert (await payouts(shop))[0]["state"] == "created"
        to, fields = review_form(await olga.get(path))
        first, second = await olga.post(to, data=fields), await olga.post(to, data=fields)
        assert "The payout is approved" in texts(await olga.get(first.headers["location"]))
        assert "This payout is approved; it cannot become approved." in texts(second, 409)
        assert [row["state"] for row in await payouts(shop)] == ["approved"]

    portal(server, story)


def test_a_payout_whose_account_was_replaced_meanwhile_is_shown_anew(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        payout = await payable(shop, signed_in)
        olga = await signed_in("olga")
        to, fields = review_form(await olga.get(payout_review(payout["payout_id"])))
        await use(signed_in, OTHER)
        anew = await olga.post(to, data=fields)
        told = texts(anew, 409)
        assert CHANGED in told
        assert OTHER[-4:] in told
        assert (await payouts(shop))[0]["state"] == "created"
        to, fields = review_form(anew)
        assert (await olga.post(to, data=fields)).status_code == 303
        assert (await payouts(shop))[0]["state"] == "approved"

    portal(server, story)


def test_an_account_that_is_replaced_while_its_payout_is_approved_takes_nothing(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        payout = await payable(shop, signed_in)
        with pytest.raises(Problem, match="replaced since the payout was reviewed"):
            await approve(shop.world, shop.scope, payout["payout_id"], new_id())
        assert (await payouts(shop))[0]["state"] == "created"

    portal(server, story)


async def adjustment(shop: Shop, units: int) -> str:
    """The review of an adjustment that Olga created and that waits for another person."""
    await sold(shop, 2)
    olga = Scope(shop.merchant_id, Actor("user", "olga"), "test")
    await shop.close_pages()
    key = new_id()
    assert await adjust(shop.world, olga, units, "USD", "Chargeback of May", key=key) == "waiting"
    return f"/approvals/adjustments/{key}"


async def booked(shop: Shop) -> Any:
    return await shop.value("SELECT state FROM adjustments")


def test_an_adjustment_says_whose_balance_it_changes_from_what_to_what_and_is_booked_on_its_review(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        path = await adjustment(shop, -5_000)
        otto = await signed_in("otto")
        told = texts(await otto.get(path))
        for fact in (
            "Review 50.00 USD from the merchant",
            "Merchant Brightleaf Tea",
            "Created by olga , ",
            "Note Chargeback of May",
            "Balance now 91.80 USD",
            "Adjustment −50.00 USD",
            "Balance afterwards 41.80 USD",
            "Take 50.00 USD",
        ):
            assert fact in told, (fact, told)
        desk = await otto.get("/approvals")
        assert f'href="{path}"' in desk.text
        assert 'value="book"' not in desk.text
        assert "Take 50.00 USD" in texts(await post(otto, "/approvals", path, decision="book"))
        assert await booked(shop) == "waiting"
        to, fields = review_form(await otto.get(path))
        first = await otto.post(to, data=fields | {"decision": "book"})
        assert "The adjustment is booked." in texts(await otto.get(first.headers["location"]))
        assert (await otto.post(to, data=fields | {"decision": "book"})).status_code == 409
        assert await booked(shop) == "booked"
        assert "This adjustment is decided." in texts(await otto.get(path))

    portal(server, story)


def test_a_new_adjustment_is_reviewed_before_it_is_booked_at_once_or_waits(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        await terms(shop, limits={"USD": 10_000})
        await sold(shop, 2)
        await shop.close_pages()
        olga = await signed_in("olga")
        assert (
            'method="get" action="/approvals/adjustments/new"'
            in (await olga.get("/approvals")).text
        )
        typed = {"amount": "20.00", "currency": "USD", "note": "Goodwill", "direction": "to"}
        page = await olga.get("/approvals/adjustments/new", params=typed)
        told = texts(page)
        for fact in (
            "Review 20.00 USD to the merchant",
            "Merchant Brightleaf Tea",
            "Note Goodwill",
            "Balance now 91.80 USD",
            "Balance afterwards 111.80 USD",
            "It is booked at once.",
            "Credit 20.00 USD",
        ):
            assert fact in told, (fact, told)
        larger = texts(
            await olga.get("/approvals/adjustments/new", params=typed | {"amount": "200.00"})
        )
        assert "It waits until a second person books it." in larger
        assert "Request 200.00 USD" in larger
        wrong = await olga.get("/approvals/adjustments/new", params=typed | {"amount": "1.005"})
        assert wrong.status_code == 400
        assert 'value="Goodwill"' in wrong.text, "what was typed stays"
        assert await shop.value("SELECT count(*) FROM adjustments") == 0
        fields = dict(
            re.findall(
                r'type="hidden" name="([^"]*)" value="([^"]*)"', page.text.partition("<main")[2]
            )
        )
        assert (await olga.post("/approvals/adjustments", data=fields)).status_code == 303
        assert await shop.value("SELECT units FROM adjustments WHERE state = 'booked'") == 2_000

    portal(server, story)


def test_an_adjustment_by_which_the_merchant_comes_to_owe_meanwhile_is_shown_anew(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        path = await adjustment(shop, -5_000)
        otto = await signed_in("otto")
        to, fields = review_form(await otto.get(path))
        for order_id in await shop.value("SELECT array_agg(order_id) FROM orders"):
            await give_back(shop, order_id)
        anew = await otto.post(to, data=fields | {"decision": "book"})
        told = texts(anew, 409)
        assert CHANGED in told
        assert "Balance afterwards −50.00 USD" in told
        assert "The merchant then owes this amount" in told
        assert await booked(shop) == "waiting"
        to, fields = review_form(anew)
        assert (await otto.post(to, data=fields | {"decision": "book"})).status_code == 303
        assert await booked(shop) == "booked"

    portal(server, story)


def test_a_stuck_refund_says_whose_it_is_and_to_which_card_and_is_sent_by_a_press_on_its_review(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        order_id, refund_id = await stuck(shop, 4_590, email="ana@payer.example")
        owner, otto, path = (
            await signed_in("owner"),
            await signed_in("otto"),
            f"/refunds/{refund_id}",
        )
        page = await owner.get(path)
        told = texts(page)
        order = await shop.order(order_id)
        for fact in (
            "Review 45.90 USD",
            f"Order {order['external_id']} , 45.90 USD",
            "Customer Ana Roe, ana@payer.example",
            "Refund no. 1, 45.90 USD",
            "To Visa ••••",
            "Stuck, 1 attempt; the processor says: refused_by_test_card",
        ):
            assert fact in told, (fact, told)
        assert "Ana Roe" not in texts(await (await signed_in("clerk")).get(path))
        assert 'name="action"' not in (await owner.get("/refunds")).text
        assert "Review 45.90 USD" in texts(await post(owner, "/refunds", path, action="again"))
        to, fields = review_form(page)
        _, first = review_form(await otto.get(path))
        proposed = first | {"action": "propose", "note": "Wire 7"}
        assert (await otto.post(to, data=proposed)).status_code == 303
        assert CHANGED in texts(await owner.post(to, data=fields | {"action": "again"}), 409)
        assert await shop.value("SELECT state FROM modifications") == "stuck"
        olga = await signed_in("olga")
        told = texts(await olga.get(path))
        assert "Otto says it was paid by hand: Wire 7" in told
        assert "Customer Ana Roe" in told
        assert "Confirm: paid by hand" in told

    portal(server, story)


async def requested(shop: Shop, signed_in: As) -> tuple[Any, str]:
    """An order of 90.00, and the review of 20.00 that operations want back."""
    await limited(await signed_in("owner"), second_from="15")
    order_id = await paid(shop, 9_000, email="ana@payer.example")
    ops = await signed_in("ops")
    assert (await asks(ops, order_id, "20.00", reason="too late")).status_code == 303
    return order_id, f"/approvals/refunds/{await the_request(shop)}"


async def refund_alone(owner: httpx.AsyncClient, order_id: Any, amount: str) -> None:
    assert (await asks(owner, order_id, amount, key="9")).status_code == 303


def test_a_refund_of_another_person_says_who_asked_why_and_where_it_goes(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        order_id, path = await requested(shop, signed_in)
        owner = await signed_in("owner")
        await refund_alone(owner, order_id, "10.00")
        page = await owner.get(path)
        told = texts(page)
        order = await shop.order(order_id)
        for fact in (
            "Review the request for 20.00 USD",
            f"Order {order['external_id']} , 90.00 USD",
            "Customer Ana Roe",
            "Requested by Ops (operations), ",
            "Reason too late",
            "To Visa ••••",
            "Refunded before 10.00",
            "Left afterwards 60.00",
            "The processor sends 20.00 USD back to the card ending in",
            "60.00 USD can still be refunded.",
            "Approve 20.00 USD",
        ):
            assert fact in told, (fact, told)
        answer = await post(owner, "/roles", "/roles/sight", role="owner", sight="masked")
        assert answer.status_code == 303
        assert "Ana Roe" not in texts(await owner.get(path))
        clerk, ops = await signed_in("clerk"), await signed_in("ops")
        for one in (path, f"/orders/{order_id}/refunds/{path.rpartition('/')[2]}"):
            assert (await clerk.get(one)).status_code == 403
            mine = texts(await ops.get(one))
            assert "Withdraw" in mine
            assert "Approve 20.00" not in mine

    portal(server, story)


def test_a_refund_whose_order_changed_meanwhile_is_shown_anew_and_moves_nothing(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        order_id, path = await requested(shop, signed_in)
        owner = await signed_in("owner")
        to, fields = review_form(await owner.get(path))
        await refund_alone(owner, order_id, "10.00")
        anew = await owner.post(to, data=fields | {"decision": "approve"})
        told = texts(anew, 409)
        assert CHANGED in told
        assert "Refunded before 10.00" in told
        assert await refunded(shop) == 1_000
        to, fields = review_form(anew)
        for _ in range(2):
            answer = await owner.post(to, data=fields | {"decision": "approve"})
            assert answer.status_code == 303
        assert await refunded(shop) == 3_000
        assert "This request is decided." in texts(await owner.get(path))

    portal(server, story)


def test_a_request_that_the_order_no_longer_allows_says_so_and_is_refused_there(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        order_id, path = await requested(shop, signed_in)
        owner = await signed_in("owner")
        to, fields = review_form(await owner.get(path))
        await refund_alone(owner, order_id, "80.00")
        told = texts(await owner.get(path))
        assert "Left afterwards 0.00" in told
        assert "is greater than maximum refund amount (10.00)" in told
        assert "Approve 20.00" not in told
        answer = await owner.post(to, data=fields | {"decision": "approve"})
        assert CHANGED in texts(answer, 409)
        assert await refunded(shop) == 8_000
        done = await post(owner, path, path, decision="refuse", reason="refunded before")
        assert "The refund request is refused." in texts(await owner.get(done.headers["location"]))

    portal(server, story)
