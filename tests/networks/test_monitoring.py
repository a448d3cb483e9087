"""Where a merchant number stands in the networks' monitoring programmes."""

from datetime import date

import pytest

from recoup.networks.monitoring import PROGRAMS, MonthCount, programs_of, standings

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)


def counted(month: date, scheme: str = "visa", acceptor_id: str = "m-1", **more: int) -> MonthCount:
    zero = dict.fromkeys(("sales", "disputes", "frauds", "fraud_disputes", "fraud_units"), 0)
    return MonthCount(acceptor_id, scheme, month, **(zero | more))


@pytest.mark.parametrize(
    ("sales", "disputes", "frauds", "state"),
    [
        (100_000, 749, 0, "below"),  # enough of a ratio, too few cases
        (100_000, 700, 50, "half"),  # reports of fraud count beside disputes
        (100_001, 750, 0, "below"),  # enough cases, just too small a ratio
        (100_000, 1_499, 0, "half"),
        (100_000, 1_000, 500, "over"),
        (0, 1_500, 0, "over"),
        (0, 0, 0, "below"),
    ],
)
def test_visas_programme_wants_both_the_ratio_and_the_count(
    sales: int, disputes: int, frauds: int, state: str
) -> None:
    (found,) = standings([counted(NOVEMBER, sales=sales, disputes=disputes, frauds=frauds)], "us")
    assert (found.of.program, found.state, found.of.certain) == ("VAMP", state, True)


def test_mastercards_chargebacks_are_divided_by_the_sales_of_the_month_before() -> None:
    rows = [
        counted(OCTOBER, "mastercard", sales=10_000),
        counted(NOVEMBER, "mastercard", sales=1_000_000, disputes=300),
    ]
    found = {one.of.level: one for one in standings(rows, "us") if one.month == NOVEMBER}
    assert (found["ECM"].state, found["HECM"].state) == ("over", "over")
    assert (found["ECM"].basis_points, found["ECM"].sales) == (300, 10_000)
    fewer = [rows[0], rows[1]._replace(disputes=299)]
    found = {one.of.level: one for one in standings(fewer, "us") if one.month == NOVEMBER}
    assert (found["ECM"].state, found["HECM"].state) == ("over", "half")


def test_merchant_numbers_stand_for_themselves() -> None:
    rows = [
        counted(NOVEMBER, acceptor_id=name, sales=1_000, disputes=n)
        for name, n in (("a", 1_600), ("b", 1))
    ]
    assert [(one.acceptor_id, one.state) for one in standings(rows, "us")] == [
        ("a", "over"),
        ("b", "below"),
    ]


@pytest.mark.parametrize(
    ("region", "month", "basis_points", "certain"),
    [
        ("us", date(2026, 4, 1), 150, True),
        ("us", date(2026, 3, 1), 220, True),
        ("eea_uk", date(2026, 11, 1), 150, True),
        ("canada", date(2025, 6, 1), 220, True),
        ("us", date(2025, 5, 1), 150, False),  # announced, and overtaken
        ("brazil", date(2026, 11, 1), 150, False),
        ("nowhere", date(2026, 11, 1), 150, False),
    ],
)
def test_the_row_of_the_region_and_the_month_holds(
    region: str, month: date, basis_points: int, certain: bool
) -> None:
    (row,) = programs_of("visa", region, month)
    assert (row.basis_points, row.certain) == (basis_points, certain)


def test_fraud_is_measured_by_its_amount_and_only_after_a_thousand_sales() -> None:
    november = counted(NOVEMBER, "mastercard", fraud_disputes=60, fraud_units=5_000_000)
    for sales, state in ((999, "below"), (1_000, "over")):
        rows = [counted(OCTOBER, "mastercard", sales=sales), november]
        (found,) = [
            one
            for one in standings(rows, "us")
            if one.month == NOVEMBER and one.of.program == "EFM"
        ]
        assert (found.state, found.of.certain) == (state, False)


def test_each_row_names_where_it_is_published() -> None:
    for one in PROGRAMS:
        assert one.document, one
        assert one.certain or any(
            word in one.document for word in ("conflict", "not seen", "not counted", "no source")
        )
