"""The matcher never matches by the amount alone, matches nothing twice, and loses nothing."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.plain_matcher import match

from recoup.bank.rules.matching import (
    KINDS,
    Found,
    Ours,
    Theirs,
    check_units,
    is_inward,
    judge,
    recipes_of,
    signed_type,
    unit_of,
)
from recoup.bank.rules.statement import content_id
from recoup.kernel.problem import Problem
from recoup.orders.rules.ledger import Entry

AT = datetime(2026, 11, 15, tzinfo=UTC)
PERIOD = (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
TYPES = ("charge", "refund")
ids = st.integers(1, 6).map(lambda n: UUID(int=n))
references = st.sampled_from(["", "r1", "r2", "r3"])


@st.composite
def movements(draw: st.DrawFn) -> list[Ours]:
    keys = draw(st.lists(st.tuples(ids, st.sampled_from(TYPES)), unique=True, max_size=8))
    return [
        Ours(
            (UUID(int=100 + n), 1),
            source,
            type_,
            draw(references),
            draw(st.integers(1, 3)),
            draw(st.sampled_from(["USD", "USD", "EUR"])),
            AT + timedelta(days=draw(st.integers(-40, 40))),
        )
        for n, (source, type_) in enumerate(keys)
    ]


@st.composite
def statements(draw: st.DrawFn) -> list[Theirs]:
    found = []
    for number in range(draw(st.integers(0, 10))):
        type_, our_id = draw(st.sampled_from(TYPES)), draw(st.none() | ids)
        reference, units = draw(references), draw(st.integers(1, 3))
        line_id = content_id("processor", type_, our_id, reference, units, "USD", AT)
        found.append(Theirs(number + 2, line_id, type_, our_id, reference, units, "USD", AT))
    return found


@given(statements(), movements())
def test_every_line_and_every_movement_has_one_verdict(
    lines: list[Theirs], ours: list[Ours]
) -> None:
    verdicts, missing = match("processor", lines, ours, PERIOD, "sandbox")
    assert len(verdicts) == len(lines)
    gone = {o.entry for o, _ in missing}
    for o in ours:
        same = [
            i
            for i, line in enumerate(lines)
            if line.type == o.type
            and (line.our_id == o.source_id or (line.reference and line.reference == o.reference))
        ]
        if not same and PERIOD[0] <= o.at < PERIOD[1] and o.asset in {line.asset for line in lines}:
            assert o.entry in gone
    once = [
        v for v in verdicts if v.outcome in ("matched", "amount_differs") and v.reason != "in_parts"
    ]
    assert len(once) + len(gone) <= len(ours)


@given(statements(), movements())
def test_a_match_says_the_same_in_all_that_counts(lines: list[Theirs], ours: list[Ours]) -> None:
    verdicts, _ = match("processor", lines, ours, PERIOD, "sandbox")
    for line, verdict in zip(lines, verdicts, strict=True):
        if verdict.reason == "in_parts":
            assert verdict.posting is None
        elif verdict.outcome == "matched":
            assert any(
                (o.units, o.asset, o.type) == (line.units, line.asset, line.type)
                and (o.source_id == line.our_id or o.reference == line.reference != "")
                for o in ours
            )
            assert verdict.posting is None
        if verdict.posting is not None:
            assert verdict.outcome in ("missing_here", "amount_differs")
            assert sum(entry.units for entry in verdict.posting.entries) == 0


@given(statements(), movements(), st.randoms())
def test_the_order_of_the_file_does_not_matter(
    lines: list[Theirs], ours: list[Ours], random: object
) -> None:
    verdicts, missing = match("processor", lines, ours, PERIOD, "sandbox")
    mixed = list(enumerate(lines))
    random.shuffle(mixed)  # type: ignore[attr-defined]
    again, missing_again = match("processor", [line for _, line in mixed], ours, PERIOD, "sandbox")
    assert [again[[i for i, _ in mixed].index(n)] for n in range(len(lines))] == verdicts
    assert missing_again == missing


@given(movements())
def test_what_was_written_from_the_ledger_matches_wholly(ours: list[Ours]) -> None:
    lines = [
        Theirs(n, o.entry[0], o.type, o.source_id, o.reference, o.units, o.asset, o.at)
        for n, o in enumerate(ours, 2)
    ]
    verdicts, missing = match("processor", lines, ours, PERIOD, "sandbox")
    assert all(v.outcome == "matched" for v in verdicts)
    assert not missing


def line(type_: str, units: int = 500, **more: object) -> Theirs:
    return Theirs(2, UUID(int=9), type_, None, "r9", units, "USD", AT)._replace(**more)


def test_only_what_repeats_another_line_wholly_is_a_duplicate() -> None:
    ours = Ours((UUID(int=1), 1), UUID(int=2), "charge", "r9", 500, "USD", AT)
    later = AT + timedelta(days=1)

    def told(*lines: Theirs) -> list[tuple[str, str, int | None]]:
        numbered = [
            one._replace(
                number=n,
                line_id=content_id("processor", "charge", None, "r9", one.units, "USD", one.at),
            )
            for n, one in enumerate(lines, 2)
        ]
        verdicts, missing = match("processor", numbered, [ours], PERIOD, "sandbox")
        assert not missing
        return [
            (v.outcome, v.reason, v.posting.entries[0].units if v.posting else None)
            for v in verdicts
        ]

    matched = ("matched", "by_reference", None)
    assert told(line("charge"), line("charge")) == [
        matched,
        ("duplicate", "same_as_another_line", None),
    ]
    assert told(line("charge"), line("charge", 999_900)) == [
        matched,
        ("missing_here", "another_amount", 999_900),
    ]
    assert told(line("charge", 999_900), line("charge")) == [
        ("missing_here", "another_amount", 999_900),
        matched,
    ]
    assert told(line("charge"), line("charge", at=later)) == [
        matched,
        ("missing_here", "another_date", 500),
    ]
    assert (
        told(line("charge", 200), line("charge", 300, at=later))
        == [("matched", "in_parts", None)] * 2
    )
    part, again = ("matched", "in_parts", None), ("duplicate", "same_as_another_line", None)
    assert told(line("charge", 250), line("charge", 250)) == [part, part]
    assert told(line("charge", 250), line("charge", 250), line("charge", 250)) == [
        part,
        part,
        again,
    ]
    assert told(line("charge", 200), line("charge", 100), line("charge", 200)) == [part, part, part]
    # What is suggested for all lines together is what they have more or less than the ledger.
    assert told(line("charge", 200), line("charge", 200), line("charge", 150)) == [
        ("amount_differs", "amount_differs", 300),
        again,
        ("missing_here", "another_amount", 150),
    ]


def test_the_fee_of_a_dispute_that_its_notice_booked_is_no_second_cost() -> None:
    """A proof by Stripe's stand-in found ten: the notice and the balance both had the fee, and both
    were costs."""
    ours = Ours((UUID(int=1), 1), UUID(int=2), "dispute_fee", "r9", 1500, "USD", AT)
    verdicts, missing = match("processor", [line("dispute_fee", 1500)], [ours], PERIOD, "sandbox")
    assert ([(one.outcome, one.posting) for one in verdicts], missing) == ([("matched", None)], [])


def test_what_is_suggested_books_the_money_where_it_is() -> None:
    def entries(
        kind: str,
        one: Theirs,
        found: Found = Found(None),  # noqa: B008 - a value
    ) -> list[Entry] | None:
        posting = judge(kind, one, found, "sandbox").posting
        return list(posting.entries) if posting else None

    assert entries("processor", line("fee")) == [
        Entry("processing_cost", "", 500),
        Entry("clearing", "sandbox", -500),
    ]
    assert entries("processor", line("dispute_fee")) == entries("processor", line("fee"))
    assert entries("processor", line("fee_returned")) == [
        Entry("clearing", "sandbox", 500),
        Entry("processing_cost", "", -500),
    ]
    assert entries("processor", line("funding_return")) is None
    assert entries("bank", line("funding_return")) == [
        Entry("clearing", "sandbox", 500),
        Entry("bank", "", -500),
    ]
    assert entries("bank", line("funding")) == [
        Entry("bank", "", 500),
        Entry("clearing", "sandbox", -500),
    ]
    assert entries("processor", line("funding")) is None
    assert entries("processor", line("charge")) == [
        Entry("clearing", "sandbox", 500),
        Entry("suspense", "", -500),
    ]
    assert entries("processor", line("refund")) == [
        Entry("suspense", "", 500),
        Entry("clearing", "sandbox", -500),
    ]
    assert entries("bank", line("payout")) == [Entry("suspense", "", 500), Entry("bank", "", -500)]
    ours = Ours((UUID(int=1), 1), UUID(int=2), "charge", "r9", 600, "USD", AT)
    assert entries("processor", line("charge"), Found(ours, "reference")) == [
        Entry("suspense", "", 100),
        Entry("clearing", "sandbox", -100),
    ]
    paid = Ours((UUID(int=1), 1), UUID(int=2), "funding", "r9", 600, "USD", AT)
    less = [
        Entry("clearing", "sandbox", 100),
        Entry("suspense", "", -100),
    ]  # the processor let less of it go
    assert entries("processor", line("funding"), Found(paid, "reference")) == less
    assert entries("processor", line("charge", route="other"), Found(None)) == [
        Entry("clearing", "other", 500),
        Entry("suspense", "", -500),
    ]


def test_the_signs_of_each_kind_of_file_name_types_that_it_has() -> None:
    for kind, types in KINDS.items():
        for type_ in types:
            if not recipes_of(kind)[type_]:
                continue  # a word of one processor, which becomes one of the others
            for came_in in (True, False):
                found = signed_type(kind, type_, came_in=came_in)
                assert not found or found in types, (kind, type_)
                assert not found or signed_type(kind, found, came_in=came_in) == found, (
                    kind,
                    type_,
                )
            assert is_inward(kind, type_) != (signed_type(kind, type_, came_in=False) == type_), (
                kind,
                type_,
            )


def test_a_file_in_another_unit_is_told_from_one_of_other_amounts() -> None:
    ours = Ours((UUID(int=1), 1), UUID(int=2), "charge", "r9", 4590, "USD", AT)
    yen, dinar = ours._replace(asset="JPY"), ours._replace(asset="BHD")
    for theirs, asset, mine, unit in (
        (4590, "USD", ours, "same"),
        (459_000, "USD", ours, "minor"),
        (4599, "USD", ours, "other"),
        (45, "USD", ours._replace(units=4500), "major"),
        (459_000, "EUR", ours, "other"),
        (459_000, "JPY", yen, "other"),
        (4_590_000, "BHD", dinar, "minor"),
        (4590, "USD", None, ""),
    ):
        assert unit_of(line("charge", theirs, asset=asset), Found(mine, "reference")) == unit, (
            theirs,
            asset,
        )
    check_units(Counter(minor=9, same=1))
    check_units(Counter(minor=2, other=2))
    check_units(Counter({"": 9}))
    for unit, words in (("minor", "in the smallest unit"), ("major", "in whole units")):
        with pytest.raises(Problem, match=words) as refused:
            check_units(Counter({unit: 2, "other": 1, "": 5}))
        assert (refused.value.field, unit in str(refused.value.cure)) == ("amounts", True)
