"""A short day of the stablecoin API, by its OpenAPI document; `tests/prove/fuzz/test_day.py` has
long ones."""

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from tests.fuzzing import QUICK
from tests.rings import proving
from tests.stablecoin.day import TOLD, Day
from tests.stablecoin.door import Door


@pytest.mark.prove("fuzz")
def test_a_day_of_any_operations_answers_as_the_document_tells(door: Door) -> None:
    run_state_machine_as_test(
        lambda: Day(door),
        settings=settings(
            QUICK, max_examples=12 if proving == "fuzz" else 5, stateful_step_count=25
        ),
    )
    assert len(TOLD.heard) > 15
