"""What `/metrics` and the log tell of calls: by operation, bounded, without what callers sent."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from tests.worlds import sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel import lines
from recoup.kernel.cause import CAUSE, Cause, begin, note_order, traceparent
from recoup.kernel.ids import new_id
from recoup.kernel.measures import Measure
from recoup.main.metrics import CALLS, EVERY, LABELS_MAX, Ended, count, scrape

TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
SCOPE: dict[str, Any] = {"type": "http", "method": "GET", "headers": [], "path_params": {}}


@pytest.fixture
def written() -> Iterator[list[dict[str, Any]]]:
    told: list[dict[str, Any]] = []
    lines.write_lines(lambda text: told.append(json.loads(text)))
    yield told
    lines.write_lines(None)


@pytest.fixture(autouse=True)
def _cause_of_this_test_alone() -> Iterator[None]:
    before = CAUSE.get()
    yield
    CAUSE.set(before)


def test_a_call_is_counted_by_its_operation_and_has_one_line(written: list[dict[str, Any]]) -> None:
    counted: list[tuple[str, ...]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CALLS, "add", lambda *values: counted.append(values))
        ended = Ended({"/v1/orders/{order_id}", "/healthz"})
        begin("mine", TRACE.encode())
        order_id = new_id()
        note_order(order_id)
        known = SCOPE | {
            "path": f"/v1/orders/{order_id}",
            "path_params": {"order_id": str(order_id)},
            "state": {},
        }
        ended(known, 200, 0.0034)
        for path in (f"/v1/4{'1' * 15}", "/wp-login.php", "/healthz"):
            ended(
                SCOPE | {"path": path, "method": "BREW", "state": {"refused_with": "no_such_path"}},
                404,
                0.1,
            )
    assert counted == [
        ("GET /v1/orders/{order_id}", "200"),
        ("other other", "404"),
        ("other other", "404"),
        ("other /healthz", "404"),
    ]
    first, *others = written
    del first["timestamp"]
    assert first == {
        "event": "call",
        "level": "info",
        "request": "mine",
        "trace": "a" * 32,
        "order": str(order_id),
        "world": "sandbox",
        "operation": "GET /v1/orders/{order_id}",
        "status": 200,
        "ms": 3,
    }
    assert [one["code"] for one in others] == ["no_such_path"] * 2, "probes have no line"
    assert "41111" not in json.dumps(written)


def test_the_trace_of_a_call_goes_on_to_whom_it_calls() -> None:
    CAUSE.set(Cause("mine", TRACE.encode()))
    assert traceparent()["traceparent"][:36] == TRACE[:36]


def test_what_has_too_many_labels_counts_the_rest_as_other() -> None:
    registry = CollectorRegistry()
    measure = Measure("recoup_test", "Test", "word")
    count(measure, registry)
    for number in range(LABELS_MAX + 5):
        measure.add(str(number))
    assert len(list(registry.collect())[0].samples) == 2 * (
        LABELS_MAX + 1
    )  # each with the time of its making
    assert registry.get_sample_value("recoup_test_total", {"word": "other"}) == 5  # noqa: PLR2004


def test_no_label_is_an_id(server: ServerAddress) -> None:
    """Sets of labels must not grow with merchants, orders or what callers send."""
    bounded = {
        "world",
        "kind",
        "table",
        "route",
        "operation",
        "status",
        "reason",
        "result",
        "why",
        "role",
        "part",
    }
    bounded |= {"answer", "le"}
    for measure in EVERY:
        assert {*measure.labels} <= bounded

    async def story() -> str:
        async with sandbox_world(server) as (world, *_):
            return (await scrape([world], Path.cwd()))[0].decode()

    told = asyncio.run(story())
    for family in text_string_to_metric_families(told):
        for sample in family.samples:
            assert sample.labels.keys() <= bounded, sample
    assert 'recoup_database_up{world="sandbox"} 1.0' in told
