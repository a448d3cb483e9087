"""Each benchmark, at the smallest size: it runs, compares what it says it compares, and answers in
its shape."""

import asyncio
import io
import json
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console
from tests.databases import drop, empty
from tests.rings import drawn

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.main.cli import cli
from recoup_lab.bench.cards import CARDS, Cards, turn_of
from recoup_lab.bench.day import CLIENTS
from recoup_lab.bench.figure import Round, Size, figure, percentile
from recoup_lab.bench.ground import Ground
from recoup_lab.bench.pgbench import Mark, prefix_of, rate_of, script_of
from recoup_lab.bench.record import Statement
from recoup_lab.bench.run import BENCHES, chosen, run
from recoup_lab.bench.table import show
from recoup_lab.bench.waits import PARTS, Sessions, mean_of, waits_of

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
    if name.startswith("day_"):
        assert tuple(row["waits_ms"]) == PARTS
        assert min(row["waits_ms"].values()) >= 0
        assert row["waits_ms"]["loop"] > 0
    json.dumps(row)


@pytest.mark.prove("processes")
@pytest.mark.parametrize("name", ["day_sync", "day_refund"])
def test_both_sides_of_a_day_are_of_the_same_cards(ground: Ground, name: str) -> None:
    asyncio.run(run(ground, [name], replace(TINY, count=0.15)))  # 48 orders to be paid back

    async def used() -> tuple[int, list[int]]:
        async with ground.owner() as connection:
            cards = await connection.fetchval("SELECT count(*) FROM vault")
            sides = await connection.fetch(
                "SELECT count(DISTINCT pan_id) AS used FROM orders JOIN vault v USING (merchant_id,"
                " pan_id) WHERE v.token_id = orders.token_id"
                " GROUP BY replace(order_id::text, '-', '') ~ '8[0-9]{15}$' ORDER BY 1"
            )
            return cards, [one["used"] for one in sides]

    cards, (fewer, more) = asyncio.run(used())
    assert cards == more == CARDS
    assert fewer >= CLIENTS[0]


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


def test_parts_of_a_call_add_up_to_its_mean_and_shared_time_counts_for_each() -> None:
    load = {"sent": 100, "took": 2.0, "mean_ms": 50.0}
    queue, run_ = (f'recoup_batch_seconds_total{{part="{part}"}}' for part in ("queue", "run"))
    before = {queue: 1.0, run_: 1.0}
    after = {queue: 1.5, run_: 3.0, "recoup_outside_seconds_total": 1.0}
    shared = Counter({"lock": 10, "commit": 20, "statement": 50, "loop": 20})
    sessions = Sessions(200, shared, Counter({"statement": 50}))
    waits = waits_of(load, before, after, sessions)
    assert waits == pytest.approx(
        {"batch": 5, "lock": 2, "commit": 4, "statement": 10 + 5, "processor": 10, "loop": 14}
    )
    assert mean_of([waits, dict.fromkeys(PARTS, 0.0)])["batch"] == pytest.approx(2.5)


def test_where_calls_wait_stands_below_the_table() -> None:
    waits = {"waits_ms": {"batch": 1.23456, "loop": 2.0}, "clients_1_waits_ms": {"batch": 0.5}}
    console = Console(file=io.StringIO(), width=200)
    show([figure("day_x", [Round(100, 1, 2)], [100.0], **waits)], console)
    told = console.file.getvalue()  # type: ignore[attr-defined]
    assert told.splitlines()[-2:] == [
        "day_x waits_ms: batch 1.235, loop 2.0",
        "day_x clients_1_waits_ms: batch 0.5",
    ]


def test_clients_of_pgbench_go_through_all_cards_each_from_another_on(ground: Ground) -> None:
    cards = Cards(prefix_of(0), prefix_of(1))
    clients = CLIENTS[0]

    async def go() -> list[str]:
        async with ground.owner() as connection:
            await connection.execute("CREATE TABLE seen (id uuid)")
            await connection.execute("GRANT ALL ON seen TO recoup_app")
            statement = Statement("INSERT INTO seen SELECT $1::uuid", (cards.tokens()[0],))
            sets = turn_of(f":client_id * {CARDS // clients} + :n")
            script = await script_of(ground.sandbox, [statement], cards.marks(), since=0, sets=sets)
            each = CARDS // clients
            await rate_of(
                ground.pgbench,
                ground.sandbox,
                [script],
                ground.data_dir,
                clients=clients,
                each=each,
            )
            return [row["id"] for row in await connection.fetch("SELECT id FROM seen ORDER BY id")]

    assert asyncio.run(go()) == cards.tokens()


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
