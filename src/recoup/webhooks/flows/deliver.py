"""Webhooks: a leased lane's next event is signed, posted, and the lane goes on, waits or ends.

Deliveries are at least once; each event of an order goes after the one before it, unless that one
was given up.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg
import structlog
from msgspec.structs import replace

from recoup.db.coalesce import Coalescer
from recoup.db.pool import retrying
from recoup.db.statement import Tx
from recoup.kernel.cause import begin_later
from recoup.kernel.filled import filled
from recoup.kernel.ids import new_id
from recoup.kernel.measures import DELIVERIES
from recoup.kernel.problem import Problem
from recoup.kernel.time import WallTime
from recoup.kit.world import World
from recoup.mail.rules.backoff import RESCUE, STABLECOIN, after_try, read_retry_after
from recoup.notifications.moves import alert_endpoints
from recoup.notifications.store.alerts import failing_endpoints
from recoup.orders.rules.pace import Pace
from recoup.orders.store.tries import NewTry, Result
from recoup.outside.web.port import Answer
from recoup.webhooks.flows.post import Posted, answer_text, post_event
from recoup.webhooks.rules.breaker import OPEN_MAX, Health, Tried, after_tries, is_lost
from recoup.webhooks.rules.endpoint_whys import GONE, nothing_taken
from recoup.webhooks.store.health import EndpointHealth, lock_health, set_health
from recoup.webhooks.store.lanes import (
    FinishedLane,
    Lane,
    bring_forward,
    claim_lanes,
    due_endpoints,
    finish_lanes,
    lock_lanes,
)

log = structlog.get_logger()
ROOM_SECONDS = 0.01
WAIT_SECONDS = 0.05  # for a place, before it is looked anew who has something to deliver
SCHEDULES = {"stablecoin": STABLECOIN}
# What an answer or its row may break; never a database that is away.
UNKEPT = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, asyncpg.DataError)
OURS = frozenset({"not_rendered", "switched_off"})  # say nothing about the receiver
_RESULTS: Final[dict[str, Result]] = {
    "taken": "delivered",
    "retry": "failed",
    "park": "parked",
    "disable": "disabled",
}
_Finished = tuple[FinishedLane, NewTry, Tried]


class Deliveries:
    """Deliveries of a world, one object a world and process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._finish: Coalescer[_Finished, bool] = Coalescer(
            self._finish_all, max_rows=256, writers=1
        )
        self._out: set[asyncio.Task[None]] = set()
        self._pace = Pace()

    async def claim(self, *, merchant_id: UUID | None = None) -> int:
        """Starts as many deliveries as are due and have a place; answers how many: 0 when none was
        due."""
        while True:
            await self._room()
            wall = self._world.clocks.wall()
            async with self._world.db.connection() as connection:
                due = await due_endpoints(connection, wall, merchant_id)
                places = self._pace.share(list(due))
                probes = [endpoint_id for endpoint_id in places if due[endpoint_id]]
                lanes = (
                    await claim_lanes(connection, wall, places, probes, merchant_id)
                    if places
                    else []
                )
            if lanes or not due or not self._out:
                break
            await asyncio.wait(self._out, timeout=WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for lane in lanes:
            self._pace.began(lane.endpoint_id)
            task = asyncio.create_task(self._deliver(lane))
            self._out.add(task)
            task.add_done_callback(self._out.discard)
        return len(lanes)

    async def _room(self) -> int:
        """Number of free places, at least one. Deliveries just out are waited for, but not long:
        slow receivers must not hold up others."""
        if self._out:
            await asyncio.wait(self._out, timeout=ROOM_SECONDS, return_when=asyncio.ALL_COMPLETED)
        while self._pace.free <= 0:
            await asyncio.wait(self._out, return_when=asyncio.FIRST_COMPLETED)
        return self._pace.free

    async def drain(self) -> None:
        """Waits for what is out."""
        while self._out:
            await asyncio.wait(self._out)

    async def _deliver(self, lane: Lane) -> None:
        begun, taken = time.perf_counter(), False
        begin_later("delivery", lane.subject_id)
        try:
            # An endpoint that was switched off or deleted meanwhile gets nothing more; its lane
            # ends.
            active = lane.state == "active"
            posted = (
                await post_event(self._world, lane)
                if active
                else Posted(Answer(None, error="switched_off"))
            )
            taken = posted.answer.taken
            await self._record(lane, posted)
        except Exception as error:  # noqa: BLE001
            # the lane's lease runs out and it is taken up again
            log.warning("delivery not recorded", lane=str(lane.lane_id), error=type(error).__name__)
        finally:
            self._pace.ended(lane.endpoint_id, taken=taken, seconds=time.perf_counter() - begun)

    async def _record(self, lane: Lane, posted: Posted) -> None:
        """An answer that cannot be kept as it came is a failed try: unrecorded, it would be sent
        again for ever."""
        try:
            await self._finish.submit(self._result(lane, posted))
        except UNKEPT as error:
            log.warning("answer not kept", lane=str(lane.lane_id), error=type(error).__name__)
            unread = Answer(None, latency_ms=posted.answer.latency_ms, error="protocol")
            await self._finish.submit(self._result(lane, Posted(unread, posted.resent)))

    def _result(self, lane: Lane, posted: Posted) -> _Finished:
        wall, answer = self._world.clocks.wall(), posted.answer
        fails, retry_after = lane.fails + 1, answer.headers.get("retry-after")
        verdict = after_try(
            answer.status,
            error=answer.error,
            fails=fails,
            jitter=random.random(),
            retry_after=retry_after,
            now=wall,
            schedules=SCHEDULES.get(lane.format, RESCUE),
        )
        DELIVERIES.add(_RESULTS[verdict.action])
        finished = filled(
            FinishedLane,
            lane,
            seq=lane.next_seq,
            fails=fails,
            tries=lane.tries + 1,
            switched=posted.switched,
            retry_at=wall + (verdict.delay or timedelta(0)) if verdict.action == "retry" else None,
            disable=GONE if verdict.action == "disable" else None,
        )
        tried = NewTry(
            merchant_id=lane.merchant_id,
            endpoint_id=lane.endpoint_id,
            try_id=new_id(),
            subject_id=lane.subject_id,
            seq=lane.next_seq,
            event_id=lane.event_id or lane.lane_id,
            try_no=lane.tries + 1,
            at=wall,
            status=answer.status,
            error=answer.error,
            latency_ms=round(answer.latency_ms),
            answer=answer_text(answer),
            result=_RESULTS[verdict.action],
            resent=posted.resent,
        )
        pause = read_retry_after(retry_after, wall) if answer.status in (429, 503) else None
        outcome = Tried(
            answer.taken,
            lane.probe,
            answer.error or f"HTTP {answer.status}",
            wall + pause if pause else None,
        )
        return finished, tried, outcome

    async def _finish_all(self, results: Sequence[_Finished]) -> list[bool]:
        async def once() -> list[UUID]:
            wall = self._world.clocks.wall()
            async with self._world.db.transaction() as tx:
                lanes, tries = [r[0] for r in results], [r[1] for r in results]
                await lock_lanes(tx, lanes)
                changed, closed, opened = await _judge(tx, results, lanes, tries, wall)
                await finish_lanes(tx, lanes, tries, wall)
                if changed:
                    await set_health(tx, changed)
                opened |= {lane.endpoint_id for lane in lanes if lane.disable}
                if opened:
                    await alert_endpoints(tx, await failing_endpoints(tx, sorted(opened)), wall)
                if closed:
                    await bring_forward(tx, closed, wall)
                return closed

        if closed := await retrying(once):
            await self._bring_forward_elsewhere(closed)
        return [True] * len(results)

    async def _bring_forward_elsewhere(self, closed: list[UUID]) -> None:
        """A partner's endpoints have lanes in several cells."""
        for cell in self._world.every:
            if cell is not self._world:
                with suppress(Problem):  # they go on when they are due
                    await bring_forward(cell.db.alone, closed, cell.clocks.wall())


async def _judge(
    tx: Tx,
    results: Sequence[_Finished],
    lanes: list[FinishedLane],
    tries: list[NewTry],
    wall: WallTime,
) -> tuple[list[EndpointHealth], list[UUID], set[UUID]]:
    """The endpoints whose health changes with these tries, those whose breaker closes, and those
    whose opens. A try while it is open gives nothing up: its lane goes behind the others, which are
    tried in turn; `lanes` and `tries` then say so."""
    by_endpoint: dict[UUID, list[Tried]] = {}
    for lane, _, tried in results:
        if tried.error not in OURS:
            by_endpoint.setdefault(lane.endpoint_id, []).append(tried)
    failed = [
        endpoint_id for endpoint_id, tried in by_endpoint.items() if not all(t.taken for t in tried)
    ]
    rows = await lock_health(tx, sorted(by_endpoint), sorted(failed)) if by_endpoint else []
    changed: list[EndpointHealth] = []
    closed: list[UUID] = []
    opened: set[UUID] = set()
    for row in rows:
        endpoint_id, before = row.endpoint_id, row.health
        after = after_tries(before, by_endpoint[endpoint_id], wall, random.random())
        lost = is_lost(after, wall)
        for place, (lane, made, answer) in enumerate(results):
            if (
                lane.endpoint_id != endpoint_id
                or answer.taken
                or before.opened_at is None
                or lane.disable
            ):
                continue
            disable = nothing_taken(OPEN_MAX.days) if lost else None
            lanes[place] = replace(lane, retry_at=wall, fails=lane.fails - 1, disable=disable)
            tries[place] = replace(made, result="failed")
        changed.append(EndpointHealth.of(endpoint_id, after))
        if before.opened_at is not None and after.opened_at is None:
            closed.append(endpoint_id)
        elif before.opened_at is None and after.opened_at is not None:
            opened.add(endpoint_id)
        _tell(endpoint_id, before, after, lost)
    return changed, closed, opened


def _tell(endpoint_id: UUID, before: Health, after: Health, lost: bool) -> None:
    """The operator's log. An endpoint that is down for a while is its merchant's to mend, who is
    told: no warning."""
    if lost:
        log.warning(
            "webhook endpoint given up", endpoint=str(endpoint_id), since=str(after.failing_since)
        )
    elif after.state == "open" != before.state:
        log.info(
            "webhook endpoint down",
            endpoint=str(endpoint_id),
            since=str(after.failing_since),
            failures=after.failures,
            error=after.last_error,
        )
    elif before.state == "open" != after.state:
        log.info(
            "webhook endpoint works again",
            endpoint=str(endpoint_id),
            was_failing_since=str(before.failing_since),
        )
