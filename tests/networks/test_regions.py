"""The region of a country, and what may be claimed of strong customer authentication in each: by
both ends."""

from datetime import date

from tests.rings import each

from recoup.merchants.rules.countries import COUNTRIES
from recoup.networks.codes import code_of, read_decline
from recoup.networks.exemptions import exemption_for
from recoup.networks.tables import LIMITS as ROWS
from recoup.networks.tables import REGIONS, read_table, region_of, valid_row

ON = date(2026, 12, 1)
LOW = "low_value"


@each(
    ("country", "region"),
    [
        ("DE", "eea"),
        ("IS", "eea"),
        ("NO", "eea"),
        ("RE", "eea"),
        ("GB", "uk"),
        ("CH", "europe"),
        ("JE", "europe"),
        ("TR", "europe"),
        ("AE", "europe_cemea"),
        ("ZA", "europe_cemea"),
        ("US", "us"),
        ("CA", "canada"),
        ("BR", "brazil"),
        ("JP", "world"),
        ("MX", "world"),
        ("PR", "world"),
        ("", ""),
    ],
)
def test_the_region_follows_from_the_country(country: str, region: str) -> None:
    assert region_of(country) == region


def test_every_country_has_one_region_that_the_tables_know() -> None:
    rows = read_table("regions.csv")
    assert len({row["country"] for row in rows}) == len(rows)
    assert {row["country"] for row in rows} <= COUNTRIES
    assert {row["region"] for row in rows} < set(REGIONS)
    assert all(row["document"] and row["confidence"] in ("H", "M", "L") for row in rows)
    assert all(region_of(country) in REGIONS for country in COUNTRIES)


@each(
    ("country", "currency", "units", "issuer", "expected"),
    [
        ("DE", "EUR", 3_000, "FR", LOW),
        ("DE", "EUR", 3_000, "", LOW),
        ("DE", "EUR", 3_000, "US", None),
        ("DE", "EUR", 3_000, "GB", None),
        ("DE", "EUR", 3_000, "CH", None),
        ("DE", "GBP", 2_500, "DE", None),
        ("GB", "GBP", 2_500, "GB", LOW),
        ("GB", "GBP", 2_501, "GB", None),
        ("GB", "GBP", 2_500, "DE", None),
        ("GB", "EUR", 3_000, "GB", None),
        ("CH", "EUR", 3_000, "DE", None),
        ("US", "EUR", 3_000, "DE", None),
        ("SE", "SEK", 31_000, "SE", LOW),
        ("SE", "SEK", 31_001, "SE", None),
        ("DK", "DKK", 22_500, "DK", LOW),
        ("NO", "NOK", 32_500, "NO", LOW),
        ("PL", "PLN", 10_000, "PL", LOW),
        ("PL", "PLN", 13_500, "PL", None),
        ("IS", "ISK", 5_000, "IS", LOW),
        ("CZ", "CZK", 100, "CZ", None),
        ("HU", "HUF", 100, "HU", None),
        ("RO", "RON", 100, "RO", None),
    ],
)
def test_both_ends_are_in_scope_or_nothing_is_claimed(
    country: str, currency: str, units: int, issuer: str, expected: str | None
) -> None:
    assert exemption_for(region_of(country), currency, units, ON, None, issuer) == expected


def test_the_risk_analysis_is_claimed_in_the_currency_of_its_law_alone() -> None:
    assert exemption_for("eea", "EUR", 50_000, ON, 100, "ES") == "transaction_risk_analysis"
    assert exemption_for("uk", "GBP", 44_000, ON, 100, "GB") == "transaction_risk_analysis"
    assert exemption_for("eea", "SEK", 50_000, ON, 100, "SE") is None


@each(
    ("scheme", "code", "country", "wanted"),
    [
        ("mastercard", "65", "DE", True),
        ("mastercard", "65", "GB", True),
        ("mastercard", "65", "CH", False),
        ("mastercard", "65", "US", False),
        ("visa", "1A", "DE", True),
        ("visa", "70", "AE", True),
    ],
)
def test_where_a_code_wants_the_customer(
    scheme: str, code: str, country: str, wanted: bool
) -> None:  # noqa: FBT001
    read = read_decline(scheme=scheme, code=code_of(None, code), on=ON, region=region_of(country))
    assert (read.reason == "sca_required") is wanted


@each(
    ("country", "rule", "region"),
    [
        ("DE", "mc-attempts-30d", "europe"),
        ("GB", "mc-attempts-30d", "europe"),
        ("BR", "mc-attempts-30d", "brazil"),
        ("CA", "mc-attempts-30d", "canada"),
        ("US", "mc-attempts-30d", "us"),
        ("AE", "mc-attempts-30d", "world"),
    ],
)
def test_the_rows_of_a_country_apply(country: str, rule: str, region: str) -> None:
    row = valid_row([one for one in ROWS if one.rule_id == rule], ON, region_of(country))
    assert row is not None
    assert row.region == region
