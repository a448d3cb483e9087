"""What was decided is judged at the prices, and beside the schedule, of its day."""

from types import SimpleNamespace
from typing import Any

from tests.engine.ground import model
from tests.rings import each

from recoup.backtest.rules.replay import Engines


@each(("schedule", "pricing"), [("retry-2", "engine-policy-1"), ("retry-3", "engine-policy-2")])
def test_the_engine_beside_a_schedule_had_the_prices_of_that_time(
    schedule: str, pricing: str
) -> None:
    one: Any = SimpleNamespace(engine_model="m", versions={"policy": schedule})
    found = Engines({"m": model()}).of(one, 0.0)
    assert found is not None
    assert found[1].version == pricing
