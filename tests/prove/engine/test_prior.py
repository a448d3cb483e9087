"""A shop without history, month by month, in worlds of others: with the model that comes with
Recoup, with one of its own after a month and after two, and with all of its history; each at as
many sends as `retry-2` makes.

RECOUP_FAMILY=engine pytest tests/prove/engine/test_prior.py --timeout=0 -s
"""

import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from recoup.engine.learn.prior import prior_model
from recoup.engine.model import Model
from recoup_lab.compare.arms.engine import EngineArm, first_price
from recoup_lab.compare.arms.learned import issuer_of, trained_on
from recoup_lab.compare.arms.retry_2 import Retry2
from recoup_lab.compare.budgets import search_price
from recoup_lab.compare.driver import play
from recoup_lab.compare.ground import Ground, survey
from recoup_lab.compare.seam import Arm, Briefing
from recoup_lab.plug.program import Program
from recoup_lab.world.port import HistoryRow

WORLDS = Path(__file__).parents[2] / "foreign_worlds"
MONTH = timedelta(days=30)
SEED = 1


@dataclass
class Shop:
    world: Program
    ground: Ground
    plays: int = 0

    def share(self, arm: Arm) -> tuple[float, float]:
        """Mean sends, and points of the declined orders that were recovered."""
        self.plays += 1
        played = play(self.ground, f"{self.plays}", arm)
        self.world.end(f"{self.plays}")
        return played.mean_sends, 100 * sum(days is not None for days in played.days) / len(
            played.days
        )

    def at(
        self, sends: float, arm_of: Callable[[Briefing], Arm], history: list[HistoryRow]
    ) -> float:
        found = dict[float, float]()

        def mean(price: float) -> float:
            sends, found[price] = self.share(
                arm_of(Briefing(self.ground.hello, history, SEED, price))
            )
            return sends

        brief: Any = Briefing(self.ground.hello, history, SEED)
        return found[search_price(mean, sends, first_price(brief, sends), {}, 0.06)]

    def last(self, months: int | None) -> list[HistoryRow]:
        """Attempts of the last months, whose orders began in them; None: all."""
        history = list(self.ground.history)
        if months is None:
            return history
        since = max(one.at for one in history) - months * MONTH if months else None
        late = [one for one in history if since is not None and one.at > since]
        begun = {one.order_id for one in late if one.attempt == 1}
        return [one for one in late if one.order_id in begun]


def by(model: Model) -> Callable[[Briefing], Arm]:
    return lambda briefing: EngineArm(briefing, model)


@pytest.mark.parametrize("name", ["unseen/weekly", "odd_jobs", "salaried"])
def test_a_shop_without_history_does_no_worse_and_soon_better(name: str) -> None:
    with Program(shlex.join([sys.executable, str(WORLDS / f"{name}.py")]), seconds=200) as world:
        shop = Shop(world, survey(world, SEED))
        sends, schedule = shop.share(Retry2())
        gains = {
            "first month": shop.at(
                sends, by(prior_model(max(one.at for one in shop.ground.history).date())), []
            )
        }
        for label, months in (("second month", 1), ("third month", 2), ("all history", None)):
            history = shop.last(months)
            gains[label] = shop.at(sends, by(trained_on(history, "a test", issuer_of)), history)
    gains = {label: share - schedule for label, share in gains.items()}
    print(
        f"\n{name}: retry-2 {schedule:.1f} at {sends:.2f} sends;",
        {one: f"{gain:+.1f}" for one, gain in gains.items()},
    )
    assert gains["first month"] >= 0.0
    assert gains["second month"] >= 2.0
    assert gains["third month"] >= 4.0
