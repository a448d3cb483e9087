"""The back-test, in small worlds enough to see how often its intervals hold the truth, and whether
it calls a worse policy better. `-s` shows the figures."""

import os
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from tests import backtest_worlds as worlds

from recoup.backtest.rules.enough import Closed, missing
from recoup.backtest.rules.estimate import Evaluation
from recoup.backtest.rules.report import difference, verdict

WORLDS = int(os.environ.get("PROVE_WORLDS", "2500"))
NAMES = ("engine", "fewer", "near", "far", "ladder", "wild")


def _judged(seed: int) -> tuple[str, bool, bool, float, float]:
    """Which policy, whether it is shown and covered, half-width,
    and the error in standard errors."""
    draw = np.random.default_rng(seed)
    world = worlds.made(draw)
    orders = int(draw.integers(500, 4001))
    log = worlds.logged(world, orders, draw)
    name = NAMES[seed % len(NAMES)]
    policy = worlds.policies(world, draw)[name]
    return name, *_interval(world, log, policy)


def _of_two_thousand(seed: int) -> list[tuple[str, bool, bool, float, float]]:
    draw = np.random.default_rng(seed)
    world = worlds.made(draw, explore=0.1, holdout=0.1)
    log = worlds.logged(world, 2_000, draw)
    return [
        (name, *_interval(world, log, one)) for name, one in worlds.policies(world, draw).items()
    ]


def _interval(
    world: worlds.World, log: worlds.Log, policy: worlds.Array
) -> tuple[bool, bool, float, float]:
    evaluation = Evaluation(worlds.episodes(world, log, policy), worlds.BINS)
    found, truth = evaluation.mean(), worlds.value(world, policy)
    closed = Closed(len(log), sum(steps[-1][3] for _, steps in log), 90.0)
    low, high = found.interval
    shown = not missing(closed, evaluation.overlap, found)
    error = (found.value - truth) / found.error if found.error else 0.0
    return shown, low <= truth <= high, found.half_width, error


def _pair(seed: int) -> tuple[bool, bool, bool] | None:
    """Two policies at 20,000 orders that differ by three points at least: whether both may be
    shown, whether the order is right, whether the worse one is called better."""
    draw = np.random.default_rng(seed)
    world = worlds.made(draw, explore=0.1, holdout=0.1)
    policies = worlds.policies(world, draw)
    one, other = (policies[name] for name in draw.choice(NAMES, size=2, replace=False))
    truth = worlds.value(world, one) - worlds.value(world, other)
    if abs(truth) < 0.03:
        return None
    log = worlds.logged(world, 20_000, draw)
    closed = Closed(len(log), sum(steps[-1][3] for _, steps in log), 90.0)
    found, shown = [], True
    for policy in (one, other):
        evaluation = Evaluation(worlds.episodes(world, log, policy), worlds.BINS)
        found.append(evaluation.mean())
        shown = shown and not missing(closed, evaluation.overlap, found[-1])
    more = difference([payer for payer, _ in log], *found)
    return (
        shown,
        (more.value > 0) == (truth > 0),
        verdict(more) == ("worse" if truth > 0 else "better"),
    )


def test_of_the_intervals_that_are_shown_87_to_93_percent_hold_the_truth() -> None:
    with ProcessPoolExecutor(2) as pool:
        seen = list(pool.map(_judged, range(10_000, 10_000 + WORLDS), chunksize=10))
    shown = [one for one in seen if one[1]]
    covered = sum(one[2] for one in shown) / len(shown)
    refused = [one for one in seen if not one[1]]
    spread = float(np.std([one[4] for one in shown]))
    print(
        f"{len(shown):,} of {len(seen):,} shown, {covered:.1%} cover, z spread {spread:.2f}",
        Counter(o[0] for o in shown),
    )
    print(
        f"the refused would have covered "
        f"{sum(one[2] for one in refused) / max(1, len(refused)):.1%}"
    )
    assert len(shown) >= 0.4 * WORLDS
    assert 0.87 <= covered <= 0.93


def test_half_widths_at_2000_orders() -> None:
    rows: dict[str, list[tuple[bool, bool, float]]] = defaultdict(list)
    with ProcessPoolExecutor(2) as pool:
        for world in pool.map(_of_two_thousand, range(90_000, 90_000 + WORLDS // 12)):
            for name, shown, covered, width, _ in world:
                rows[name].append((shown, covered, width))
    for name, found in rows.items():
        told = [one for one in found if one[0]]
        if told:
            width, covers = np.mean([one[2] for one in told]), np.mean([one[1] for one in told])
            print(
                f"{name}: shown {len(told)} of {len(found)}, half-width {width:.3f}, covers "
                f"{covers:.1%}"
            )
    for name in ("engine", "fewer"):
        widths = [one[2] for one in rows[name] if one[0]]
        assert len(widths) >= 0.9 * len(rows[name]), (
            "near the engine at most one in ten is withheld"
        )
        assert float(np.mean(widths)) <= 0.025
    assert float(np.mean([one[2] for one in rows["ladder"] if one[0]])) <= 0.05


def test_of_policies_that_differ_by_three_points_the_order_is_right() -> None:
    with ProcessPoolExecutor(2) as pool:
        pairs = [
            one for one in pool.map(_pair, range(50_000, 50_000 + WORLDS // 12)) if one is not None
        ]
    told = [one for one in pairs if one[0]]
    right, wrong = (sum(one[place] for one in told) / len(told) for place in (1, 2))
    print(
        f"{len(told)} of {len(pairs)} pairs shown: order right {right:.1%}, worse called better "
        f"{wrong:.1%}"
    )
    assert right >= 0.95
    assert wrong <= 0.05
