"""The comparison of arms, in worlds enough to see how often it errs and how much it finds."""

import os
from concurrent.futures import ProcessPoolExecutor

import pytest
from tests.uplift_worlds import World, one_look, played

WORLDS = int(os.environ.get("PROVE_WORLDS", "1000"))


def _looked(case: tuple[World, int]) -> tuple[bool, bool, bool, float]:
    """Wrong at any look, found at any, covered by the single look of the last day; half-width of
    the last look."""
    world, seed = case
    looks = played(world, seed)
    wrong = any(look.low > world.uplift or look.high < world.uplift for look in looks)
    low, high = one_look(looks[-1])
    return (
        wrong,
        any(look.low > 0 for look in looks),
        low <= world.uplift <= high,
        (looks[-1].high - looks[-1].low) / 2,
    )


@pytest.mark.parametrize(
    ("world", "wrong_max", "found_min"),
    [
        (World(20_000, 400), 0.05, 0.0),
        (World(20_000, 400, returning=3), 0.05, 0.0),
        (World(20_000, 400, holdout=0.3, uplift=0.03), 0.05, 0.8),
        (World(60_000, 400, holdout=0.1, uplift=0.03), 0.05, 0.8),
    ],
    ids=["no uplift", "returning payers", "30 % holdout", "10 % holdout"],
)
def test_it_is_seldom_wrong_at_any_look_and_finds_three_points(
    world: World, wrong_max: float, found_min: float
) -> None:
    count = WORLDS if not world.uplift else WORLDS // 5
    with ProcessPoolExecutor(2) as pool:
        seen = list(pool.map(_looked, ((world, seed) for seed in range(count)), chunksize=10))
    wrong, found, covered, width = (sum(column) / count for column in zip(*seen, strict=True))
    print(
        f"{world}: wrong {wrong:.3f}, found {found:.3f}, single look covers {covered:.3f}, "
        f"half-width {width:.4f}"
    )
    assert wrong <= wrong_max
    assert found >= found_min
    assert 0.87 - 0.03 <= covered <= 0.93 + 0.03
