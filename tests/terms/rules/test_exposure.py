"""Exposure: whatever is taken, given back, allotted or lowered, the sums never pass the limit that
was in force."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.terms.rules.exposure import SLOTS, Limits, Slot, allot, give_back, take

UNITS = st.integers(1, 10**9)


def total(slots: tuple[Slot, ...], name: str) -> int:
    return sum(getattr(s, name) for s in slots)


def sound(slots: tuple[Slot, ...]) -> bool:
    return all(0 <= s.reclaim <= s.used <= s.allotted for s in slots) and [
        s.slot for s in slots
    ] == list(range(SLOTS))


@given(
    seed=st.integers(0, 2**32),
    limit=st.integers(0, 10**6),
    chunk=st.integers(1, 10**6),
    steps=st.integers(1, 60),
)
def test_no_walk_passes_the_limit(seed: int, limit: int, chunk: int, steps: int) -> None:
    dice, limits, room = random.Random(seed), Limits(limit_units=limit, chunk_units=chunk), limit
    slots = allot((), limits, room)
    out: list[tuple[int, int]] = []
    for _ in range(steps):
        used = total(slots, "used")
        match dice.choice(("take", "take", "give", "allot", "lower")):
            case "take":
                units = dice.randint(1, max(1, limit // 3))
                free = total(slots, "free")
                taken = take(slots, units, dice.randrange(SLOTS))
                assert (taken is None) == (free < units)
                if taken is not None:
                    assert total(taken[0], "allotted") == total(slots, "allotted")
                    slots, number = taken
                    out.append((number, units))
                    assert total(slots, "used") == used + units <= min(limits.limit_units, room)
            case "give" if out:
                number, units = out.pop(dice.randrange(len(out)))
                part = dice.randint(1, units)
                if part < units:
                    out.append((number, units - part))
                slots = tuple(give_back(s, part) if s.slot == number else s for s in slots)
                assert total(slots, "used") == used - part
            case "lower":
                limits = Limits(limit_units=dice.randint(0, limit), chunk_units=chunk)
                room = dice.randint(0, limit)
                slots = allot(slots, limits, room)
            case _:
                slots = allot(slots, limits, room)
        assert sound(slots)
        cap = min(limits.limit_units, room)
        assert total(slots, "allotted") <= max(cap, total(slots, "used"))
        assert sum(units for _, units in out) == total(slots, "used")


@given(
    parts=st.lists(st.integers(0, 1000), min_size=SLOTS, max_size=SLOTS), units=st.integers(1, 2000)
)
def test_what_fits_in_all_slots_together_is_taken(parts: list[int], units: int) -> None:
    slots = tuple(Slot(number, part) for number, part in enumerate(parts))
    taken = take(slots, units, 3)
    assert (taken is not None) == (sum(parts) >= units)
    if taken is not None:
        assert (total(taken[0], "used"), total(taken[0], "allotted")) == (units, sum(parts))


@given(limit=UNITS, chunk=UNITS)
def test_the_treasurer_moves_chunks_and_fills_to_the_limit(limit: int, chunk: int) -> None:
    slots = allot((), Limits(limit_units=limit, chunk_units=chunk), limit)
    assert total(slots, "allotted") == min(limit, SLOTS * chunk)
    assert all(s.allotted <= chunk for s in slots)
    assert allot(slots, Limits(limit_units=limit, chunk_units=chunk), limit) == slots


def test_more_than_is_used_is_not_given_back() -> None:
    with pytest.raises(ValueError, match="in use"):
        give_back(Slot(0, 10, 5), 6)
    with pytest.raises(ValueError, match="more than nothing"):
        take((Slot(0, 10),), 0, 0)
