"""Which earlier payments speak for a payment that its cardholder denies, at each boundary of Visa's
rule."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from recoup.networks.compelling_evidence import CardPayment, in_words, is_open_to, judge

PAID = datetime(2026, 6, 30, 12, tzinfo=UTC)
OPENED = PAID + timedelta(days=1)
HOME = {
    "addressLine1": "1 Main St.",
    "city": "Salem",
    "state": "OR",
    "zipcode": "97301",
    "countryCode": "US",
}
DEVICE = {"fingerprint": "f" * 20, "deviceId": "d" * 15}
_numbers = count(1)


def payment(days: int = 0, **more: Any) -> CardPayment:
    number = UUID(int=next(_numbers))
    usual: dict[str, Any] = {
        "attempt_id": number,
        "order_id": number,
        "external_id": f"A-{number.int}",
        "route": "own",
        "reference": "pi_1",
        "ids": (),
        "network_id": None,
        "units": 4590,
        "asset": "USD",
        "paid_at": PAID - timedelta(days=days),
        "ip": "203.0.113.7",
        "device": None,
        "account": "c-1",
        "address": None,
        "product": "Tea",
        "is_disputed": False,
        "is_reported": False,
        "is_refunded": False,
    }
    return CardPayment(**(usual | more))


def reasons(*days: int, opened_at: datetime = OPENED, **more: Any) -> list[str | None]:
    """Of two payments of these ages; None: it is used."""
    priors = [payment(one, **more) for one in days]
    found = judge(payment(), priors, opened_at)
    why = {one.attempt_id: reason for one, reason in found.others}
    return [why.get(one.attempt_id) for one in priors]


@pytest.mark.parametrize(
    ("days", "opened_days_later", "expected"),
    [
        (119, 1, ["too_recent", "alone"]),
        (120, 1, [None, None]),
        (364, 1, [None, None]),
        (365, 0, ["too_old", "alone"]),  # Visa would take it, Stripe does not
        (364, 2, ["too_old", "alone"]),  # Stripe would take it, Visa does not
        (300, 65, [None, None]),
        (300, 66, ["too_old", "alone"]),
    ],
)
def test_a_payment_is_old_enough_and_not_too_old_by_both_readings(
    days: int, opened_days_later: int, expected: list[str | None]
) -> None:
    assert reasons(days, 200, opened_at=PAID + timedelta(days=opened_days_later)) == expected


@pytest.mark.parametrize("why", ["disputed", "reported", "refunded"])
def test_a_payment_with_a_history_never_counts(why: str) -> None:
    assert reasons(150, 160, **{f"is_{why}": True}) == [why, why]


ALIKE: list[tuple[dict[str, Any], list[str]]] = [
    ({"ip": "203.0.113.7", "account": "c-1"}, ["ip", "account"]),
    ({"ip": "", "account": "c-1", "device": DEVICE}, ["device", "account"]),
    ({"ip": "203.0.113.7", "account": "", "device": DEVICE}, ["ip", "device"]),
    ({"ip": "203.0.113.7", "account": "", "address": HOME}, ["ip", "address"]),
    ({"ip": "", "account": "c-1", "address": HOME}, []),  # neither IP nor device
    ({"ip": "", "account": "", "device": DEVICE}, []),  # a fingerprint and an id are one element
    ({"ip": "203.0.113.7", "account": ""}, []),
    ({"ip": "no address", "account": "c-1"}, []),
    ({"ip": "", "account": "c-1", "device": {"fingerprint": "f" * 19, "deviceId": "d" * 14}}, []),
    (
        {"ip": "203.0.113.7", "account": "", "address": HOME | {"city": ""}},
        [],
    ),  # not the whole address
]


@pytest.mark.parametrize(("known", "elements"), ALIKE)
def test_two_elements_are_alike_and_one_is_the_ip_or_the_device(
    known: dict[str, Any], elements: list[str]
) -> None:
    found = judge(payment(**known), [payment(150, **known), payment(160, **known)], OPENED)
    assert found.elements == elements
    assert bool(found.priors) == bool(elements)
    assert (found.missing is None) == bool(elements)


def test_what_is_compared_is_alike_in_all_three_payments() -> None:
    disputed = payment(address=HOME)
    by_account, by_address = (
        payment(150),
        payment(160, account="", address=HOME | {"addressLine1": "1 MAIN ST"}),
    )
    found = judge(disputed, [by_account, by_address], OPENED)
    assert found.priors == ()
    assert found.missing is not None
    assert found.missing.field == "customerIp"
    third = payment(170, account="", address=HOME)
    found = judge(disputed, [by_account, by_address, third], OPENED)
    assert (found.priors, found.elements) == ((by_address, third), ["ip", "address"])
    assert "address: 1 Main St., -, Salem, OR, 97301, US" in in_words(found)


def test_payments_of_the_disputes_own_processor_come_first_and_the_newest_of_them() -> None:
    other = [payment(days, route="other") for days in (121, 122)]
    own = [payment(days) for days in (200, 210, 220)]
    assert judge(payment(), [*own, *other], OPENED).priors == tuple(own[:2])


def test_an_address_of_version_6_is_one_however_it_is_written() -> None:
    long, short = "2001:0db8:0:0:0:0:0:1", "2001:db8::1"
    assert judge(
        payment(ip=long), [payment(150, ip=short), payment(160, ip=short)], OPENED
    ).elements == [
        "ip",
        "account",
    ]


def test_only_visas_code_of_fraud_without_the_card_is_open_to_it() -> None:
    assert is_open_to("visa", " 10.4 ")
    for scheme, code in (
        ("visa", "10.3"),
        ("mastercard", "4837"),
        (None, "10.4"),
        ("mastercard", "10.4"),
    ):
        assert not is_open_to(scheme, code)
