"""Which invoices of a processor's own billing are fit for a rescue, and why a rescue ends."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.orders.rules.causes import SENTENCES
from recoup.orders.rules.lifecycle import REASONS
from recoup.processors.rules.billing import LEFT_OUT, InvoiceState, end_of, may_return, unfit

FIT: dict[str, Any] = {
    "units": 4590,
    "method": "pm_1",
    "subscription": "past_due",
    "billing_reason": "subscription_cycle",
}
# What is different from that, why it is not taken, and why a rescue ends by it.
CASES = [
    ({}, None, None),
    ({"subscription": "active"}, None, None),
    ({"subscription": "trialing"}, None, None),
    ({"subscription": None, "billing_reason": "manual"}, None, None),
    ({"subscription": None, "billing_reason": "quote_accept"}, None, None),
    ({"billing_reason": "subscription_update"}, None, None),
    ({"billing_reason": "subscription_threshold"}, None, None),
    (
        {"billing_reason": "subscription_create"},
        None,
        None,
    ),  # begun by a schedule: Stripe retries it
    ({"billing_reason": "subscription_create", "retried": False}, "first_payment", None),
    ({"retried": False}, None, None),
    (
        {"subscription": "incomplete", "billing_reason": "subscription_create"},
        "first_payment",
        None,
    ),
    (
        {"subscription": "incomplete", "auto_advance": False, "retried": False},
        "first_payment",
        "billing_stopped",
    ),
    ({"auto_advance": False}, "billing_stopped", "billing_stopped"),
    ({"auto_advance": False, "retried": False}, "billing_stopped", "billing_stopped"),
    ({"is_automatic": False}, "billing_stopped", "billing_stopped"),
    ({"attempts": 0}, "not_tried", None),
    ({"method": None}, "no_method", None),
    ({"subscription": "unpaid"}, "subscription_unpaid", None),
    ({"subscription": "a_new_word"}, "subscription_unpaid", None),
    ({"subscription": "paused"}, "subscription_paused", "subscription_paused"),
    (
        {"subscription": "canceled", "auto_advance": False},
        "subscription_cancelled",
        "subscription_cancelled",
    ),
    ({"subscription": "incomplete_expired", "status": "void"}, "invoice_voided", "invoice_voided"),
    ({"subscription": "incomplete_expired"}, "subscription_cancelled", "subscription_cancelled"),
    ({"status": "void"}, "invoice_voided", "invoice_voided"),
    ({"status": "uncollectible"}, "invoice_uncollectible", "invoice_uncollectible"),
    ({"status": "draft"}, "invoice_gone", "invoice_gone"),
    ({"status": "paid", "units": 0, "paid": 4590}, "paid_elsewhere", "paid_elsewhere"),
    ({"status": "paid", "units": 0}, "paid_elsewhere", "paid_elsewhere"),
    (
        {"status": "paid", "units": 0, "paid": 3590, "credited": 1000},
        "paid_elsewhere",
        "paid_elsewhere",
    ),
    ({"status": "paid", "units": 0, "credited": 4590}, "invoice_credited", "invoice_credited"),
    ({"units": 0, "credited": 4590}, "invoice_credited", "invoice_credited"),
    ({"units": 3590, "credited": 1000}, None, None),
    ({"paid_by": "in_2"}, "paid_again", "paid_elsewhere"),
    ({"paid_by": "in_2", "auto_advance": False}, "paid_again", "paid_elsewhere"),
]


@each(("differs", "not_taken", "end"), CASES)
def test_an_invoice_is_taken_or_left_and_a_rescue_ends_for_its_reason(
    differs: dict[str, Any], not_taken: str | None, end: str | None
) -> None:
    state = InvoiceState(**FIT | differs)
    assert (unfit(state), end_of(state)) == (not_taken, end)


def test_an_invoice_that_is_gone_is_not_taken_and_ends_its_rescue() -> None:
    assert (unfit(None), end_of(None)) == ("invoice_gone", "invoice_gone")


def test_what_we_have_switched_off_ourselves_ends_nothing() -> None:
    state = InvoiceState(**FIT | {"auto_advance": False})
    assert end_of(state, we_stopped=True) is None


def test_only_what_the_billing_would_charge_goes_back_to_it() -> None:
    assert [end for end in (*REASONS, "paid_elsewhere", None) if may_return(end)] == [
        "subscription_paused",
        "billing_stopped",
        None,
    ]


STATES = st.builds(
    InvoiceState,
    units=st.sampled_from([0, 4590]),
    status=st.sampled_from(["draft", "open", "paid", "uncollectible", "void"]),
    credited=st.sampled_from([0, 1000]),
    paid=st.sampled_from([0, 1000]),
    is_automatic=st.booleans(),
    billing_reason=st.sampled_from([None, "manual", "subscription_create", "subscription_cycle"]),
    auto_advance=st.booleans(),
    attempts=st.integers(0, 2),
    retried=st.booleans(),
    method=st.sampled_from([None, "pm_1"]),
    subscription=st.sampled_from(
        [
            None,
            "active",
            "trialing",
            "past_due",
            "unpaid",
            "paused",
            "canceled",
            "incomplete",
            "incomplete_expired",
        ]
    ),
    paid_by=st.sampled_from([None, "in_2"]),
)


@given(STATES)
def test_what_is_taken_is_owed_agreed_and_charged_by_the_billing_itself(
    state: InvoiceState,
) -> None:
    why = unfit(state)
    if why is None:
        assert end_of(state) is None
        assert state.status == "open"
        assert state.units > 0
        assert state.auto_advance
        assert state.is_automatic
        assert state.method
        assert state.paid_by is None
        assert state.subscription in (None, "active", "trialing", "past_due")
    else:
        assert why in SENTENCES or why in LEFT_OUT or why == "not_tried"
    end = end_of(state)
    assert end is None or end in SENTENCES and end in (*REASONS, "paid_elsewhere")
