"""What it costs that the engine draws one decision in ten among tries that are nearly as good: the
same orders of the same world, decided with draws and without, no comparison group. `-s` shows each
world.

At full size, with `--timeout=0 -s`: `PROVE_EXPLORED=22`, a minute a world.
"""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.prove import plugged

from recoup_lab.compare.arms.engine import EngineArm
from recoup_lab.compare.driver import play
from recoup_lab.plug.program import Program

WORLDS = int(os.environ.get("PROVE_EXPLORED", "3"))
PAYERS = int(os.environ.get("PROVE_PAYERS", "2000"))
COST_MAX = 0.005


def _cost(kind: plugged.Kind, folder: Path) -> plugged.Truth:
    """The share of orders that is rescued without draws less that with them."""
    with Program(plugged.command(kind, PAYERS, folder), seconds=plugged.ANSWER_SECONDS) as program:
        world = plugged.opened(kind, program, PAYERS, 0)
        places = world.places(world.logged)
        rescued = {}
        for explore in (0.0, plugged.EXPLORE):
            arm = EngineArm(replace(world.briefing, explore=explore), world.model)
            played = play(world.ground, f"explore {explore}", arm, only=places)
            rescued[explore] = [played.days[place] is not None for place in places]
            print(
                f"{kind.title}, {explore:.0%}: {sum(rescued[explore]) / len(places):.2%}",
                flush=True,
            )
        less = [
            one - other for one, other in zip(rescued[0.0], rescued[plugged.EXPLORE], strict=True)
        ]
        return plugged.share_of(world.ground, places, less)


def test_exploration_costs_half_a_point_at_most() -> None:
    costs = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in plugged.kinds(WORLDS):
            cost = _cost(kind, Path(folder))
            costs.append(cost)
            print(
                f"{kind.title}: {100 * cost.value:+.2f} points (± {164.5 * cost.error:.2f}, "
                f"{cost.orders:,})"
            )
    mean = sum(one.value for one in costs) / len(costs)
    error = sum(one.error**2 for one in costs) ** 0.5 / len(costs)
    spread = [100 * one.value for one in costs]
    print(
        f"{len(costs)} worlds: {100 * mean:+.2f} ± {164.5 * error:.2f}, {min(spread):+.2f} to "
        f"{max(spread):+.2f}"
    )
    assert mean <= COST_MAX
