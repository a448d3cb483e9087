"""Load, kills, and the reckoning: what issuer, receiver and callers know, against what the
installation says."""

import asyncio
import json
import random
import subprocess
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from tests.kills.installation import Installation, installed
from tests.kills.load import Load, Promise, Receiver, receiving

from recoup.orders.rules.events import CATALOGUE

CALLERS = 6
CLOCK_EVERY_SECONDS = 12.0
QUIET_SECONDS_MAX = 180.0  # leases of what died run out after 60 s
WEIGHTS = {"doors": 4, "worker": 4, "postgres": 3, "supervisor": 2}


@dataclass
class Figures:
    kills: dict[str, int]
    seconds: float
    calls: int
    repeats: int
    orders: int
    charges: int
    deliveries: int
    events: int
    verified: dict[str, int]
    left_behind: int = 0

    def text(self) -> str:
        return (
            f"kills: {sum(self.kills.values())} {self.kills} in {self.seconds:.0f} s, {self.calls} "
            f"calls"
            f" ({self.repeats} repeated), {self.orders} orders answered, {self.charges} charges at "
            f"the issuer,"
            f" {self.events} events, {self.deliveries} deliveries, {self.left_behind} parts "
            f"outlived their supervisor,"
            f" verified {self.verified}"
        )


def play(
    folder: Path, *, kills: int, seed: int, rest: tuple[float, float], hurry: bool = False
) -> Figures:
    """`rest`: seconds between kills, at least and at most. `hurry`: leases of the dead run out at
    once at the end."""
    began = time.monotonic()
    with installed(folder) as installation:
        figures = asyncio.run(
            _play(installation, kills, random.Random(seed), rest, installation.dsn(), hurry)
        )
        figures.left_behind = len(installation.left_behind())
        figures.seconds = time.monotonic() - began
        return figures


async def _play(
    installation: Installation,
    kills: int,
    dice: random.Random,
    rest: tuple[float, float],
    dsn: str,
    hurry: bool,
) -> Figures:
    load = Load(installation, dice.randrange(1 << 30))
    async with receiving() as receiver:
        url = f"http://127.0.0.1:{receiver.port}/hook"
        made = await load.call("POST", "/v1/webhooks", {"url": url, "events": list(CATALOGUE)})
        assert made.status_code == 201, made.text
        callers = [asyncio.create_task(load.work()) for _ in range(CALLERS)]
        clock = asyncio.create_task(_clock(installation, load))
        await _kill(installation, kills, dice, rest)
        load.stopping = True
        await asyncio.gather(*callers)
        await clock
        await asyncio.to_thread(installation.wait_ready)
        if hurry:
            await _leases_run_out(dsn)
        await _all_ended(installation)
        figures = await _reckon(installation, load, receiver, dsn)
    await load.close()
    return figures


async def _kill(
    installation: Installation, kills: int, dice: random.Random, rest: tuple[float, float]
) -> None:
    names, weights = list(WEIGHTS), list(WEIGHTS.values())
    while sum(installation.killed.values()) < kills:
        await asyncio.sleep(dice.uniform(*rest))
        done = sum(installation.killed.values())
        # Every part comes to its turn, however few there are.
        name = names[done % len(names)] if done < len(names) else dice.choices(names, weights)[0]
        installation.kill(name)
        installation.ensure()
        if dice.random() < 0.4:
            await asyncio.to_thread(installation.wait_ready)


async def _clock(installation: Installation, load: Load) -> None:
    """Business time moves meanwhile; a move that is killed is simply made again later."""
    while not load.stopping:
        await asyncio.sleep(CLOCK_EVERY_SECONDS)
        if load.stopping:
            return
        with suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(installation.run, "clock", "advance", "6h", seconds=60.0)


async def _leases_run_out(dsn: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute(
            "UPDATE due_work SET lease_until = NULL; UPDATE lanes SET lease_until = NULL"
        )
    finally:
        await connection.close()


async def _all_ended(installation: Installation) -> None:
    """Three weeks and more pass, so that every order has its end."""
    give_up = time.monotonic() + QUIET_SECONDS_MAX
    while True:
        done = await asyncio.to_thread(
            installation.run, "clock", "advance", "32d", seconds=QUIET_SECONDS_MAX
        )
        if done.returncode == 0:
            return
        assert time.monotonic() < give_up, f"the clock does not move: {done.stderr[-500:]}"
        await asyncio.sleep(1)


async def _reckon(installation: Installation, load: Load, receiver: Receiver, dsn: str) -> Figures:
    assert not load.told.strange, load.told.strange[:5]
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await _quiet(connection)
        await nothing_sent_twice(connection)
        await _promises_kept(connection, load.told.promises)
        events = await _events_came(connection, receiver)
        charges = await connection.fetchval(
            "SELECT count(*) FROM issuer.calls WHERE kind = 'charge'"
        )
    finally:
        await connection.close()
    done = await asyncio.to_thread(installation.run, "verify", "--json", seconds=300.0)
    assert done.returncode == 0, done.stdout + done.stderr
    return Figures(
        installation.killed,
        0.0,
        load.told.calls,
        load.told.repeats,
        sum(bool(p.order_id) for p in load.told.promises),
        charges,
        len(receiver.got),
        events,
        json.loads(done.stdout)["checked"],
    )


async def _quiet(connection: Any) -> None:
    """Until nothing is due and every event had its delivery; pages sealed."""
    sql = """
        SELECT (SELECT count(*) FROM due_work d JOIN merchants m USING (merchant_id)
            WHERE d.kind IN ('inquire', 'modification')
              OR (NOT d.wall AND d.due_at <= now() + m.offset_us * interval '1 microsecond'))
          + (SELECT count(*) FROM outbox_queue) + (SELECT count(*) FROM lanes
            WHERE due_at IS NOT NULL)
          + (SELECT count(*) FROM postings_queue)"""
    give_up = time.monotonic() + QUIET_SECONDS_MAX
    while await connection.fetchval(sql):
        if time.monotonic() > give_up:
            due = await connection.fetch(
                "SELECT kind, due_at, tries, lease_until, last_error FROM due_work LIMIT 5"
            )
            lanes = await connection.fetch(
                "SELECT next_seq, due_at, fails, lease_until FROM lanes LIMIT 5"
            )
            raise AssertionError(
                f"something is left over: {[tuple(r) for r in due]} {[tuple(r) for r in lanes]}"
            )
        await asyncio.sleep(0.2)


async def nothing_sent_twice(connection: Any) -> None:
    """The same id again only after two inquiries that found nothing, however often the sender died.
    A message may arrive after an inquiry that was made for it: that it was sent once is said by its
    attempt."""
    rows = await connection.fetch(
        "SELECT seq, id, kind, received_at FROM issuer.calls WHERE kind IN ('charge', 'inquiry') "
        "ORDER BY seq"
    )
    sends = dict(await connection.fetch("SELECT attempt_id, sends FROM attempts"))
    asked: dict[Any, int] = {}
    for row in rows:
        if row["kind"] == "inquiry":
            asked[row["id"]] = asked.get(row["id"], 0) + 1
        else:
            seen = [
                (r["seq"], r["kind"], f"{r['received_at']:%H:%M:%S.%f}")
                for r in rows
                if r["id"] == row["id"]
            ]
            again = sends[row["id"]] > 1 and asked.get(row["id"], 2) < 2
            assert not again, (
                f"{row['id']} was charged again without asking twice: {sends[row['id']]} sends, "
                f"{seen}"
            )
            asked[row["id"]] = 0
            assert sum(kind == "charge" for _, kind, _ in seen) <= sends[row["id"]], (
                f"{row['id']}: {seen}"
            )


async def _promises_kept(connection: Any, promises: list[Promise]) -> None:
    orders = {
        str(r["order_id"]): r
        for r in await connection.fetch(
            "SELECT o.order_id, o.external_id, o.stage, o.units, h.refunded_units, h.reason FROM "
            "current_orders o"
            " JOIN order_heads h USING (merchant_id, order_id)"
        )
    }
    kept: dict[str, list[int]] = defaultdict(list)
    for row in await connection.fetch(
        "SELECT order_id, units FROM issuer.sends s WHERE decision = 'approved' AND NOT EXISTS "
        "(SELECT FROM"
        " issuer.reversals r WHERE r.charge_id = s.id AND r.decision = 'approved' AND r.units = "
        "s.units)"
    ):
        kept[str(row["order_id"])].append(row["units"])
    refunded = {
        str(r[0]): r[1]
        for r in await connection.fetch(
            "SELECT s.order_id, sum(r.units)::bigint FROM issuer.reversals r JOIN issuer.sends s "
            "ON s.id = r.charge_id"
            " WHERE r.decision = 'approved' AND r.kind = 'refund' GROUP BY s.order_id"
        )
    }
    assert len({o["external_id"] for o in orders.values()}) == len(orders), (
        "an order id has two orders"
    )
    for promise in promises:
        assert promise.order_id, f"{promise.external_id} was never answered"
        order = orders.get(promise.order_id)
        assert order is not None, f"{promise.external_id} was answered and is lost"
        assert order["external_id"] == promise.external_id
        units = kept.get(promise.order_id, [])
        if order["stage"] == "completed":
            assert units == [order["units"]], (
                f"{promise.order_id}: completed, and the issuer kept {units}"
            )
            assert order["refunded_units"] == promise.refunded == refunded.get(promise.order_id, 0)
        else:
            assert order["stage"] in ("declined", "cancelled", "expired"), order["stage"]
            assert units == [], f"{promise.order_id}: {order['stage']}, and the issuer kept {units}"
        if promise.cancelled:
            assert (order["stage"], order["reason"]) == ("cancelled", "merchant_cancelled")
        for word, reason in promise.words:
            if word == "APPROVED":
                assert order["stage"] == "completed", f"{promise.order_id}: APPROVED was answered"
            if reason in ("declined", "merchant_cancelled", "paid_elsewhere"):
                assert order["reason"] == reason, (
                    f"{promise.order_id}: {reason} was answered for good"
                )
    for order_id, units in kept.items():
        assert order_id in orders, f"the issuer approved {units} for an order that we do not have"


async def _events_came(connection: Any, receiver: Receiver) -> int:
    """Each event since the endpoint exists was delivered, and of each order in the order of its
    numbers."""
    rows = await connection.fetch(
        "SELECT f.event_id, f.subject_id, f.seq FROM feed f JOIN endpoints e USING (merchant_id)"
        " JOIN outbox o USING (merchant_id, subject_id, seq) WHERE o.recorded_at >= e.created_at"
    )
    came = {event_id for event_id, _, _ in receiver.got}
    lost = [r for r in rows if str(r["event_id"]) not in came]
    assert not lost, (
        f"{len(lost)} of {len(rows)} events were never delivered, {tuple(lost[0])} the first"
    )
    for order_id, numbers in receiver.numbers().items():
        assert numbers == sorted(numbers), f"{order_id}: events came as {numbers}"
    return len(rows)
