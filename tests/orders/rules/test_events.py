"""The catalogue and the bytes that receivers get."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import msgspec
import pytest

from recoup.orders.rules.events import (
    CATALOGUE,
    Event,
    event_data,
    events_by_default,
    render,
    render_rescue,
    render_standard,
)
from recoup.orders.rules.signature import standard_headers, verify

EVENT = Event(
    event_id=UUID("01954b3f-0000-7000-8000-000000000001"),
    merchant_id=UUID("3b1f1f3e-2f0a-4a63-9d1c-6b0c2a7d9e10"),
    site_id=None,
    order_id=UUID("5f0d3c52-8a6e-4c0b-9a55-0f8a1b7e2c41"),
    external_order_id="SUB-7731-2026-03",
    name="order.completed",
    sequence=4,
    business_at=datetime(2026, 3, 2, 9, 15, 30, 120000, tzinfo=UTC),
    data=event_data("order.completed", status="COMPLETED", amount=4590, currency="USD", attempts=2),
    test_mode=True,
)
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="


def test_the_payload_byte_for_byte() -> None:
    assert render_rescue(EVENT) == (
        b'{"Event":"order.completed","TimeStamp":"2026-03-02T09:15:30.120000Z",'
        b'"EventData":{"Status":"COMPLETED","Amount":4590,"Currency":"USD","Attempts":2,'
        b'"Mid":"3b1f1f3e-2f0a-4a63-9d1c-6b0c2a7d9e10","SiteId":null,"Sequence":4,'
        b'"EventId":"01954b3f-0000-7000-8000-000000000001"},'
        b'"ExternalOrderId":"SUB-7731-2026-03","OrderId":"5f0d3c52-8a6e-4c0b-9a55-0f8a1b7e2c41",'
        b'"ConfirmationId":"1B7E2C41","IsTestMode":true,"IsResent":false}'
    )


def test_the_time_is_always_utc_with_microseconds() -> None:
    from dataclasses import replace

    moved = replace(
        EVENT, business_at=datetime(2026, 3, 2, 10, 15, 30, tzinfo=timezone(timedelta(hours=1)))
    )
    assert json.loads(render_rescue(moved))["TimeStamp"] == "2026-03-02T09:15:30.000000Z"


def test_the_documented_events_are_all_there() -> None:
    assert set(events_by_default()) == {
        "order.completed",
        "order.cancelled",
        "order.expired",
        "order.refunded",
        "order.refundfailed",
        "order.capturerequired",
        "payment.chargeback.received",
        "payment.chargeback.reversed",
        "payment.early_warning.received",
        "challenge.presented",
        "challenge.attempted",
        "challenge.passed",
        "challenge.failed",
        "payout.created",
        "payout.updated",
        "settlement.closed",
        "reconciliation.ready",
        "upload.completed",
        "mandate.revoked",
    }
    assert set(CATALOGUE) - set(events_by_default()) == {
        "certificate.ready",
        "application.submitted",
        "application.approved",
        "application.declined",
        "application.cancelled",
        "application.converted",
        "order.submitted",
        "order.processing",
        "order.onhold",
        "order.problem",
        "attempt.declined",
        "order.amended",
        "order.refundrefused",
        "order.partially_collected",
        "payment.chargeback.closed",
    }


def test_a_field_that_is_a_choice_or_may_be_null_is_documented() -> None:
    for kind in CATALOGUE.values():
        assert kind.meaning.endswith(".")
        schema = msgspec.json.schema(kind.data)
        for definition in schema["$defs"].values():
            for name, field in definition["properties"].items():
                assert name[0].isupper()
                assert "description" in field or not {"enum", "anyOf"} & set(field), (
                    f"{kind.name} {name}"
                )
            assert not {"Mid", "SiteId", "Sequence", "EventId"} & set(definition["properties"])


@pytest.mark.parametrize(
    "facts",
    [
        {"status": "COMPLETED", "amount": 4590, "currency": "USD"},
        {"status": "COMPLETED", "amount": 45.9, "currency": "USD", "attempts": 1},
        {"status": "COMPLETED", "amount": -1, "currency": "USD", "attempts": 1},
        {"status": "COMPLETED", "amount": 1, "currency": "USD", "attempts": 1, "name": "A Person"},
        {"status": "COMPLETED", "amount": object(), "currency": "USD", "attempts": 1},
    ],
)
def test_data_that_is_not_as_documented_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises((TypeError, msgspec.ValidationError)):
        event_data("order.completed", **facts)


def test_dates_in_data_are_utc_text() -> None:
    due = datetime(2026, 3, 3, tzinfo=UTC)
    data = event_data(
        "attempt.declined",
        status="PROCESSING",
        amount=1,
        currency="USD",
        attempt_id=EVENT.event_id,
        attempt_number=1,
        response_code="51",
        is_final=False,
        next_attempt_at=due,
    )
    assert data["NextAttemptAt"] == "2026-03-03T00:00:00Z"
    assert data["AttemptId"] == str(EVENT.event_id)


def test_an_event_about_no_order() -> None:
    from dataclasses import replace

    payload = json.loads(render_rescue(replace(EVENT, order_id=None, external_order_id=None)))
    assert (payload["OrderId"], payload["ConfirmationId"], payload["ExternalOrderId"]) == (
        None,
        None,
        None,
    )


def test_data_cannot_hide_what_every_event_carries() -> None:
    from dataclasses import replace

    payload = json.loads(render_rescue(replace(EVENT, data={"Mid": "other", "Sequence": 99})))
    assert payload["EventData"]["Mid"] == str(EVENT.merchant_id)
    assert payload["EventData"]["Sequence"] == 4


@pytest.mark.parametrize(
    ("form", "content_type"),
    [("rescue", "application/json"), ("rescue-text", "text/plain; charset=utf-8")],
)
def test_both_rescue_formats_differ_in_content_type_only(form: Any, content_type: str) -> None:
    now = datetime(2026, 3, 2, 9, 15, 31, tzinfo=UTC)
    rendered = render(EVENT, form, [KEY], "hooks.merchant.example", "0" * 32, now)
    assert rendered.headers["content-type"] == content_type
    assert rendered.body == render_rescue(EVENT)
    assert verify(KEY, "hooks.merchant.example", rendered.headers, rendered.body, now=now)


def test_the_standard_format() -> None:
    now = datetime(2026, 3, 2, 9, 15, 31, tzinfo=UTC)
    rendered = render(EVENT, "standard", [KEY], "unused", "0" * 32, now)
    assert rendered.body == render_standard(EVENT)
    signed = standard_headers([f"whsec_{KEY}"], rendered.headers["webhook-id"], now, rendered.body)
    assert rendered.headers == rendered.headers | signed
    payload = json.loads(rendered.body)
    assert (payload["type"], payload["timestamp"]) == (
        "order.completed",
        "2026-03-02T09:15:30.120000Z",
    )
    assert payload["data"]["OrderId"] == str(EVENT.order_id)
    assert rendered.headers["webhook-id"] == "evt_01954b3f000070008000000000000001"
