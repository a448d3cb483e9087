"""Whole days of both APIs by their OpenAPI documents: any operation after any other, bodies as
their schemas allow.

Every answer is one that the document tells, by a checker that knows nothing of us; no order, amount
or refund is lost; at the end of each day the books hold. `PROVE_DAYS=300` plays more.

Again: `pytest tests/prove/fuzz/test_day.py --timeout=0 -s`
"""

import os

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from tests import rescue_day
from tests.door import opened_door
from tests.fuzzing import QUICK
from tests.heard import Told
from tests.main.api.test_day import PATIENT
from tests.stablecoin import day as stablecoin_day
from tests.stablecoin.door import opened_door as opened_stablecoin_door

from recoup.db.server import ServerAddress
from recoup.main.logs import start_logs

DAYS = int(os.environ.get("PROVE_DAYS", "60"))
STEPS = 60


def play(kind: type[RuleBasedStateMachine], door: object, told: Told) -> None:
    start_logs("error")
    told.heard.clear()
    # Not the same days each time: what is found is printed with all its steps.
    chosen = settings(QUICK, max_examples=DAYS, stateful_step_count=STEPS, derandomize=False)
    run_state_machine_as_test(lambda: kind(door), settings=chosen)  # type: ignore[call-arg]
    print(
        f"\n{told.dialect.name}: {DAYS} days, {sum(told.heard.values())} calls of "
        f"{len({k[:2] for k in told.heard})} "
        f"operations, {len(told.heard)} kinds of answers"
    )


def test_days_of_the_rescue_api(server: ServerAddress) -> None:
    with opened_door(server, policy=PATIENT) as door:
        play(rescue_day.Day, door, rescue_day.TOLD)


def test_days_of_the_stablecoin_api(server: ServerAddress) -> None:
    with opened_stablecoin_door(server) as door:
        play(stablecoin_day.Day, door, stablecoin_day.TOLD)
