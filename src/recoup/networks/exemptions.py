"""Exemptions from strong customer authentication that a merchant's side may claim: by region,
currency and day, as dated rows that each name their document (data/sca-exemptions.csv). Pure.

A payment that the merchant starts is out of scope and claims none, and so is one whose issuer is
known to be elsewhere than its acquirer. In a currency without a row nothing is claimed: no rate of
exchange is guessed. No public table names amounts in CZK, HUF and RON, nor any for the risk
analysis in another currency than EUR and GBP.
"""

from datetime import date
from typing import Final, Literal, NamedTuple

from recoup.kernel.money import EXPONENTS
from recoup.networks.tables import read_table, region_of, until

Exemption = Literal["low_value", "transaction_risk_analysis"]
EXEMPTIONS: Final[tuple[Exemption, ...]] = (
    "transaction_risk_analysis",
    "low_value",
)  # in the order of preference
MILLION: Final = 1_000_000


class ExemptionRow(NamedTuple):
    """`units_max`: the largest amount; `fraud_rate_max`: of the acquirer, in millionths; None: it
    does not matter."""

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


# Each law by the region where it holds; of a region that was stored before the two were told apart,
# both.
_LAWS: Final = {"eea": ("eea",), "uk": ("uk",), "eea_uk": ("eea", "uk")}


def exemption_for(
    region: str, currency: str, units: int, on: date, fraud_rate: int | None, issuer: str = ""
) -> Exemption | None:
    """The one that a payment of so much may claim on that day; `region`, `fraud_rate`: the
    acquirer's, the rate in millionths, None where it is not known; `issuer`: the country of the
    card's, where it is known."""
    names = (
        exemption
        for exemption in EXEMPTIONS
        if may_claim(exemption, region, currency, units, on, fraud_rate, issuer)
    )
    return next(names, None)


def may_claim(
    name: Exemption,
    region: str,
    currency: str,
    units: int,
    on: date,
    fraud_rate: int | None,
    issuer: str = "",
) -> bool:
    laws = _LAWS.get(region, ())
    if issuer and region_of(issuer) not in laws:
        return False
    return any(
        row.exemption == name
        and row.region in laws
        and row.currency == currency
        and units <= row.units_max
        and row.valid_from <= on <= row.valid_to
        and (
            row.fraud_rate_max is None
            or fraud_rate is not None
            and fraud_rate <= row.fraud_rate_max
        )
        for row in ROWS
    )
