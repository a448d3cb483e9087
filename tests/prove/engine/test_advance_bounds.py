"""Over worlds, advances lose no more than the rule promises: models that flatter themselves, weeks
with moods of their own, customers who come again. The truth is each world's value, not the orders
that were played.

Two minutes. Asked by evaluation §6: the bounds hold with 95 %.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from typing import NamedTuple

import numpy as np
import pytest

from recoup.terms.rules.advance_bounds import (
    PAYERS_MIN,
    TENTHS,
    WEEK,
    WHOLE,
    Cell,
    TenthBounds,
    Week,
    tables_of,
)

UNTIL = date(2026, 6, 1)
WORLDS = int(os.environ.get("PROVE_WORLDS", "300"))
LOOKS = (13, 26, 52)  # weeks that are over
FRESH = 40_000


class World(NamedTuple):
    """`flatters`: how far the chance that is foreseen lies above the true one. `mood`: a week's, on
    every order's chance. `grows`: of the amount, how much worse large orders are."""

    flatters: float
    mood: float
    size: float
    orders: int
    source: str


def drawn(
    world: World, draw: np.random.Generator, orders: int, mood: float
) -> tuple[np.ndarray, ...]:
    """(tenth of the foreseen chance, amount, whether it was collected)"""
    true = draw.beta(4, 2, orders)
    foreseen = np.clip(true + world.flatters + draw.normal(0, 0.05, orders), 0, 0.9999)
    units = np.maximum(1, draw.lognormal(8, world.size, orders)).astype(np.int64)
    paid = draw.random(orders) < np.clip(true + mood, 0, 1)
    return (foreseen * TENTHS).astype(int), units, paid


def weeks_of(world: World, draw: np.random.Generator) -> list[Week]:
    found = []
    for number in range(max(LOOKS)):
        tenths, units, paid = drawn(world, draw, world.orders, world.mood * draw.uniform(-1, 1))
        payers = draw.integers(0, 4 * world.orders, world.orders)
        cells = []
        for tenth in np.unique(tenths):
            held = tenths == tenth
            names = tuple(int(one) for one in np.unique(payers[held])[:PAYERS_MIN])
            lost = int(units[held & ~paid].sum())
            cells.append(
                Cell(
                    "model",
                    world.source,
                    int(tenth),
                    int(held.sum()),
                    int(units[held].sum()),
                    lost,
                    names,
                )  # type: ignore[arg-type]
            )
        found.append(Week(UNTIL - (max(LOOKS) - number) * WEEK, tuple(cells)))
    return found


def truth(world: World, draw: np.random.Generator) -> tuple[list[float], list[float]]:
    """The loss of an amount in each tenth, and from each tenth on."""
    parts = [drawn(world, draw, FRESH // 200, world.mood * draw.uniform(-1, 1)) for _ in range(200)]
    tenths, units, paid = (np.concatenate(part) for part in zip(*parts, strict=True))
    lost = units * ~paid
    return (
        [lost[tenths == t].sum() / max(1, units[tenths == t].sum()) for t in range(TENTHS)],
        [lost[tenths >= t].sum() / max(1, units[tenths >= t].sum()) for t in range(TENTHS)],
    )


def tables(world: World, draw: np.random.Generator) -> list[TenthBounds]:
    weeks = weeks_of(world, draw)
    return [tables_of(weeks[:count], weeks[count - 1].begins + WEEK)["model"] for count in LOOKS]


def worlds() -> list[World]:
    draw = np.random.default_rng(20_261_125)
    return [
        World(
            float(draw.uniform(-0.05, 0.25)),
            float(draw.choice([0.0, 0.1, 0.2])),
            float(draw.uniform(0.1, 0.8)),
            int(draw.integers(60, 200)),
            str(draw.choice(["advanced", "comparable"])),
        )
        for _ in range(WORLDS)
    ]


class Played(NamedTuple):
    """`tables`: at each look. `single`, `upward`: the true loss of an amount in a tenth, and from
    it on."""

    tables: list[TenthBounds]
    single: list[float]
    upward: list[float]


def played(case: tuple[int, World]) -> Played:
    number, world = case
    draw = np.random.default_rng(number)
    return Played(tables(world, draw), *truth(world, draw))


@pytest.fixture(scope="module")
def all_played() -> list[Played]:
    with ProcessPoolExecutor(2) as pool:
        return list(pool.map(played, enumerate(worlds()), chunksize=10))


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("allowed", [0.2, 0.35, 0.5])
def test_what_the_rule_picks_loses_more_than_is_allowed_in_at_most_one_world_of_twenty(
    all_played: list[Played], allowed: float
) -> None:
    broken = picked = easy = 0
    for one in all_played:
        least = [table.least_tenth(int(allowed * WHOLE)) for table in one.tables]
        broken += any(tenth is not None and one.upward[tenth] > allowed for tenth in least)
        picked += least[-1] is not None
        easy += one.upward[TENTHS - 2] <= allowed - 0.1
    print(
        f"allowed {allowed:.0%}: broken in {broken} of {WORLDS} worlds, picked in {picked}, easy "
        f"in {easy}"
    )
    assert broken <= 0.05 * WORLDS
    assert picked >= easy / 2, "a rule that never picks anything keeps every promise"


def test_a_tenths_bound_is_above_what_it_brings_in_at_most_one_of_twenty(
    all_played: list[Played],
) -> None:
    wrong = shown = 0
    for one in all_played:
        for tenth in range(TENTHS):
            known = [table for table in one.tables if table.is_known(tenth)]
            shown += bool(known)
            wrong += any(1 - one.single[tenth] < table.collected[tenth] / WHOLE for table in known)
    print(f"{wrong} of {shown} bounds above the truth at one of the looks")
    assert shown > WORLDS
    assert wrong <= 0.05 * shown
