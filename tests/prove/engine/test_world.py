"""The bands of the base world on five seeds of 20,000 orders, the time that it takes, and the
worlds beside it."""

import time

import pytest
from lab.world.schedules import BANDS, SCHEDULES, ever_approvable, play, play_oracle

from recoup_lab.world.parameter_file import read, shipped
from recoup_lab.world.world import build


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_each_schedule_lies_in_its_band(seed: int) -> None:
    begun = time.monotonic()
    world = build(read(seed=seed, orders=20_000))
    built = time.monotonic()
    found = {name: play(world, name, offsets) for name, offsets in SCHEDULES.items()}
    played = time.monotonic()
    found["oracle"], sends = play_oracle(world, 3.0, world.all_orders)
    asked = time.monotonic()
    found["ever approvable"] = ever_approvable(world, world.all_orders[::4])
    answers = sum(world.end(name).attempts for name in SCHEDULES)
    each = (played - built) / answers * 1e6
    print(
        f"seed {seed}:",
        ", ".join(f"{name} {share:.1f}" for name, share in found.items()),
        f"({sends:.2f} sends);",
        f"built in {built - begun:.1f} s, {each:.0f} µs an answer, oracle {asked - played:.0f} s",
    )
    for name, share in found.items():
        assert BANDS[name][0] <= share <= BANDS[name][1], name


@pytest.mark.parametrize("name", shipped())
def test_each_world_that_is_shipped_can_be_played(name: str) -> None:
    world = build(read(shipped()[name], seed=1, orders=4_000))
    found = {one: play(world, one, offsets) for one, offsets in SCHEDULES.items()}
    found["oracle"], sends = play_oracle(world, 3.0, world.all_orders)
    print(
        f"{name}:",
        ", ".join(f"{one} {share:.1f}" for one, share in found.items()),
        f"({sends:.2f} sends)",
    )
    assert 0 < found["next day"] <= found["three daily"] < found["oracle"] < 90
