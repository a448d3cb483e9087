"""An issuer reports a payment as fraud before anybody disputes it: its card is left alone, and
people hear of it."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.disputes.flows.test_disputes import refunded
from tests.routes.flows.test_connect import SECRET, method_at, request_of, run, seen
from tests.worlds import Shop, owner

from recoup.db.server import ServerAddress
from recoup.notices.flows.receive import take
from recoup.notices.moves import FRAUD_WARNED
from recoup.orders.rules.attention import is_by_people
from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.port import Outcome
from recoup.routes.flows.connect import connect
from recoup_connectors.stripe.connector import Stripe
from recoup_lab.processors.stripe.server import StandIn, signature


async def warn(
    shop: Shop, standin: StandIn, route: str, charge: dict[str, Any], number: int = 1
) -> None:
    now = shop.world.clocks.wall()
    of_charge = {"charge": charge["id"], "payment_intent": charge["payment_intent"]}
    about = {"id": f"issfr_{number}", "object": "radar.early_fraud_warning", **of_charge}
    event = {
        "id": f"evt_fraud_{number}",
        "type": "radar.early_fraud_warning.created",
        "created": int(now.timestamp()),
        "livemode": False,
        "data": {"object": about},
    }
    body = json.dumps(event).encode()
    headers = {"stripe-signature": signature(body, SECRET, int(now.timestamp()))}
    await take(shop.world, shop.orders, route, headers, body)
    await shop.run_due()


def test_its_card_is_not_charged_again_and_its_order_needs_somebody(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, standin: StandIn) -> None:
        made = await connect(shop.world, shop.scope, request_of(standin))
        await seen(shop)
        method, customer = method_at(standin)
        paid = await shop.admit(pan=None, method=Stored(made.route, method, customer))
        await shop.advance(timedelta(days=20))
        assert (await shop.order(paid))["stage"] == "completed"
        (charge,) = standin.book.all("charge")
        waiting = await shop.admit(pan=None, method=Stored(made.route, method, customer))
        for _ in range(2):
            await warn(shop, standin, made.route, charge)
        assert (await shop.order(paid))["stage"] == "completed"
        assert (await shop.order(paid))["attention"] == FRAUD_WARNED
        assert (await shop.happenings(paid)).count("early_warning") == 1
        told = await shop.value(
            "SELECT count(*) FROM outbox WHERE event = 'payment.early_warning.received'"
        )
        assert told == 1
        rows = (
            "SELECT jsonb_agg(jsonb_build_array(order_id, warning_id IS NOT NULL)) FROM "
            "fraud_warnings"
        )
        assert await shop.value(rows) == [[str(paid), True]]
        await shop.advance(timedelta(days=25))
        assert len(list(standin.book.all("charge"))) == 1, "the card was charged after the warning"
        assert (await shop.order(waiting))["stage"] != "completed"

    run(server, tmp_path, story)


def test_a_refund_of_all_of_it_settles_the_warning(server: ServerAddress, tmp_path: Path) -> None:
    async def story(shop: Shop, standin: StandIn) -> None:
        made = await connect(shop.world, shop.scope, request_of(standin))
        await seen(shop)
        method, customer = method_at(standin)
        paid = await shop.admit(pan=None, method=Stored(made.route, method, customer))
        await shop.advance(timedelta(days=20))
        await warn(shop, standin, made.route, next(iter(standin.book.all("charge"))))
        assert is_by_people((await shop.order(paid))["attention"])
        await refunded(shop, paid)
        await shop.advance(timedelta(days=1))
        assert (await shop.order(paid))["attention"] is None
        again = await shop.admit(pan=None, method=Stored(made.route, method, customer))
        await shop.advance(timedelta(days=25))
        assert (await shop.order(again))["stage"] != "completed", "the warning of the card stands"

    run(server, tmp_path, story)


@pytest.mark.parametrize(
    "told",
    [
        ["refund.failed"] * 2,
        ["refund.failed", "refund.updated"],
        ["refund.updated", "refund.failed"],
        ["refund.updated"],
    ],
)
@pytest.mark.parametrize("asked", ["each time", "at the end"])
def test_a_refund_that_fails_weeks_later_needs_somebody(
    server: ServerAddress, tmp_path: Path, told: list[str], asked: str
) -> None:
    """Whatever the vendor tells of it, in whatever order, its book is asked."""

    async def story(shop: Shop, standin: StandIn) -> None:
        made = await connect(shop.world, shop.scope, request_of(standin))
        await seen(shop)
        method, customer = method_at(standin)
        paid = await shop.admit(pan=None, method=Stored(made.route, method, customer))
        await shop.advance(timedelta(days=20))
        await refunded(shop, paid)
        await shop.advance(timedelta(days=21))
        standin.account.fail_refund(next(iter(standin.book.all("refund")))["id"])
        failed = [one for one in standin.book.all("event") if one["type"] == "refund.failed"]
        for kind in told:
            body = json.dumps(failed[0] | {"id": f"evt_{kind}", "type": kind}).encode()
            headers = {
                "stripe-signature": signature(
                    body, SECRET, int(shop.world.clocks.wall().timestamp())
                )
            }
            await take(shop.world, shop.orders, made.route, headers, body)
            if asked == "each time":
                await shop.run_due()
        await shop.run_due()
        order = await shop.order(paid)
        assert (order["stage"], order["attention"]) == ("completed", "refund_failed")
        assert (await shop.happenings(paid)).count("refund_failed") == 1
        states = "SELECT array_agg(state ORDER BY modification_no) FROM modifications"
        assert await shop.value(states) == ["failed", "stuck"], "owed again, once"

    run(server, tmp_path, story)


def test_a_refund_that_failed_while_its_processor_was_silent_is_asked_about_again(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop, standin: StandIn) -> None:
        made = await connect(shop.world, shop.scope, request_of(standin))
        await seen(shop)
        method, customer = method_at(standin)
        paid = await shop.admit(pan=None, method=Stored(made.route, method, customer))
        await shop.advance(timedelta(days=20))
        await refunded(shop, paid)
        await shop.advance(timedelta(days=21))
        standin.account.fail_refund(next(iter(standin.book.all("refund")))["id"])
        failed = next(one for one in standin.book.all("event") if one["type"] == "refund.failed")

        async def silent(*_: object) -> Outcome:
            return Outcome("unknown", text="time-out")

        with monkeypatch.context() as away:
            away.setattr(Stripe, "inquire", silent)
            body = json.dumps(failed).encode()
            headers = {
                "stripe-signature": signature(
                    body, SECRET, int(shop.world.clocks.wall().timestamp())
                )
            }
            await take(shop.world, shop.orders, made.route, headers, body)
            await shop.run_due()
        assert (await shop.order(paid))["attention"] is None
        assert (
            await shop.value("SELECT count(*) FROM due_work WHERE kind = 'processor_notice'") == 1
        )
        async with owner(shop.world) as connection:
            now = (
                "UPDATE due_work SET due_at = now(), lease_until = NULL WHERE kind = "
                "'processor_notice'"
            )
            await connection.execute(now)
        await shop.run_due()
        assert (await shop.order(paid))["attention"] == "refund_failed"

    run(server, tmp_path, story)


def test_a_warning_of_somebody_elses_charge_changes_nothing(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, standin: StandIn) -> None:
        made = await connect(shop.world, shop.scope, request_of(standin))
        await seen(shop)
        await warn(shop, standin, made.route, {"id": "ch_other", "payment_intent": "pi_other"})
        assert await shop.value("SELECT count(*) FROM fraud_warnings") == 0
        assert await shop.value("SELECT count(*) FROM card_blocks") == 0

    run(server, tmp_path, story)
