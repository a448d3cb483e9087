"""An order's deposits come to the same in any order of arrival; each mistake of a payer is a fact
of its own."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from recoup.chains.fold import BLOCK, GRACE, Deposit, Key, Outcome, fold

END = datetime(2026, 11, 26, 12, tzinfo=UTC)
DUE = 49_900_000
BASE = 8453


def deposit(value: int = DUE, at: timedelta = timedelta(minutes=-5), **more: Any) -> Deposit:
    """Confirmed, in time, of the right token; `tx` and `log` number its key."""
    key = Key(more.pop("chain", BASE), bytes([more.pop("tx", 1)]) * 32, more.pop("log", 0))
    block_at = END + at
    block = 1_000_000 + int(at / timedelta(seconds=2))
    usual = {
        "block": block,
        "block_hash": block.to_bytes(32, "big"),
        "right": True,
        "state": "confirmed",
    }
    return Deposit(key=key, block_at=block_at, value=value, **(usual | more))


def folded(*deposits: Deposit, due: int = DUE, **more: Any) -> Outcome:
    return fold(deposits, due, END, **more)


def sums(outcome: Outcome) -> tuple[int, ...]:
    return outcome.received, outcome.missing, outcome.excess, outcome.late, outcome.unmatched


M = timedelta(minutes=1)
HALF = DUE // 2
CASES: dict[str, tuple[tuple[Deposit, ...], tuple[int, ...], bool]] = {
    "nothing": ((), (0, DUE, 0, 0, 0), False),
    "all of it": ((deposit(),), (DUE, 0, 0, 0, 0), True),
    "a unit short": ((deposit(DUE - 1),), (DUE - 1, 1, 0, 0, 0), False),
    "too much": ((deposit(DUE + 5),), (DUE + 5, 0, 5, 0, 0), True),
    "two halves": ((deposit(HALF), deposit(HALF, tx=2)), (DUE, 0, 0, 0, 0), True),
    "two logs of one transaction": ((deposit(HALF), deposit(HALF, log=1)), (DUE, 0, 0, 0, 0), True),
    "twice": ((deposit(), deposit(tx=2, at=-M)), (2 * DUE, 0, DUE, 0, 0), True),
    "again, days after it was paid": (
        (deposit(), deposit(tx=2, at=99 * 24 * 60 * M)),
        (2 * DUE, 0, DUE, DUE, 0),
        True,
    ),
    "zero": ((deposit(0),), (0, DUE, 0, 0, 0), False),
    "the wrong token": ((deposit(right=False),), (0, DUE, 0, 0, 0), False),
    "the wrong token beside half": (
        (deposit(HALF), deposit(tx=2, right=False)),
        (HALF, HALF, 0, 0, 0),
        False,
    ),
    "the right token on another network": (
        (deposit(HALF), deposit(HALF, chain=56)),
        (DUE, 0, 0, 0, 0),
        True,
    ),
    "not yet confirmed": ((deposit(state="seen"),), (0, DUE, 0, 0, 0), False),
    "in no block any more": ((deposit(state="orphaned"),), (0, DUE, 0, 0, 0), False),
    "in the block of the end": ((deposit(at=timedelta(0)),), (DUE, 0, 0, 0, 0), True),
    "a block after the end": ((deposit(at=BLOCK),), (DUE, 0, 0, 0, 0), True),
    "later than a block": ((deposit(at=BLOCK + timedelta(seconds=1)),), (DUE, 0, 0, DUE, 0), True),
    "late by an hour": ((deposit(at=GRACE),), (DUE, 0, 0, DUE, 0), True),
    "late by more": ((deposit(at=GRACE + timedelta(seconds=1)),), (DUE, DUE, 0, DUE, DUE), False),
    "half in time, half late": (
        (deposit(HALF), deposit(HALF, tx=2, at=30 * M)),
        (DUE, 0, 0, HALF, 0),
        True,
    ),
    "half in time, half too late": (
        (deposit(HALF), deposit(HALF, tx=2, at=90 * M)),
        (DUE, HALF, 0, HALF, HALF),
        False,
    ),
    "late, and part of it": ((deposit(HALF, at=30 * M),), (HALF, HALF, 0, HALF, 0), False),
    "late and over": ((deposit(DUE + 7, at=30 * M),), (DUE + 7, 0, 7, DUE + 7, 0), True),
}


def test_each_mistake_is_told_apart() -> None:
    wrong = []
    for name, (deposits, expected, paid) in CASES.items():
        outcome = folded(*deposits)
        if sums(outcome) != expected or (outcome.paid_by is not None) != paid:
            wrong.append(f"{name}: {sums(outcome)} {outcome.paid_by}")
    assert not wrong


def test_it_is_paid_by_the_transfer_that_completed_it() -> None:
    """By the order of blocks, not of arrival."""
    first, second, third = (
        deposit(HALF, at=-9 * M),
        deposit(HALF, tx=2, at=-6 * M),
        deposit(HALF, tx=3, at=-3 * M),
    )
    outcome = folded(third, second, first)
    assert outcome.paid_by == second.key
    assert outcome.excess == HALF
    late = replace(second, block_at=END + 30 * M)
    assert folded(first, late, third).paid_by == third.key


def test_a_little_less_pays_within_the_tolerance() -> None:
    """Whatever makes it up later, the rest is never missing and in excess at once."""
    enough, wrong = DUE - 500, []
    for name, deposits, expected in (
        ("a unit too little", (deposit(enough - 1),), (enough - 1, 501, 0, 0, False)),
        ("just enough", (deposit(enough),), (enough, 0, 500, 0, True)),
        ("in two", (deposit(enough - 7), deposit(7, tx=2)), (enough, 0, 500, 0, True)),
        ("and the rest", (deposit(enough), deposit(400, tx=2)), (enough + 400, 0, 100, 0, True)),
        ("and more", (deposit(enough), deposit(501, tx=2)), (DUE + 1, 0, 0, 1, True)),
        (
            "the rest too late",
            (deposit(enough), deposit(500, tx=2, at=99 * M)),
            (DUE, 0, 0, 0, True),
        ),
        ("not yet confirmed", (deposit(enough, state="seen"),), (0, DUE, 0, 0, False)),
        ("all of it", (deposit(),), (DUE, 0, 0, 0, True)),
    ):
        made = folded(*deposits, enough=enough)
        found = (made.received, made.missing, made.short, made.excess, made.paid_by is not None)
        if found != expected:
            wrong.append(f"{name}: {found}")
    assert not wrong
    for least in (0, DUE + 1):
        with pytest.raises(ValueError, match="enough"):
            folded(deposit(), enough=least)


def test_what_was_seen_is_not_asked_for_again() -> None:
    outcome = folded(deposit(HALF), deposit(HALF - 3, tx=2, state="seen"))
    assert (outcome.missing, outcome.seen, outcome.rest) == (HALF, HALF - 3, 3)
    assert folded(deposit(2 * DUE, state="seen")).rest == 0


def test_other_tokens_are_kept_apart() -> None:
    assert folded(deposit(0, right=False)).wrong == ()
    fake = deposit(right=False)
    assert folded(fake).wrong == (fake,)


def test_slow_chains_have_longer_blocks() -> None:
    late = deposit(at=timedelta(seconds=20))
    assert folded(late).late == DUE
    assert folded(late, block_times={BASE: timedelta(seconds=20)}).late == 0


def test_a_moved_transfer_counts_once() -> None:
    """The reorg puts it into another block; the first place is orphaned,
    or was not heard of again."""
    here = deposit(state="seen")
    there = replace(here, block=here.block + 1, block_hash=b"\x07" * 32, state="confirmed")
    for old in (here, replace(here, state="orphaned")):
        outcome = folded(old, there)
        assert (outcome.received, outcome.seen) == (DUE, 0)
    assert folded(here, replace(here, state="orphaned")).seen == 0


def test_nothing_is_due_only_by_mistake() -> None:
    with pytest.raises(ValueError, match="more than nothing"):
        folded(due=0)


minutes = st.integers(-30, 150).map(lambda n: n * M)
values = st.sampled_from([0, 1, 5, HALF, DUE - 1, DUE, DUE + 1]) | st.integers(0, 2 * DUE)
blocks = st.integers(0, 3)


@st.composite
def told(draw: st.DrawFn) -> list[Deposit]:
    """Some transfers, some of them told of in several blocks and states."""
    made = []
    for tx in range(draw(st.integers(0, 5))):
        one = deposit(
            draw(values), draw(minutes), tx=tx + 1, chain=draw(st.sampled_from([BASE, 56]))
        )
        one = replace(one, right=draw(st.sampled_from([True, True, True, False])))
        for _ in range(draw(st.integers(1, 3))):
            block = one.block + draw(blocks)
            state = draw(st.sampled_from(["seen", "confirmed", "orphaned"]))
            made.append(
                replace(one, block=block, block_hash=block.to_bytes(32, "big"), state=state)
            )
    return made


@given(told(), st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_gives_the_same(deposits: list[Deposit], random: Any) -> None:
    again = [*deposits, *random.choices(deposits, k=4)] if deposits else []
    random.shuffle(again)
    assert folded(*again) == folded(*deposits)
    assert folded(*reversed(deposits)) == folded(*deposits)


@given(told(), told())
def test_an_orphan_removed_was_never_there(
    deposits: list[Deposit], others: Sequence[Deposit]
) -> None:
    orphans = [replace(d, state="orphaned", key=d.key._replace(log_index=9)) for d in others]
    assert folded(*deposits, *orphans) == folded(*deposits)


@given(told())
def test_one_orphaned_block_removed_was_never_there(deposits: list[Deposit]) -> None:
    """Also when the transfer went on in another block."""
    places = {(d.key, d.block_hash) for d in deposits if d.state == "orphaned"}
    places -= {(d.key, d.block_hash) for d in deposits if d.state == "confirmed"}
    assume(places)
    rest = [d for d in deposits if (d.key, d.block_hash) not in places]
    assert folded(*deposits) == folded(*rest)


@given(told(), st.integers(1, 3 * DUE), st.integers(0, DUE))
def test_every_unit_is_somewhere(deposits: list[Deposit], due: int, tolerance: int) -> None:
    outcome = folded(*deposits, due=due, enough=max(due - tolerance, 1))
    assert (
        outcome.received + outcome.missing + outcome.short
        == due + outcome.excess + outcome.unmatched
    )
    assert min(*sums(outcome), outcome.short) >= 0
    assert outcome.short <= tolerance
    assert [outcome.missing, outcome.short, outcome.excess].count(0) >= 2
    assert (outcome.paid_by is not None) == (outcome.missing == 0)
    assert max(outcome.late, outcome.unmatched) <= outcome.received
    assert all(d.block_at <= END + GRACE for d in deposits if d.key == outcome.paid_by)


@given(told(), values)
def test_more_money_never_unpays(deposits: list[Deposit], value: int) -> None:
    before = folded(*deposits)
    after = folded(*deposits, deposit(value, tx=99))
    assert after.received >= before.received
    assert before.paid_by is None or after.paid_by is not None
