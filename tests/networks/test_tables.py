"""The card data hold together: every row has its sense, no two bind on one day,
no day is left out."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import pytest
from tests.rings import each

from recoup.networks.reasons import REASONS, reason_of
from recoup.networks.tables import CODES, LIMITS, PROCESSOR_CODES, REGIONS, valid_row

NOW = date(2026, 11, 20)
RETRY = {
    "approved": {"never"},
    "hard": {"never"},
    "fraud": {"never", "after_contact"},
    "sca": {"after_authentication"},
    "data": {"after_data_change"},
    "configuration": {"after_configuration"},
    "funds": {"yes"},
    "soft": {"yes", "after_contact"},
    "technical": {"yes", "never"},
}
SCHEMES = {"visa", "mastercard", "amex", "discover", "generic", "elo"}
ADVICE_WAITS = {"24": 1, "25": 24, "26": 48, "27": 96, "28": 144, "29": 192, "30": 240}
# By a rule for each of its codes, and by plans that follow the network's time.
REPLACED = {"visa-stop-instruction", *(f"mc-advice-{code}" for code in ADVICE_WAITS)}


def one(
    code: str, scheme: str = "visa", kind: str = "response", on: date = NOW, region: str = "world"
) -> Any:
    rows = [row for row in CODES if (row.scheme, row.kind, row.code) == (scheme, kind, code)]
    return valid_row(rows, on, region)


def test_all_rows_are_there() -> None:
    assert (len(CODES), len(LIMITS), len(PROCESSOR_CODES)) == (310, 65, 834)


def test_each_class_goes_with_its_retry_word() -> None:
    for row in CODES:
        assert row.retry in RETRY[row.klass], row
        assert row.scheme in SCHEMES, row
        assert (row.visa_category is not None) == (
            row.scheme == "visa" and row.klass != "approved"
        ), row
        assert row.visa_category != 1 or row.retry == "never", row
        assert row.retry != "yes" or row.min_wait_hours, row
        assert row.retry in ("yes", "after_contact") or row.min_wait_hours is None, row


@pytest.mark.parametrize(
    ("rows", "key"),
    [(CODES, ("scheme", "kind", "code", "region")), (LIMITS, ("scheme", "rule_id", "region"))],
    ids=["codes", "limits"],
)
def test_editions_follow_each_other_without_gap_or_overlap(rows: Any, key: tuple[str, ...]) -> None:
    groups = defaultdict(list)
    for row in rows:
        assert row.valid_from <= row.valid_to
        assert row.region in REGIONS or row.region == "interregional"
        groups[tuple(getattr(row, name) for name in key)].append((row.valid_from, row.valid_to))
    for name, periods in groups.items():
        periods.sort()
        for (_, end), (start, _) in zip(periods, periods[1:], strict=False):
            assert start == end + timedelta(days=1), name
        assert (periods[-1][1] == date.max) == (name[1] not in REPLACED), name


def test_every_regional_code_has_a_row_for_the_world() -> None:
    world = {(row.scheme, row.kind, row.code) for row in CODES if row.region == "world"}
    assert {(row.scheme, row.kind, row.code) for row in CODES} == world


def test_visas_first_category_of_today_and_of_2020() -> None:
    today = {
        row.code
        for row in CODES
        if row.visa_category == 1 and row.valid_from <= NOW <= row.valid_to
    }
    assert today == {"04", "07", "12", "14", "15", "41", "43", "46", "57", "R0", "R1", "R3"}
    then = {
        row.code
        for row in CODES
        if row.visa_category == 1 and row.valid_from <= date(2020, 12, 1) <= row.valid_to
    }
    assert then >= {"03", "62", "78", "93"}
    assert not then & {"14", "46"}


@pytest.mark.parametrize("code", ["1A", "70"])
def test_europe_reads_authentication_codes_as_category_3(code: str) -> None:
    assert one(code, region="europe").visa_category == 3
    assert one(code, region="us").visa_category == 4


def test_visa_83_changes_category_on_its_day() -> None:
    assert one("83", on=date(2026, 7, 24)).visa_category == 4
    assert one("83", on=date(2026, 7, 25)).visa_category == 2


def test_advice_waits() -> None:
    for code, hours in ADVICE_WAITS.items():
        row = one(code, "mastercard", "advice")
        assert (row.min_wait_hours, row.wait_by_rule) == (hours, True)
    assert {one(code, "mastercard", "advice").retry for code in ("03", "21")} == {"never"}
    assert all(one(code, "mastercard").needs_advice for code in ("79", "82", "83"))


@each(
    ("on", "rule", "region", "expected"),
    [
        ("2025-05-24", "visa-reattempt-30d", "world", (15, False)),
        ("2025-05-25", "visa-reattempt-30d", "world", (20, True)),
        ("2025-05-24", "visa-reattempt-30d", "brazil", (15, False)),
        ("2022-09-30", "mc-attempts-24h", "world", (20, False)),
        ("2022-10-01", "mc-attempts-24h", "world", (10, False)),
        ("2026-11-20", "mc-attempts-24h", "brazil", (7, False)),
        ("2026-11-20", "mc-attempts-30d", "us", (35, False)),
        ("2026-11-20", "mc-attempts-30d", "eea_uk", (35, False)),
        ("2026-11-20", "visa-category-1", "world", (0, False)),
        ("2026-11-20", "mc-advice-03", "world", (0, False)),
    ],
)
def test_limits_of_a_day(on: str, rule: str, region: str, expected: tuple[int, bool]) -> None:
    row = valid_row([row for row in LIMITS if row.rule_id == rule], date.fromisoformat(on), region)
    assert row is not None
    assert (row.maximum_sends, row.initiator_split) == expected


def test_every_scheme_has_a_limit_and_bans_have_the_waits_of_their_advice() -> None:
    assert {row.scheme for row in LIMITS if row.region == "world"} == SCHEMES
    for code, hours in ADVICE_WAITS.items():
        row = next(row for row in LIMITS if row.rule_id == f"mc-advice-{code}")
        assert (row.window_hours, row.maximum_sends) == (hours, 0)


def test_processor_words_name_codes_that_exist() -> None:
    classes = defaultdict(set)
    for row in CODES:
        classes[row.kind, row.code].add(row.klass)
    generic = {row.code for row in CODES if row.scheme == "generic"}
    seen = set()
    for row in PROCESSOR_CODES:
        assert (row.source, row.code) not in seen, row
        seen.add((row.source, row.code))
        assert row.reason in REASONS, row
        if row.kind == "reason":
            assert row.target == row.reason, row
            continue
        assert row.klass in classes[row.kind, row.target], row
        assert row.kind == "advice" or row.target in generic, row


def test_every_code_has_a_reason_and_its_cure() -> None:
    for row in CODES:
        assert REASONS[reason_of(row.kind, row.code, row.klass)][1].endswith("."), row
