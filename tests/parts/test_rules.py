"""A part of an amount: when one is tried, how much it is, how a refund is cut over charges; and
that the decision with it repeats."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.insight.rules.what_if import what_if
from recoup.kernel.ids import new_id
from recoup.kernel.money import EXPONENTS
from recoup.kernel.problem import Problem
from recoup.kernel.time import BusinessTime
from recoup.networks.codes import code_of, read_decline
from recoup.parts.rules import (
    COUNT_MAX,
    INPUT,
    OFF,
    PARTS_1,
    RULE,
    SHARE_MAX,
    SHARE_MIN,
    PartInput,
    PartTerms,
    changed,
    part_of,
)
from recoup.policies.rules.policy import CURRENT
from recoup.rescue.rules.decide import decide
from recoup.rescue.rules.evidence import Evidence, Tried
from recoup.settlement.rules.over_charges import over_charges, over_pieces
from recoup.webhooks.rules.replay import decide_again

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
UNITS = st.integers(1, 10**10)
CURRENCIES = st.sampled_from(["USD", "JPY", "KWD", "HUF", "EUR"])
READY = PartInput(PARTS_1.version, 9000, 25, 2, whole_declined=True)


def asked(code: str = "51", parts: PartInput | None = READY) -> Evidence:
    reading = read_decline(
        scheme="visa", code=code_of(None, code), text=None, advice=None, on=NOW.date()
    )
    return Evidence(
        kind="managed_mit",
        reading=reading,
        first_declined_at=NOW - timedelta(days=2),
        started_at=NOW - timedelta(days=2),
        now=BusinessTime(NOW),
        expires_at=NOW + timedelta(days=28),
        units=9000,
        currency="USD",
        attempts=(Tried("funds", NOW - timedelta(hours=1)),),
        of_features={} if parts is None else {INPUT: parts},
    )


@given(
    units=UNITS,
    share=st.integers(SHARE_MIN, SHARE_MAX),
    currency=CURRENCIES,
    before=st.integers(0, 10**10),
    code=st.sampled_from(["51", "61"]),
    tries=st.integers(0, 6),
    keeps=st.booleans(),
    tried=st.integers(0, 5),
)
def test_a_part_leaves_a_rest_and_is_no_smaller_than_the_terms_say(
    units: int,
    share: int,
    currency: str,
    before: int,
    code: str,
    tries: int,
    keeps: bool,
    tried: int,
) -> None:
    owed = units - before % units
    wanted = PartInput(
        PARTS_1.version, owed, share, COUNT_MAX, tried, whole_declined=True, keeps=keeps
    )
    part = part_of(wanted, code, units, currency, tries)
    if part is None:
        return
    assert 0 < part.units < owed
    assert part.units * 100 >= units * share
    assert part.units <= max(owed // 2, units * share // 100 + 10 ** EXPONENTS[currency])
    assert 0 < part.chance < 1
    assert tried < COUNT_MAX
    assert tries >= (1 if keeps else 2)
    step = 10 ** EXPONENTS[currency]
    assert part.units % step == 0 or part.units < 10 * step
    assert EXPONENTS[currency] < 3 or part.units % 10 == 0, "some processors take no third decimal"


@pytest.mark.parametrize(
    ("units", "currency", "part"),
    [
        (4591, "USD", 2300),
        (4590, "USD", 2300),
        (9000, "USD", 4500),
        (7777, "JPY", 3889),
        (5210, "KWD", 2610),
    ],
)
def test_a_half_is_a_part_however_it_is_rounded(units: int, currency: str, part: int) -> None:
    found = part_of(replace(READY, owed=units, least_share=50), "51", units, currency, 2)
    assert found is not None
    assert found.units == part


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from(["51", "61", "05", "54", None, ""]))
def test_a_smaller_share_is_never_less_likely(one: float, other: float, code: str | None) -> None:
    low, high = sorted((one, other))
    assert 0 <= PARTS_1.chance(code, high) <= PARTS_1.chance(code, low) <= 1
    if code not in PARTS_1.weights:
        assert PARTS_1.chance(code, low) == 0


def test_the_prior_stays_as_it_was() -> None:
    found = [round(PARTS_1.chance("51", share), 4) for share in (0.0, 0.25, 1 / 3, 0.5, 0.9, 1.0)]
    assert found == [0.5, 0.3, 0.24, 0.15, 0.024, 0.0], "another curve is another version"


@pytest.mark.parametrize(
    "parts",
    [
        None,
        replace(READY, whole_declined=False),
        replace(READY, tried=2),
        replace(READY, owed=1),
    ],
)
def test_no_part_where_the_terms_or_the_tries_before_do_not_allow_it(
    parts: PartInput | None,
) -> None:
    decision = decide(asked(parts=parts), CURRENT)
    assert RULE not in decision.rules
    assert "part" not in [one.name for one in decision.alternatives]


@each("code", ["05", "14", "54", "65", "91", "04"])
def test_no_part_for_another_decline(code: str) -> None:
    assert RULE not in decide(asked(code), CURRENT).rules


def test_a_decision_with_a_part_says_so_changes_no_time_and_repeats() -> None:
    evidence = asked()
    decision = decide(evidence, CURRENT)
    plain = decide(replace(evidence, of_features={}), CURRENT)
    assert (decision.verdict, decision.plan) == (plain.verdict, plain.plan)
    assert decision.rules == (*plain.rules, "part")
    assert decision.reasons[-2] == (
        "The next attempt is for a part, 30.00 of 90.00 USD: its chance is 24 %, a rough prior. "
        "The rest stays owed."
    )
    assert [(one.name, one.chance) for one in decision.alternatives][-1] == ("part", 0.24)
    told = evidence.features()
    assert decide_again(told, decision.versions) == decision
    assert Evidence.from_dict(told) == evidence
    assert "parts" not in replace(evidence, of_features={}).features(), "older decisions have none"
    without = next(one for one in what_if(told, decision.versions, {}) if one.change == "no_parts")
    assert without.differs
    assert not [
        one
        for one in what_if(replace(evidence, of_features={}).features(), plain.versions, {})
        if one.change == "no_parts"
    ]


def test_the_last_try_is_for_a_part_only_where_it_is_kept() -> None:
    assert part_of(READY, "51", 9000, "USD", 1) is None
    assert part_of(replace(READY, keeps=True), "51", 9000, "USD", 1) is not None


# refunds over charges
# -------------------------------------------------------------------------------------------------

ROOMS = st.lists(st.integers(-100, 10**9), max_size=6)


@given(rooms=ROOMS, share=st.floats(0, 1))
def test_a_refund_takes_from_each_charge_no_more_than_it_has_left(
    rooms: list[int], share: float
) -> None:
    charges = [(new_id(), room) for room in rooms]
    whole = sum(max(0, room) for room in rooms)
    units = int(whole * share)
    pieces = over_charges(charges, units)
    assert sum(piece for _, piece in pieces) == units
    left = dict(charges)
    assert all(0 < piece <= left[charge] for charge, piece in pieces)
    order = [charge for charge, _ in charges]
    assert [order.index(charge) for charge, _ in pieces] == sorted(
        order.index(charge) for charge, _ in pieces
    )
    full = [charge for charge, piece in pieces if piece == left[charge]]
    assert len(pieces) - len(full) <= 1, "an older charge is used up before the next"


def test_more_than_the_charges_have_is_refused() -> None:
    with pytest.raises(ValueError, match="1 units less"):
        over_charges([(UUID(int=1), 5), (UUID(int=2), 0)], 6)


@given(
    lines=st.lists(st.integers(1, 10**6), max_size=5),
    cuts=st.lists(st.integers(0, 10**6), max_size=4),
)
def test_the_pieces_of_a_refund_by_items_add_up(lines: list[int], cuts: list[int]) -> None:
    items = [{"line": n, "units": units, "quantity": n} for n, units in enumerate(lines, 1)]
    whole, pieces = sum(lines), list[int]()
    for cut in cuts:
        pieces.append(min(cut, whole - sum(pieces)))
    pieces.append(whole - sum(pieces))
    found = over_pieces(items, pieces)
    assert [sum(one["units"] for one in piece) for piece in found] == pieces
    for item in items:
        mine = [one for piece in found for one in piece if one["line"] == item["line"]]
        assert sum(one["units"] for one in mine) == item["units"]
        assert sum(one["quantity"] for one in mine) == item["quantity"]
    assert over_pieces([], pieces) == [[] for _ in pieces], "a refund by amount is for no line"


# terms
# --------------------------------------------------------------------------------------------------


def test_terms_change_one_by_one() -> None:
    assert changed(OFF, {"enabled": True, "least_share": None}) == PartTerms(enabled=True)
    assert changed(PartTerms(enabled=True), {"at_expiry": "keep"}) == PartTerms(
        enabled=True, at_expiry="keep"
    )
    assert not OFF.enabled


@pytest.mark.parametrize(
    ("name", "value"),
    [("least_share", "30"), ("least_share", 9), ("count_max", 5), ("at_expiry", "")],
)
def test_terms_out_of_bounds_are_named(name: str, value: object) -> None:
    with pytest.raises(Problem) as bad:
        changed(OFF, {name: value})
    assert bad.value.field == name
