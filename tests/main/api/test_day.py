"""A short day of the rescue API, by its OpenAPI document; `tests/prove/fuzz/test_day.py` has long
ones."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from tests.door import opened_door
from tests.fuzzing import QUICK
from tests.rescue_day import BY_NAME, TOLD, Day
from tests.rings import deep, proving
from tests.worlds import POLICY

from recoup.db.server import ServerAddress
from recoup.main.logs import start_logs

PATIENT = replace(POLICY, cit_deadline=timedelta(seconds=20))


@deep("fuzz")
def test_a_day_of_any_operations_answers_as_the_document_tells(server: ServerAddress) -> None:
    start_logs("error")
    with opened_door(server, policy=PATIENT) as door:
        run_state_machine_as_test(
            lambda: Day(door),
            settings=settings(
                QUICK, max_examples=15 if proving == "fuzz" else 5, stateful_step_count=30
            ),
        )
    assert len(TOLD.heard) > 20, "what is drawn changes with each operation that comes in"


def test_an_answer_that_the_document_does_not_tell_is_seen() -> None:
    order = BY_NAME["GET /v1/orders/{id}"]
    for answer in (
        httpx.Response(418, json={}),
        httpx.Response(200, json={"id": 7}),
        httpx.Response(200, text="id", headers={"content-type": "text/csv"}),
    ):
        with pytest.raises(AssertionError):
            TOLD.check(order, answer)
    assert not TOLD.allows(BY_NAME["POST /v1/evaluate"], {"isDeclined": "yes"})
    assert not TOLD.allows(BY_NAME["POST /v1/evaluate"], None)
    assert TOLD.allows(BY_NAME["POST /v1/orders/{id}/cancel"], None)
