"""An exemption is claimed where its dated row, of region and currency, allows so much, and nowhere
else."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.networks.exemptions import ROWS, exemption_for
from recoup.networks.tables import read_table

ON = date(2026, 11, 23)
TRA, LOW = "transaction_risk_analysis", "low_value"


@each(
    ("region", "currency", "units", "rate", "expected"),
    [
        ("eea_uk", "EUR", 50_000, 100, TRA),
        ("eea_uk", "EUR", 50_001, 100, None),
        ("eea_uk", "EUR", 25_001, 101, None),
        ("eea_uk", "EUR", 25_000, 600, TRA),
        ("eea_uk", "EUR", 10_000, 1_300, TRA),
        ("eea_uk", "EUR", 2_000, 1_301, LOW),
        ("eea_uk", "EUR", 3_000, None, LOW),
        ("eea_uk", "EUR", 3_001, None, None),
        ("eea_uk", "GBP", 44_000, 100, TRA),
        ("eea_uk", "GBP", 2_501, None, None),
        ("eea_uk", "SEK", 100, 100, None),
        ("us", "EUR", 100, 100, None),
        ("nowhere", "EUR", 100, 100, None),
    ],
)
def test_what_may_be_claimed(
    region: str, currency: str, units: int, rate: int | None, expected: str | None
) -> None:
    assert exemption_for(region, currency, units, ON, rate) == expected


def test_before_its_day_nothing_is_claimed() -> None:
    assert exemption_for("eea_uk", "EUR", 100, date(2019, 9, 13), 100) is None
    assert exemption_for("eea_uk", "GBP", 100, date(2020, 12, 31), 100) is None


@given(
    st.sampled_from(("EUR", "GBP")),
    st.integers(1, 10**6),
    st.integers(0, 10**5),
    st.integers(0, 10**5),
    st.booleans(),
)
def test_less_risk_or_less_money_never_costs_an_exemption(
    currency: str, units: int, rate: int, more: int, known: bool
) -> None:
    if exemption_for("eea_uk", currency, units, ON, rate + more if known else None):
        assert exemption_for("eea_uk", currency, max(1, units - more), ON, rate)


def test_each_row_names_its_document() -> None:
    assert len(ROWS) == len(read_table("sca-exemptions.csv"))
    for row in read_table("sca-exemptions.csv"):
        assert row["document"]
        assert row["source"]
        assert row["confidence"] in ("H", "M", "L")
