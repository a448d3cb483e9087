"""Adyen's amounts, and the lines of its settlement details report.

CLP and ISK have two decimals there, CVE and IDR none. The report speaks in major units; what a
movement cost is a line of its own.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Final
from uuid import UUID

from recoup.kernel.ids import parse_id
from recoup.kernel.money import EXPONENTS, UNITS_MAX
from recoup.processors.gateways.port import StatementLine
from recoup.processors.gateways.wire_amounts import WireAmounts, decimals_by_code

_TWO: Final = (
    "AED ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BWP BYN BZD CAD CHF CLP CNH "
    "CNY COP CRC CUP "
    "CZK DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF ILS INR ISK "
    "JMD KES KGS KHR "
    "KYD KZT LAK LBP LKR MAD MDL MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR "
    "NZD PAB PEN PGK "
    "PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SEK SGD SHP SLE SOS SRD STN SVC SZL THB TOP TRY TTD "
    "TWD TZS UAH USD "
    "UYU UZS VES WST XCD XCG YER ZAR ZMW"
)
_NONE: Final = "CVE DJF GNF IDR JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE: Final = "BHD IQD JOD KWD LYD OMR TND"
DECIMALS: Final = decimals_by_code((_TWO, 2), (_NONE, 0), (_THREE, 3))
_AMOUNTS: Final = WireAmounts(DECIMALS)
exponent, wire_amount, units_of = _AMOUNTS.exponent, _AMOUNTS.wire_amount, _AMOUNTS.units_of

_TYPES: Final = {
    "Settled": "charge",
    "Refunded": "refund",
    "RefundedReversed": "refund_failed",
    "Chargeback": "dispute",
    "SecondChargeback": "dispute",
    "ChargebackReversed": "dispute_won",
    "Fee": "fee",
    "MiscCosts": "fee",
    "PaymentCost": "fee",
    "InvoiceDeduction": "fee",
    "MerchantPayout": "payout",
}
_COSTS: Final = ("Commission (NC)", "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)")
# What the account's time zone is called in the report, in hours east.
_ZONES: Final = {
    "UTC": 0,
    "GMT": 0,
    "WET": 0,
    "BST": 1,
    "WEST": 1,
    "CET": 1,
    "CEST": 2,
    "EET": 2,
    "EEST": 3,
    "MSK": 3,
    "SGT": 8,
    "HKT": 8,
    "JST": 9,
    "AEST": 10,
    "AEDT": 11,
    "BRT": -3,
    "EDT": -4,
    "EST": -5,
    "CDT": -5,
    "CST": -6,
    "MDT": -6,
    "MST": -7,
    "PDT": -7,
    "PST": -8,
}
Row = Mapping[str, str | None]


def report_lines(text: str, account: str) -> Iterator[StatementLine]:
    """The lines of one merchant account, as the report has them. Raises: ValueError for what cannot
    be read."""
    rows = csv.DictReader(io.StringIO(text), strict=True)
    try:
        for row in rows:
            if row.get("Merchant Account") == account:
                yield from _lines(row)
    except (csv.Error, KeyError) as error:
        raise ValueError(f"{error}") from None


def _lines(row: Row) -> Iterator[StatementLine]:
    """The movement of a row and its cost. Where the account is paid in another currency the cost is
    in that one."""
    listed, at = _text(row, "Type"), _at(row)
    kind, net_currency = _TYPES.get(listed, listed.lower()), _text(row, "Net Currency")
    net = _units(row, "Net Credit (NC)", net_currency) - _units(row, "Net Debit (NC)", net_currency)
    names = ("Psp Reference", "Modification Reference")
    reference = next(
        (one for name in names[:: 1 if kind == "charge" else -1] if (one := _text(row, name))), ""
    )
    gross_currency = _text(row, "Gross Currency")
    if not gross_currency:  # of the account, not of a payment
        if net:
            yield StatementLine(None, reference, kind, net, net_currency, at)
        return
    gross = _units(row, "Gross Credit (GC)", gross_currency) - _units(
        row, "Gross Debit (GC)", gross_currency
    )
    if gross:
        yield StatementLine(_our_id(row, kind), reference, kind, gross, gross_currency, at)
    same = gross_currency == net_currency
    fee = gross - net if same else sum(_units(row, name, net_currency) for name in _COSTS)
    if fee:
        yield StatementLine(None, reference, "fee", -fee, net_currency, at)


def _our_id(row: Row, kind: str) -> UUID | None:
    """The attempt's id for a charge, captured later or not; for what followed, the row's own id,
    where the report is set to say it."""
    return parse_id(
        _text(row, "Merchant Reference" if kind == "charge" else "Modification Merchant Reference")
    )


def _text(row: Row, name: str) -> str:
    return (row.get(name) or "").strip()


def _units(row: Row, name: str, currency: str) -> int:
    """Raises: ValueError for no amount, or one that is finer than the currency."""
    text = _text(row, name)
    if not text:
        return 0
    try:
        units = Decimal(text) * 10 ** EXPONENTS[currency]
    except (ArithmeticError, KeyError):
        raise ValueError(f"{name} is no amount") from None
    if not units.is_finite() or abs(units) > UNITS_MAX or units % 1:
        raise ValueError(f"{name} is no amount of {currency}")
    return int(units)


def _at(row: Row) -> datetime:
    zone = _ZONES.get(_text(row, "TimeZone"))
    if zone is None:
        raise ValueError("its time zone is not known")
    # its zone follows
    local = datetime.strptime(_text(row, "Creation Date"), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
    return local.replace(tzinfo=timezone(timedelta(hours=zone))).astimezone(UTC)
