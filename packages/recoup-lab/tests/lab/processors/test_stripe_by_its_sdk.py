"""The vendor's own library understands the stand-in."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import stripe
from lab.processors.stripe_ground import Ground, play

from recoup_lab.processors.stripe.server import KEY, SECRET, signature


def _by_sdk(path: Path, story: Callable[[Any, Ground], None]) -> None:
    async def whole(on: Ground) -> None:
        addresses: Any = {"api": on.standin.url}
        client = stripe.StripeClient(KEY, base_addresses=addresses, max_network_retries=0)
        await asyncio.to_thread(story, client.v1, on)

    play(path, whole)


def test_a_payment_its_repeat_and_its_refund(tmp_path: Path) -> None:
    def story(v1: Any, on: Ground) -> None:
        customer = v1.customers.create({"email": "a@example.com"})
        method = v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
        about = {
            "amount": 2000,
            "currency": "eur",
            "customer": customer.id,
            "payment_method": method.id,
        }
        about |= {"metadata": {"recoup_id": "x"}}
        made = [v1.payment_intents.create(about, {"idempotency_key": "k"}) for _ in range(2)]
        assert (made[0].id, made[0].status) == (made[1].id, "requires_confirmation")
        with pytest.raises(stripe.IdempotencyError):
            v1.payment_intents.create(about | {"amount": 2001}, {"idempotency_key": "k"})
        paid = v1.payment_intents.confirm(
            made[0].id, {"off_session": True, "expand": ["latest_charge"]}
        )
        assert (paid.status, paid.latest_charge.outcome.network_status) == (
            "succeeded",
            "approved_by_network",
        )
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.confirm(made[0].id)
        assert refused.value.code == "payment_intent_unexpected_state"
        assert v1.refunds.create({"payment_intent": paid.id, "amount": 500}).status == "succeeded"
        found = v1.balance_transactions.list({"limit": 1})
        assert (found.has_more, found.data[0].amount) == (True, -500)
        assert len(list(found.auto_paging_iter())) == 2

    _by_sdk(tmp_path, story)


def test_a_decline_says_its_codes(tmp_path: Path) -> None:
    def story(v1: Any, on: Ground) -> None:
        customer = v1.customers.create({})
        method = v1.payment_methods.attach(
            "pm_card_visa_chargeDeclinedInsufficientFunds", {"customer": customer.id}
        )
        with pytest.raises(stripe.CardError) as declined:
            v1.payment_intents.create(
                {
                    "amount": 50,
                    "currency": "usd",
                    "customer": customer.id,
                    "payment_method": method.id,
                    "confirm": True,
                }
            )
        error = declined.value.error
        assert error is not None
        found = (
            error.code,
            error.decline_code,
            error.network_decline_code,
            error.payment_intent.status,
        )
        assert found == ("card_declined", "insufficient_funds", "51", "requires_payment_method")

    _by_sdk(tmp_path, story)


def test_who_may_not_is_told_so(tmp_path: Path) -> None:
    def story(v1: Any, on: Ground) -> None:
        on.standin.keys[KEY] = ("GET /v1/events",)
        with pytest.raises(stripe.PermissionError):
            v1.events.list()
        on.standin.keys = {}
        with pytest.raises(stripe.AuthenticationError):
            v1.events.list()

    _by_sdk(tmp_path, story)


def test_its_notices_verify() -> None:
    body = json.dumps(
        {"id": "evt_1", "object": "event", "type": "refund.failed", "data": {"object": {}}}
    ).encode()
    event = stripe.Webhook.construct_event(
        body, signature(body, SECRET, 1), SECRET, tolerance=10**10
    )
    assert event.type == "refund.failed"
