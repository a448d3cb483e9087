"""Subscriptions: a charge a cycle, no drift, told as they go."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.receiver import Receiver, receiving
from tests.rings import each
from tests.stablecoin.api.test_signatures import refused
from tests.stablecoin.api.test_webhooks import listen, opened
from tests.stablecoin.door import Door, Merchant

from recoup.kernel.ids import parse_wire_id
from recoup.kernel.scope import Scope
from recoup.stablecoin.flows import subscriptions
from recoup.stablecoin.flows.charge import Charged, Charges, StablecoinChargeRequest


@pytest.fixture
def hooks(door: Door) -> Iterator[Receiver]:
    with receiving(door) as receiver:  # type: ignore[arg-type]
        yield receiver


def plan(merchant: Merchant, **changes: Any) -> dict[str, Any]:
    usual = {
        "title": "Pro plan",
        "amount": "9.99",
        "currency": "USDT",
        "channel": "mock",
        "interval_unit": "month",
        "customer": "cust-7",
        "metadata": {"plan": "pro"},
    }
    answer = merchant.post(
        "/subscriptions", {k: v for k, v in (usual | changes).items() if v is not None}
    )
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()["subscription"]
    return found


def current(merchant: Merchant, made: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = merchant.get(f"/subscriptions/{made['id']}").json()["subscription"]
    return found


def test_dates_with_strange_offsets_are_the_same_moments(door: Door) -> None:
    """The database knows no offset of a day."""
    merchant = door.merchant()
    day = f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%d}"
    made = plan(
        merchant, billing_anchor=f"{day}T00:00:00+23:59", ends_at="2100-05-01T00:00:00-23:59"
    )
    assert datetime.fromisoformat(made["billing_anchor"]) == datetime.fromisoformat(
        f"{day}T00:00:00+23:59"
    )
    assert made["ends_at"] == "2100-05-01T23:59:00Z"


def test_each_cycle_is_a_charge_that_the_payer_pays(door: Door, hooks: Receiver) -> None:
    merchant = door.merchant()
    listen(merchant, hooks)
    made = plan(merchant, interval_unit="day", interval_count=7, total_cycles=3)
    assert (made["status"], made["cycles_done"], made["next_charge_at"]) == (
        "active",
        0,
        made["billing_anchor"],
    )
    for cycle in (1, 2, 3):
        merchant.advance(days=0 if cycle == 1 else 7)
        now = current(merchant, made)
        assert now["cycles_done"] == cycle
        order = merchant.order(now["last_order_id"])
        assert order["order"]["subscription_id"] == made["id"]
        assert order["order"]["merchant_order_id"] == f"{made['id']}-{cycle}"
        assert (order["order"]["customer"], order["order"]["metadata"]) == (
            "cust-7",
            {"plan": "pro"},
        )
        assert (order["order"]["amount"], order["order"]["subject"]) == ("9.99", "Pro plan")
        assert (
            merchant.press({"instruction": {"redirect_url": order["checkout_url"]}}).status_code
            == 303
        )
    assert (now["status"], now["next_charge_at"]) == ("completed", None)
    merchant.advance(days=30)
    assert merchant.get("/orders").json()["total"] == 3
    told = [opened(merchant, delivery) for delivery in hooks.got]
    names = [one["event"] for one in told if one["event"].startswith("subscription.")]
    assert names == ["subscription.charged"] * 3 + ["subscription.completed"]
    charged = next(one for one in told if one["event"] == "subscription.charged")
    assert charged["subscription_id"] == made["id"]
    assert charged["merchant_order_id"] == f"{made['id']}-1"
    assert charged["is_test"] is True
    assert "cust-7" not in str(told)
    door.verified(merchant)


def test_month_ends_do_not_drift(door: Door) -> None:
    merchant = door.merchant()
    door.services.merchants.forget(merchant.shop.merchant_id)
    today = door.run(merchant.shop.now())
    year = today.year + (today.month == 12)
    anchor = datetime(
        year, 1 if today.month == 12 else today.month + 1, 1, 9, tzinfo=today.tzinfo
    ) + timedelta(days=30)
    while anchor.day != 31:
        anchor += timedelta(days=1)
    made = plan(merchant, billing_anchor=anchor.isoformat(), total_cycles=4)
    dates = []
    for _ in range(4):
        due = datetime.fromisoformat(current(merchant, made)["next_charge_at"])
        dates.append(due)
        merchant.advance(seconds=(due - door.run(merchant.shop.now())).total_seconds() + 1)
    months = {(date.year, date.month) for date in dates}
    assert len(months) == 4
    assert all(date.day == 31 or (date + timedelta(days=1)).day == 1 for date in dates)
    assert current(merchant, made)["status"] == "completed"


def test_an_unpaid_cycle_makes_it_past_due_and_a_paid_one_active(
    door: Door, hooks: Receiver
) -> None:
    merchant = door.merchant()
    listen(merchant, hooks, events=["subscription.payment_failed"])
    made = plan(merchant, interval_unit="week")
    merchant.advance(days=2)  # the cycle's order expires after a day
    now = current(merchant, made)
    assert now["status"] == "past_due"
    assert merchant.order(now["last_order_id"])["order"]["status"] == "expired"
    [told] = [opened(merchant, delivery) for delivery in hooks.got]
    assert (told["event"], told["order_id"], told["status"]) == (
        "subscription.payment_failed",
        now["last_order_id"],
        "past_due",
    )
    merchant.advance(days=5, seconds=1)
    order = merchant.order(current(merchant, made)["last_order_id"])
    merchant.press({"instruction": {"redirect_url": order["checkout_url"]}})
    merchant.run_due()
    assert current(merchant, made)["status"] == "active"
    door.verified(merchant)


def test_what_passes_in_a_pause_is_left_out(door: Door) -> None:
    merchant = door.merchant()
    made = plan(merchant, interval_unit="day")
    merchant.advance(seconds=1)
    for _ in range(2):
        assert (
            merchant.post(f"/subscriptions/{made['id']}/pause").json()["subscription"]["status"]
            == "paused"
        )
    merchant.advance(days=10)
    assert current(merchant, made)["cycles_done"] == 1
    resumed = merchant.post(f"/subscriptions/{made['id']}/resume").json()["subscription"]
    assert resumed["status"] == "active"
    anchor, due = (
        datetime.fromisoformat(resumed[name]) for name in ("billing_anchor", "next_charge_at")
    )
    assert due - anchor == timedelta(days=11)
    merchant.advance(days=1)
    assert current(merchant, made)["cycles_done"] == 2


def test_a_canceled_subscription_charges_no_more(door: Door) -> None:
    merchant = door.merchant()
    made = plan(merchant, interval_unit="day")
    merchant.advance(seconds=1)
    for _ in range(2):
        ended = merchant.post(f"/subscriptions/{made['id']}/cancel").json()["subscription"]
        assert (ended["status"], ended["next_charge_at"]) == ("canceled", None)
    merchant.advance(days=5)
    assert current(merchant, made)["cycles_done"] == 1
    for verb in ("pause", "resume"):
        refused(merchant.post(f"/subscriptions/{made['id']}/{verb}"), 409, "invalid_state")


def test_a_crash_between_charge_and_note_charges_once(door: Door) -> None:
    merchant = door.merchant()
    made = plan(merchant, interval_unit="day")
    merchant.run_due()
    door.sql(
        "UPDATE subscriptions SET cycles_done = 0, last_order_id = NULL, next_charge_at = anchor"
        " WHERE merchant_id = $1",
        merchant.shop.merchant_id,
    )
    door.sql(
        "UPDATE due_work SET due_at = now() - interval '1 minute' WHERE merchant_id = $1 AND kind "
        "= 'cycle'",
        merchant.shop.merchant_id,
    )
    merchant.run_due()
    assert current(merchant, made)["cycles_done"] == 1
    assert merchant.get("/orders").json()["total"] == 1


@pytest.mark.parametrize("crash", [False, True])
def test_what_was_charged_while_the_merchant_canceled_is_taken_back(
    door: Door, monkeypatch: pytest.MonkeyPatch, crash: bool
) -> None:
    merchant = door.merchant()
    made = plan(merchant, interval_unit="day")
    subscription_id, charge = parse_wire_id("sub", made["id"]), Charges.charge
    assert subscription_id is not None

    async def raced(self: Charges, scope: Scope, asked: StablecoinChargeRequest) -> Charged:
        await subscriptions.end(door.world, merchant.shop.scope, subscription_id)
        charged = await charge(self, scope, asked)
        if crash:
            raise RuntimeError("the worker is gone")
        return charged

    with monkeypatch.context() as patched:
        patched.setattr(Charges, "charge", raced)
        merchant.run_due()
    merchant.post(f"/subscriptions/{made['id']}/cancel")
    door.sql(
        "UPDATE due_work SET lease_until = NULL WHERE merchant_id = $1", merchant.shop.merchant_id
    )
    merchant.run_due()
    now = current(merchant, made)
    assert (now["status"], now["next_charge_at"], now["cycles_done"]) == ("canceled", None, 0)
    assert [one["status"] for one in merchant.get("/orders").json()["data"]] == ["canceled"]
    left = door.sql("SELECT kind FROM due_work WHERE merchant_id = $1", merchant.shop.merchant_id)
    assert "cycle" not in {row["kind"] for row in left}
    door.verified(merchant)


def test_a_payer_owes_one_cycle_after_a_suspension_and_not_all(door: Door) -> None:
    merchant = door.merchant()
    made = plan(merchant, interval_unit="day")
    merchant.run_due()
    merchant.set(killed=True)
    door.sql(
        "UPDATE merchants SET offset_us = offset_us + 5 * 86400000000, version = version + 1 WHERE "
        "merchant_id = $1",
        merchant.shop.merchant_id,
    )
    merchant.run_due()
    assert current(merchant, made)["cycles_done"] == 1
    merchant.set(killed=False)
    door.sql(
        "UPDATE due_work SET lease_until = NULL WHERE merchant_id = $1", merchant.shop.merchant_id
    )
    for _ in range(3):
        merchant.run_due()
    now = current(merchant, made)
    anchor, due = (
        datetime.fromisoformat(now[name]) for name in ("billing_anchor", "next_charge_at")
    )
    assert (now["cycles_done"], due - anchor) == (2, timedelta(days=6))
    door.verified(merchant)


def test_a_merchants_own_charge_cannot_stand_in_a_cycles_way(door: Door) -> None:
    merchant = door.merchant()
    made = plan(merchant, interval_unit="day")
    merchant.run_due()
    answer = merchant.post("/charges", merchant.body(merchant_order_id=f"{made['id']}-2"))
    error = refused(answer, 400, "invalid_request")
    assert "subscription" in error["message"]
    for mine in (made["id"], f"{made['id']}-two", "sub_1-2"):
        merchant.charge(merchant_order_id=mine)
    merchant.advance(days=1, seconds=1)
    assert current(merchant, made)["cycles_done"] == 2


def test_lists_and_foreign_ones(merchant: Merchant, other: Merchant) -> None:
    made = [plan(merchant)["id"] for _ in range(3)]
    page = merchant.get("/subscriptions", "limit=2").json()
    assert [one["id"] for one in page["data"]] == made[::-1][:2]
    assert page["total"] == 3
    assert merchant.get("/subscriptions", "status=paused").json()["total"] == 0
    refused(merchant.get("/subscriptions", "status=odd"), 400, "invalid_request")
    for path in ("", "/pause", "/resume", "/cancel"):
        refused(
            other.call("POST" if path else "GET", f"/subscriptions/{made[0]}{path}"),
            404,
            "not_found",
        )
    assert other.get("/subscriptions").json()["data"] == []


def test_a_key_makes_a_repeated_subscription_one(merchant: Merchant) -> None:
    body = {"title": "Pro", "amount": "9.99", "currency": "USDT", "interval_unit": "month"}
    key = {"idempotency-key": "once"}
    ids = {
        merchant.post("/subscriptions", body, headers=key).json()["subscription"]["id"]
        for _ in range(3)
    }
    assert len(ids) == 1
    refused(
        merchant.post("/subscriptions", body | {"amount": "1"}, headers=key),
        409,
        "idempotency_conflict",
    )


def test_an_end_after_the_last_of_all_days_hid_every_subscription(merchant: Merchant) -> None:
    """In UTC it lies in the year 10000, which no reader of the list could write."""
    body = {"title": "Pro", "amount": "9.99", "currency": "USDT", "interval_unit": "month"}
    late = merchant.post("/subscriptions", body | {"ends_at": "9999-12-31T23:59:59-14:00"})
    assert refused(late, 400, "invalid_request")["param"] == "ends_at"
    last = merchant.post("/subscriptions", body | {"ends_at": "9999-12-31T23:59:59Z"})
    assert last.json()["subscription"]["ends_at"] == "9999-12-31T23:59:59Z"
    assert merchant.get("/subscriptions").json()["total"] == 1


def test_a_live_channel_is_refused_as_the_reference_tells_it(merchant: Merchant) -> None:
    """The door holds each answer against what is told of its operation: this code was told for
    charges alone."""
    body = {
        "title": "Pro",
        "amount": "9.99",
        "currency": "USDT",
        "interval_unit": "month",
        "channel": "usdt_trc20",
    }
    refused(merchant.post("/subscriptions", body), 400, "channel_environment_mismatch")


@each(
    ("code", "change"),
    [
        ("invalid_amount", {"amount": 9.99}),
        ("invalid_amount", {"amount": "0"}),
        ("channel_not_found", {"channel": "odd"}),
        ("invalid_request", {"interval_unit": "year"}),
        ("invalid_request", {"interval_count": 0}),
        ("invalid_request", {"interval_count": 367}),
        ("invalid_request", {"total_cycles": -1}),
        ("invalid_request", {"title": ""}),
        ("invalid_request", {"billing_anchor": "tomorrow"}),
        ("invalid_request", {"billing_anchor": "2001-01-01T00:00:00Z"}),
        ("invalid_request", {"billing_anchor": "2026-01-01T00:00:00"}),
        ("invalid_request", {"ends_at": "2001-01-01T00:00:00Z"}),
        ("invalid_request", {"metadata": {"a": 1}}),
        ("invalid_request", {"return_url": "javascript:1"}),
    ],
)
def test_subscriptions_that_are_not_allowed(
    merchant: Merchant, code: str, change: dict[str, Any]
) -> None:
    body = {"title": "Pro", "amount": "9.99", "currency": "USDT", "interval_unit": "month"} | change
    refused(merchant.post("/subscriptions", body), 400, code)
