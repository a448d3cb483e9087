"""What the base world lets fixed schedules recover lies where published figures do. Five seeds:
tests/prove."""

import pytest
from lab.world.schedules import BANDS, SCHEDULES, ever_approvable, play, play_oracle

from recoup_lab.world.parameter_file import read
from recoup_lab.world.world import LabWorld, build


@pytest.fixture(scope="module")
def world() -> LabWorld:
    return build(read(seed=1, orders=4_000))


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_fixed_schedule_recovers_what_is_published(world: LabWorld, name: str) -> None:
    low, high = BANDS[name]
    assert low <= play(world, name, SCHEDULES[name]) <= high


def test_about_a_third_can_never_be_approved(world: LabWorld) -> None:
    low, high = BANDS["ever approvable"]
    assert low <= ever_approvable(world, world.all_orders[::4]) <= high


@pytest.mark.prove("engine")
def test_who_knows_all_parameters_does_better_with_three_sends_than_19_blind_ones(
    world: LabWorld,
) -> None:
    low, high = BANDS["oracle"]
    some = world.all_orders[::4]
    share, sends = play_oracle(world, 3.0, some)
    assert low <= share <= high
    assert sends <= 3.4
    assert share > play(world, "blind", SCHEDULES["every 36 h"], some)
