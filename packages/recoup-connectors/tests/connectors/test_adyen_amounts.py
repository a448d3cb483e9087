"""Adyen's amounts over every ISO code: the same money there and back, and nothing rounded; its
report read to the unit."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from tests.rings import each

from recoup.kernel.money import EXPONENTS
from recoup_connectors.adyen.amounts import DECIMALS, exponent, report_lines, units_of, wire_amount

EXCEPTIONS = {"CLP": (100, 10_000), "ISK": (100, 10_000), "CVE": (100, 1), "IDR": (100, 1)}


@each("currency", sorted(EXPONENTS))
def test_what_is_carried_comes_back_the_same(currency: str) -> None:
    decimals = exponent(currency)
    if decimals is None:
        assert wire_amount(1000, currency) is None
        assert units_of(1000, currency) is None
        return
    assert decimals == EXPONENTS[currency] or currency in EXCEPTIONS
    for units in (1, 10, 99, 100, 1000, 4590, 10**6):
        amount = wire_amount(units, currency)
        assert amount is None or units_of(amount, currency) == units
        assert amount is not None or units % 100, f"{units} {currency} needs no rounding"
        assert amount is None or amount * 10 ** EXPONENTS[currency] == units * 10**decimals
    assert wire_amount(0, currency) is None
    assert wire_amount(-5, currency) is None


def test_the_exceptions() -> None:
    assert {one: (100, wire_amount(100, one)) for one in EXCEPTIONS} == EXCEPTIONS
    assert wire_amount(150, "IDR") is None, "there is no half rupiah there"
    assert (wire_amount(500, "JPY"), wire_amount(12_345, "BHD")) == (500, 12_345)


def test_only_codes_of_iso_are_taken() -> None:
    assert {one for one in DECIMALS if one not in EXPONENTS} <= {"ANG", "CNH", "SVC", "SLE", "XCG"}


HEAD = (
    "Merchant Account,Psp Reference,Merchant Reference,Creation Date,TimeZone,Type,Modification "
    "Reference,"
    "Gross Currency,Gross Debit (GC),Gross Credit (GC),Net Currency,Net Debit (NC),Net Credit "
    "(NC),Commission (NC),"
    "Markup (NC),Scheme Fees (NC),Interchange (NC),Modification Merchant Reference\n"
)
OURS = UUID("0199aaaa-0000-7000-8000-000000000001")
BACK = UUID("0199aaaa-0000-7000-8000-000000000002")


def row(
    type: str,
    gross: str = ",,",
    net: str = "EUR,,",
    costs: str = ",,,",
    own: str = "",
    ours: str = "",
) -> str:
    return f"Shop,P1,{ours},2026-11-20 12:00:00,CET,{type},M1,{gross},{net},{costs},{own}\n"


def test_each_movement_is_a_line_and_its_cost_another() -> None:
    text = HEAD + row(
        "Settled", "EUR,,5.00", "EUR,,4.88", ",0.04,0.01,0.07", own="x", ours=str(OURS)
    )
    text += row("Refunded", "EUR,5.00,", "EUR,5.00,", own=str(BACK), ours=str(OURS))
    text += row("Chargeback", "EUR,349.99,", "EUR,357.49,", "7.5,,,", ours=str(OURS))
    text += row("Settled", "USD,,10.00", "EUR,,9.00", ",0.10,,0.20", ours=str(OURS))
    text += row("MerchantPayout", net="EUR,100.10,") + row("Fee", net="EUR,3.21,")
    text += row("Settled", "JPY,,500", "JPY,,500", ours=str(OURS)) + row("Settled").replace(
        "Shop", "Other"
    )
    found = [
        (one.id, one.reference, one.type, one.units, one.currency)
        for one in report_lines(text, "Shop")
    ]
    assert found == [
        (OURS, "P1", "charge", 500, "EUR"),
        (None, "P1", "fee", -12, "EUR"),
        (BACK, "M1", "refund", -500, "EUR"),
        (None, "M1", "dispute", -34999, "EUR"),
        (None, "M1", "fee", -750, "EUR"),
        (OURS, "P1", "charge", 1000, "USD"),
        (None, "P1", "fee", -30, "EUR"),
        (None, "M1", "payout", -10010, "EUR"),
        (None, "M1", "fee", -321, "EUR"),
        (OURS, "P1", "charge", 500, "JPY"),
    ]
    assert next(report_lines(text, "Shop")).at == datetime(2026, 11, 20, 11, tzinfo=UTC)


@each(
    "broken",
    [
        row("Settled", "EUR,,5.001", "EUR,,5"),
        row("Settled", "EUR,,NaN", "EUR,,5"),
        row("Settled", "EUR,,1e999999", "EUR,,5"),
        row("Settled", "ZZZ,,5", "EUR,,5"),
        row("Settled", "EUR,,5", "EUR,,5").replace("CET", "LMT"),
        row("Settled", "EUR,,5", "EUR,,5").replace("2026-11-20", "20.11.2026"),
    ],
)
def test_what_cannot_be_read_is_no_line(broken: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        list(report_lines(HEAD + broken, "Shop"))
