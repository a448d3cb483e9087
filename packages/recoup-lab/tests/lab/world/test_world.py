"""The world in process: its answers depend on parameters, seed, subject and instant, and its book
counts each send."""

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from tests.rings import each

from recoup_lab.world.parameter_file import read
from recoup_lab.world.port import WorldAnswer, WorldCharge, WorldOrder
from recoup_lab.world.world import LabWorld, build

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def world() -> LabWorld:
    return build(read(seed=11, orders=600))


def charge(order: WorldOrder, after: timedelta, name: str = "", **other: object) -> WorldCharge:
    at = order.declined_at + after
    found = {
        "id": name or f"{order.order_id}/{at:%j-%H%M}",
        "order_id": order.order_id,
        "sent_at": at,
        "amount": order.amount,
        "currency": order.currency,
        "acceptor_id": "shop",
        "card": order.card,
    }
    return WorldCharge(**(found | other))  # type: ignore[arg-type]


def payments(world: LabWorld) -> list[WorldOrder]:
    return [order.payment for order in world.all_orders]


def played(world: LabWorld, arm: str, offsets: Sequence[timedelta]) -> list[WorldAnswer]:
    answers = []
    for order in payments(world):
        for offset in offsets:
            answer = world.charge(arm, [charge(order, offset)])[0]
            answers.append(answer)
            if answer.state == "approved":
                break
    return answers


def digest(world: LabWorld) -> str:
    """Of its orders, a schedule played, a page of its history."""
    parts: list[object] = [
        payments(world),
        played(world, "hash", [20 * HOUR, 100 * HOUR, 300 * HOUR]),
    ]
    parts += [world.end("hash"), world.history(None, 300)]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def test_another_process_with_other_hashing_plays_the_same_world() -> None:
    script = (
        "import lab.world.test_world as t;"
        "from recoup_lab.world.parameter_file import read; from recoup_lab.world.world import "
        "build;"
        "print(t.digest(build(read(seed=11, orders=600))))"
    )
    for hash_seed in ("0", "4242"):
        ran = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)},
        )
        assert ran.stdout.strip() == digest(build(read(seed=11, orders=600)))


def test_another_seed_is_another_world(world: LabWorld) -> None:
    assert payments(build(read(seed=12, orders=600))) != payments(world)


def test_arms_meet_the_same_draws_and_know_nothing_of_each_other(world: LabWorld) -> None:
    one = played(world, "one", [30 * HOUR, 31 * HOUR, 200 * HOUR])
    for order in payments(world):
        world.charge("busy", [charge(order, n * HOUR) for n in range(1, 12)])
    other = played(world, "other", [30 * HOUR, 31 * HOUR, 200 * HOUR])
    assert one == other
    assert world.end("one") == world.end("other") != world.end("busy")


def test_the_same_id_gets_the_same_answer_and_counts_once(world: LabWorld) -> None:
    order = payments(world)[0]
    first = world.charge("twice", [charge(order, 5 * HOUR, "a")])
    again = world.charge("twice", [charge(order, 50 * HOUR, "a"), charge(order, 5 * HOUR, "a")])
    assert [*first, *first] == list(again)
    assert world.end("twice").attempts == (0 if first[0].state == "not_processed" else 1)


@each(
    ("after", "other", "why"),
    [
        (-HOUR, {}, "dated before"),
        (9 * HOUR, {}, "dated before"),
        (31 * 24 * HOUR, {}, "expired"),
        (20 * HOUR, {"amount": 1}, "another amount"),
        (20 * HOUR, {"route": "moon"}, "no route"),
        (20 * HOUR, {"order_id": "none"}, "no such order"),
        (20 * HOUR, {"sent_at": datetime(2027, 5, 1, 0, 0, 0, 5, UTC)}, "whole seconds"),
    ],
)
def test_a_refused_charge_counts_for_nothing(
    world: LabWorld, after: timedelta, other: dict[str, object], why: str
) -> None:
    arm = f"refused {why} {after}"
    order = next(one for one in payments(world) if one.scheme_code in ("51", "116"))
    world.charge(arm, [charge(order, 10 * HOUR)])
    before = world.end(arm)
    answer = world.charge(arm, [charge(order, after, "wrong", **other)])[0]
    assert answer.state is None
    assert why in (answer.error or "")
    assert world.end(arm) == before


def test_orders_come_in_once_and_oldest_first() -> None:
    world = build(read(seed=3, orders=300))
    hello = world.hello()
    half = hello.now + (hello.until - hello.now) / 2
    early: list[WorldOrder] = []
    more = True
    while more:
        some, more = world.orders(half, 50)
        early += some
    late, more = world.orders(hello.until, 1000)
    assert not more
    everything = [*early, *late]
    assert all(one.declined_at < half for one in early)
    assert [one.declined_at for one in everything] == sorted(one.declined_at for one in everything)
    assert len({one.order_id for one in everything}) == hello.orders == 300


def test_history_in_pages_is_the_history_at_once(world: LabWorld) -> None:
    whole, end = world.history(None, 10**9)
    assert end is None
    rows, mark = [], None
    while True:
        page, mark = world.history(mark, 333)
        rows += page
        if mark is None:
            break
    assert rows == whole
    assert all(row.at < world.hello().now for row in rows)
