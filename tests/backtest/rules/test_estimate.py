"""What a policy would have rescued, in worlds whose truth is known exactly."""

import math

import numpy as np
import pytest
from tests import backtest_worlds as worlds
from tests.rings import each

from recoup.backtest.rules.enough import Closed, missing
from recoup.backtest.rules.episode import Episode, Features, Step
from recoup.backtest.rules.estimate import Evaluation, clip_at, clustered, weigh
from recoup.backtest.rules.report import difference, verdict

WORLDS = 60
ANY = Features((0,), 0.5)


def step(
    same: bool = True,
    *,
    arms: tuple[float, float] = (0.9, 0.0),
    could: tuple[float, float] = (0.9, 0.0),
    named: Features | None = ANY,
    reward: float = 0.0,
) -> Step:
    return Step(ANY, named, same, arms, could, reward)


def episode(*steps: Step, payer: str = "p", shares: tuple[float, float] = (0.9, 0.1)) -> Episode:
    return Episode(payer, shares, steps)


@pytest.mark.prove("engine")
def test_of_the_intervals_that_are_shown_about_nine_in_ten_hold_the_truth() -> None:
    """The long one is in tests/prove/engine/test_backtest.py."""
    shown, covered, spread = 0, 0, []
    for seed in range(WORLDS):
        draw = np.random.default_rng(seed)
        world = worlds.made(draw)
        orders = int(draw.integers(500, 1501))
        log = worlds.logged(world, orders, draw)
        name, policy = list(worlds.policies(world, draw).items())[seed % 2]
        evaluation = Evaluation(worlds.episodes(world, log, policy), worlds.BINS)
        found, truth = evaluation.mean(), worlds.value(world, policy)
        rescued = sum(steps[-1][3] for _, steps in log)
        if missing(Closed(orders, rescued, 90.0), evaluation.overlap, found):
            continue
        low, high = found.interval
        shown += 1
        covered += low <= truth <= high
        spread.append((found.value - truth) / found.error)
    assert shown > WORLDS / 2
    assert 0.80 <= covered / shown <= 0.98
    assert 0.75 <= float(np.std(spread)) <= 1.25


@each("seed", range(8))
def test_of_a_policy_that_decided_alone_the_estimate_is_what_it_rescued(seed: int) -> None:
    draw = np.random.default_rng(seed)
    world = worlds.made(draw, explore=0.0, holdout=0.0)
    log = worlds.logged(world, 400, draw)
    found = Evaluation(worlds.episodes(world, log, world.engine), worlds.BINS).mean()
    assert found.value == pytest.approx(sum(steps[-1][3] for _, steps in log) / len(log))


@pytest.mark.prove("engine")
def test_a_worse_policy_is_not_called_better_and_the_order_of_both_is_right() -> None:
    told, right, wrong = 0, 0, 0
    for seed in range(12):
        draw = np.random.default_rng(1_000 + seed)
        world = worlds.made(draw, explore=0.1, holdout=0.1)
        log = worlds.logged(world, 2_500, draw)
        payers = [payer for payer, _ in log]
        engine = Evaluation(worlds.episodes(world, log, world.engine), worlds.BINS).mean()
        ladder = Evaluation(worlds.episodes(world, log, world.ladder), worlds.BINS).mean()
        truth = worlds.value(world, world.engine) - worlds.value(world, world.ladder)
        if abs(truth) < 0.06:
            continue
        found = difference(payers, engine, ladder)
        told += 1
        right += math.copysign(1, found.value) == math.copysign(1, truth)
        wrong += verdict(found) == ("worse" if truth > 0 else "better")
    assert told >= 5
    assert right == told
    assert not wrong


def test_a_difference_of_policies_is_narrower_than_both_apart() -> None:
    draw = np.random.default_rng(7)
    world = worlds.made(draw, explore=0.1, holdout=0.1)
    log = worlds.logged(world, 2_000, draw)
    fewer = worlds.policies(world, draw)["fewer"]
    engine = Evaluation(worlds.episodes(world, log, world.engine), worlds.BINS).mean()
    other = Evaluation(worlds.episodes(world, log, fewer), worlds.BINS).mean()
    assert difference([payer for payer, _ in log], engine, other).error < 0.7 * math.hypot(
        engine.error, other.error
    )


def test_what_follows_a_stop_is_nothing_and_the_weight_stays() -> None:
    stops = episode(step(), step(named=None), step(reward=1.0))
    found = weigh(stops, 10.0)
    assert found.weights == (pytest.approx(1 / 0.81),)
    assert found.last == found.weights[-1]
    assert Evaluation([stops] * 20, 1).mean().value == pytest.approx(0.0, abs=1e-9)


def test_weights_are_over_all_arms_together() -> None:
    """What the ladder does weighs at most one over its share, though the engine never does it."""
    like_the_ladder = episode(step(arms=(0.0, 1.0)), step(arms=(0.0, 1.0)))
    assert weigh(like_the_ladder, 100.0).weights == (pytest.approx(10.0), pytest.approx(10.0))
    both = episode(step(arms=(0.5, 1.0)))
    assert weigh(both, 100.0).weights == (pytest.approx(1 / (0.9 * 0.5 + 0.1)),)
    other = episode(step(same=False, arms=(0.5, 0.0)), step())
    assert weigh(other, 100.0).weights == (0.0,)


def test_what_no_arm_could_do_widens_the_interval_upwards_only() -> None:
    known = [
        episode(step(reward=float(n % 2)), payer=f"p{n}", shares=(1.0, 0.0)) for n in range(950)
    ]
    unknown = [
        episode(step(same=False, could=(0.0, 0.0)), payer=f"q{n}", shares=(1.0, 0.0))
        for n in range(50)
    ]
    evaluation = Evaluation([*known, *unknown], 1)
    assert evaluation.overlap.unsupported == pytest.approx(0.05)
    found = evaluation.mean()
    low, high = found.interval
    assert high - found.value == pytest.approx(found.value - low + 0.05)
    lacking = missing(Closed(1_000, 475, 60.0), evaluation.overlap, found)
    assert "support" in [one.what for one in lacking]


@pytest.mark.parametrize(
    ("closed", "what"),
    [
        (Closed(1_000, 500, 13.0), "days"),
        (Closed(1_000, 49, 60.0), "rescued"),
        (Closed(1_000, 951, 60.0), "not_rescued"),
    ],
)
def test_too_little_time_or_only_one_outcome_is_named(closed: Closed, what: str) -> None:
    evaluation = Evaluation(
        [episode(step(reward=float(n % 2)), payer=f"p{n}") for n in range(1_000)], 1
    )
    assert what in [one.what for one in missing(closed, evaluation.overlap, evaluation.mean())]


def test_one_customer_with_many_orders_and_a_wide_interval_are_named() -> None:
    mine = [episode(step(reward=float(n % 2)), payer="one") for n in range(100)]
    others = [episode(step(reward=float(n % 2)), payer=f"p{n}") for n in range(300)]
    evaluation = Evaluation(mine + others, 1)
    lacking = [
        one.what for one in missing(Closed(400, 200, 60.0), evaluation.overlap, evaluation.mean())
    ]
    assert "one_payer" in lacking
    assert "weight" in lacking
    tiny = Evaluation(others[:60], 1)
    assert "width" in [one.what for one in missing(Closed(60, 30, 60.0), tiny.overlap, tiny.mean())]
    decided = Evaluation(others, 1)
    assert "width" in [
        one.what
        for one in missing(Closed(300, 150, 60.0), decided.overlap, decided.mean(), to_decide=0.01)
    ]


def test_weights_are_cut_off_where_few_orders_would_count_too_much() -> None:
    assert clip_at(100) == 10.0
    assert clip_at(40_000) == 100.0
    rare = [episode(step(arms=(0.02, 0.0)), payer=f"r{n}", shares=(1.0, 0.0)) for n in range(10)]
    evaluation = Evaluation(
        [*rare, *(episode(step(same=False), payer=f"p{n}") for n in range(90))], 1
    )
    assert evaluation.overlap.clipped == pytest.approx(0.8)


def test_nothing_is_said_of_no_orders() -> None:
    evaluation = Evaluation([], 1)
    found = evaluation.mean()
    assert math.isnan(found.value)
    assert {one.what for one in missing(Closed(0, 0, 0.0), evaluation.overlap, found)} >= {
        "days",
        "weight",
        "width",
    }


def test_orders_of_one_payer_go_together() -> None:
    influence = [0.5, -0.5, 0.5, -0.5]
    assert clustered("aabb", influence) == 0.0
    assert clustered("abab", influence) == pytest.approx(math.sqrt(2) / 4)
