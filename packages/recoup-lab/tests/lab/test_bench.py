"""Each benchmark, at the smallest size: it runs, compares what it says it compares, and answers in
its shape."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.databases import drop, empty
from tests.rings import drawn

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.main.cli import cli
from recoup_lab.bench.figure import Round, Size, figure, percentile
from recoup_lab.bench.ground import Ground
from recoup_lab.bench.pgbench import Mark, rate_of, script_of
from recoup_lab.bench.record import Statement
from recoup_lab.bench.run import BENCHES, chosen, run

TINY = Size(rounds=1, seconds=1.0, connections=4, clients=2, count=0.005)
NAMES = {"name", "per_second", "p50_ms", "p99_ms", "ratio"}
COMPARED = (
    "transmit",
    "evaluate",
    "tokenize",
    "charge",
    "get_order",
    "list_orders",
    "retry",
    "webhooks",
    "postings",
    "postings_sets",
    "day_managed",
    "day_sync",
    "day_refund",
    "day_list",
)


@pytest.fixture
def ground(server: ServerAddress, tmp_path: Path) -> Iterator[Ground]:
    world, people = f"bench_{uuid.uuid4().hex[:12]}", f"benchp_{uuid.uuid4().hex[:12]}"
    dsn, people_dsn = (
        asyncio.run(empty(server, "world", world)),
        asyncio.run(empty(server, "people", people)),
    )
    yield Ground(tmp_path, people_dsn, dsn)
    asyncio.run(drop(server, world))
    asyncio.run(drop(server, people))


@drawn("processes", "name", COMPARED, 1)
def test_is_compared_with_pgbench(ground: Ground, name: str) -> None:
    (found,) = asyncio.run(run(ground, [name], TINY))
    row = found.row()
    assert row["name"] == name
    assert set(row) >= NAMES
    assert all(row[one] > 0 for one in NAMES - {"name", "p50_ms", "p99_ms"})
    assert 0 <= row["p50_ms"] <= row["p99_ms"]
    assert row["pgbench_per_second"] > 0
    json.dumps(row)


@pytest.mark.prove("processes")
def test_second_process_tells_what_each_costs(ground: Ground) -> None:
    (found,) = asyncio.run(run(ground, ["second_process"], TINY))
    assert found.more["cpu_seconds_one"] > 0
    assert found.more["cpu_ratio"] > 0


@pytest.mark.prove("processes")
def test_days21_ends_with_every_order_decided(ground: Ground) -> None:
    (found,) = asyncio.run(run(ground, ["days21"], TINY))
    assert found.more["completed"] + found.more.get("expired", 0) == found.more["orders"]
    assert found.more["seconds"] > 0


def test_all_names_are_known_and_an_unknown_one_says_which() -> None:
    assert set(COMPARED) <= set(BENCHES)
    assert list(chosen(None)) == list(BENCHES)
    with pytest.raises(Problem) as told:
        chosen("nothing")
    assert "evaluate" in (told.value.cure or "")


def test_the_verb_refuses_an_unknown_name_before_anything_starts() -> None:
    found = CliRunner().invoke(cli, ["bench", "nothing"])
    assert isinstance(found.exception, Problem)


def test_ratio_is_the_median_of_rounds() -> None:
    made = figure("x", [Round(100, 1, 2), Round(50, 3, 4), Round(90, 5, 6)], [100.0, 100.0, 100.0])
    assert (made.ratio, made.per_second, made.p50_ms) == (0.9, 90, 3)
    assert percentile([], 0.5) == 0.0


def test_pgbench_gets_the_recorded_row_with_its_marks_replaced(ground: Ground) -> None:
    """The text that reaches the database is the recorded one but for marks; JSON, arrays and nulls
    alike."""

    async def go() -> tuple[float, list[dict[str, object]]]:
        args = (
            [{"id": "MARK", "at": "10:30:00", "text": 'it\'s "x" \\ :y'}],
            ["a,b", 'c"MARK'],
            None,
        )
        sql = (
            "INSERT INTO seen SELECT i ->> 'id', i ->> 'text', $2::text[], $3::int FROM "
            "jsonb_array_elements($1) AS i"
        )
        async with ground.owner() as connection:
            await connection.execute(
                "CREATE TABLE seen (id text, text text, list text[], number int)"
            )
            await connection.execute("GRANT ALL ON seen TO recoup_app")
            marks = {"MARK": Mark("n", ":id")}
            script = await script_of(ground.sandbox, [Statement(sql, args)], marks, since=0)
            rate = await rate_of(
                ground.pgbench, ground.sandbox, [script], ground.data_dir, clients=2, each=3
            )
            return rate, [
                dict(row) for row in await connection.fetch("SELECT * FROM seen ORDER BY id")
            ]

    rate, rows = asyncio.run(go())
    assert rate > 0
    assert len({row["id"] for row in rows}) == 6
    assert rows[0]["text"] == 'it\'s "x" \\ :y'
    assert rows[0]["list"] == ["a,b", f'c"{rows[0]["id"]}']
    assert rows[0]["number"] is None


@pytest.mark.prove("processes")
@pytest.mark.timeout(300)
def test_idle_starts_twice_and_weighs_all_processes(tmp_path: Path) -> None:
    (found,) = [asyncio.run(BENCHES["idle"](Ground(tmp_path, "", ""), TINY))]
    assert found.more["later_start_seconds"] > 0
    assert found.more["idle_memory_mb"] is None or found.more["idle_memory_mb"] > 20


@pytest.mark.prove("processes")
def test_decisions_are_timed_each_with_its_plan(ground: Ground) -> None:
    (found,) = asyncio.run(run(ground, ["decision"], TINY))
    row = found.row()
    assert row["decisions"] == TINY.of(5_000)
    assert 0 < row["p50_ms"] <= row["p95_ms"] <= row["p99_ms"]
