"""Exemptions from strong customer authentication that a merchant's side may claim: by region, currency and day, as
dated rows that each name their document (data/sca-exemptions.csv). Pure.

A payment that the merchant starts is out of scope and claims none. In a currency without a row nothing is claimed: no
rate of exchange is guessed.
"""

from datetime import date
from typing import Final, Literal, NamedTuple

from recoup.kernel.money import EXPONENTS
from recoup.rules.network.tables import REGIONS, read_table, until

Exemption = Literal["low_value", "transaction_risk_analysis"]
EXEMPTIONS: Final[tuple[Exemption, ...]] = ("transaction_risk_analysis", "low_value")  # in the order of preference
MILLION: Final = 1_000_000


class ExemptionRow(NamedTuple):
    """`units_max`: the largest amount; `fraud_rate_max`: of the acquirer, in millionths; None: it does not matter."""

    exemption: str
    region: str
    currency: str
    units_max: int
    fraud_rate_max: int | None
    valid_from: date
    valid_to: date


def _row(row: dict[str, str]) -> ExemptionRow:
    rate = row["fraud_rate_max"]
    return ExemptionRow(
        row["exemption"],
        row["region"],
        row["currency"],
        int(row["amount_max"]) * 10 ** EXPONENTS[row["currency"]],
        round(float(rate) * MILLION / 100) if rate else None,
        date.fromisoformat(row["valid_from"]),
        until(row["valid_to"]),
    )


ROWS: Final = tuple(map(_row, read_table("sca-exemptions.csv")))


def exemption_for(region: str, currency: str, units: int, on: date, fraud_rate: int | None) -> Exemption | None:
    """The one that a payment of so much may claim on that day; `fraud_rate`: the acquirer's, in millionths, None where
    it is not known."""
    places = REGIONS.get(region, ("world",))
    for name in EXEMPTIONS:
        for row in ROWS:
            if (
                row.exemption == name
                and row.region in places
                and row.currency == currency
                and units <= row.units_max
                and row.valid_from <= on <= row.valid_to
                and (row.fraud_rate_max is None or fraud_rate is not None and fraud_rate <= row.fraud_rate_max)
            ):
                return name
    return None
