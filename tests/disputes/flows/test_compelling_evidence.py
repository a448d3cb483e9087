"""A cardholder denies a payment although two earlier ones came from the same device: found,
attached, and sent."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.disputes.flows.test_disputes import disputed, paid, refunded, story, the_dispute
from tests.worlds import Shop, owner

from recoup.db.server import ServerAddress
from recoup.disputes.flows.answer import answer_dispute
from recoup.disputes.flows.compelling import compelling_of
from recoup.disputes.store.disputes import read_dispute
from recoup.kernel.problem import Problem
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.compelling_evidence import Compelling
from recoup.rescue.flows.taken import Person

VISA = APPROVE_CARDS[1]
IP = "203.0.113.7"


def ana(**more: Any) -> Person:
    known: dict[str, Any] = {
        "first_name": "Ana",
        "last_name": "Roe",
        "email": "ana@example.test",
        "external_id": "c-1",
    }
    return Person(**(known | {"ip": IP} | more))


async def bought(shop: Shop, **more: Any) -> UUID:
    return await paid(shop, **({"pan": VISA, "payer": ana()} | more))


async def later(shop: Shop, days: int) -> None:
    await shop.advance(timedelta(days=days))


async def found(shop: Shop, order_id: UUID) -> Compelling:
    dispute_id = (await the_dispute(shop, order_id))["dispute_id"]
    row = await read_dispute(shop.world.db, shop.merchant_id, dispute_id, clear=True)
    assert row is not None
    made = await compelling_of(shop.world.db, shop.merchant_id, row, row.scheme)
    assert made is not None
    return made


def test_two_undisputed_payments_from_the_same_place_are_the_answer(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        first = await bought(shop)
        second = await bought(shop)
        await later(shop, 125)
        third = await bought(shop)
        await disputed(shop, third)
        of_case = await found(shop, third)
        assert {one.order_id for one in of_case.priors} == {first, second}
        assert (of_case.elements, of_case.missing) == (["ip", "account"], None)
        case = await the_dispute(shop, third)
        for _ in range(2):  # no note was written: what was found is the evidence
            await answer_dispute(shop.world, shop.orders, shop.scope, case["dispute_id"], "contest")
        await shop.run_due()
        assert (await the_dispute(shop, third))["state"] == "answered"
        async with owner(shop.world) as connection:
            (evidence,) = [
                row[0] for row in await connection.fetch("SELECT evidence FROM issuer.answers")
            ]
        assert "Compelling Evidence 3.0" in evidence
        assert IP in evidence
        assert "c-1" in evidence
        await disputed(shop, first)  # later: what was sent stays what was sent
        assert {one.order_id for one in (await found(shop, third)).priors} == {first, second}

    story(server, tell)


def test_a_payment_that_was_disputed_refunded_or_reported_itself_never_counts(
    server: ServerAddress,
) -> None:
    async def tell(shop: Shop) -> None:
        own, back, warned, good = [await bought(shop) for _ in range(4)]
        await disputed(shop, own, stage="inquiry")
        await refunded(shop, back)
        await shop.settle()
        async with owner(shop.world) as connection:
            await connection.execute(
                "INSERT INTO cell.fraud_warnings SELECT $1, $2, gen_random_uuid(), now()",
                shop.merchant_id,
                warned,
            )
        await later(shop, 130)
        third = await bought(shop)
        await later(shop, 2)
        recent = await bought(shop)
        await disputed(shop, third)
        of_case = await found(shop, third)
        assert of_case.priors == ()
        assert of_case.missing is not None
        assert (of_case.missing.field, of_case.missing.message[-8:]) == ("customerIp", "1 found.")
        why = {one.order_id: reason for one, reason in of_case.others}
        assert why == {
            own: "disputed",
            back: "refunded",
            warned: "reported",
            good: "alone",
            recent: "too_recent",
        }
        dispute_id = (await the_dispute(shop, third))["dispute_id"]
        with pytest.raises(Problem, match="no evidence"):
            await answer_dispute(shop.world, shop.orders, shop.scope, dispute_id, "contest")

    story(server, tell)


def test_a_payment_that_is_disputed_before_the_answer_leaves_is_not_named(
    server: ServerAddress,
) -> None:
    async def tell(shop: Shop) -> None:
        first = await bought(shop)
        await bought(shop)
        await later(shop, 125)
        third = await bought(shop)
        await disputed(shop, third)
        dispute_id = (await the_dispute(shop, third))["dispute_id"]
        await answer_dispute(shop.world, shop.orders, shop.scope, dispute_id, "contest")
        await disputed(shop, first)
        await shop.run_due()
        case = await the_dispute(shop, third)
        assert (case["state"], case["answer_state"]) == ("open", "refused")
        async with owner(shop.world) as connection:
            assert await connection.fetch("SELECT FROM issuer.answers") == []

    story(server, tell)


def test_without_the_customers_ip_and_device_the_case_says_which_fields_to_send(
    server: ServerAddress,
) -> None:
    async def tell(shop: Shop) -> None:
        for _ in range(2):
            await bought(shop)
        await later(shop, 125)
        third = await bought(shop, payer=ana(ip=""))
        await disputed(shop, third)
        missing = (await found(shop, third)).missing
        assert missing is not None
        assert missing.field == "customerIp"
        assert "deviceDetails" in missing.cure

    story(server, tell)
