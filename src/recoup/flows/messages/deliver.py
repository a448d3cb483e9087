"""Webhooks: a leased lane's next event is signed, posted, and the lane goes on, waits or ends.

Deliveries are at least once; each event of an order goes after the one before it, unless that one was given up.
"""

import asyncio
import random
import secrets
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import structlog

from recoup.gateways.web.guard import check_url
from recoup.gateways.web.port import Answer, Web
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.world import World
from recoup.rules.messages.backoff import RESCUE, STABLECOIN, after_try
from recoup.rules.messages.events import Event, Rendered, render
from recoup.rules.messages.stable_events import render_stable
from recoup.store.coalesce import Coalescer
from recoup.store.pool import retrying
from recoup.store.write.lanes import claim_lanes, finish_lanes

log = structlog.get_logger()
IN_FLIGHT_MAX = 256
ROOM_WORTH_A_CLAIM = 64
ROOM_SECONDS = 0.01
ABOUT_ORDERS = frozenset({"order", "stable_order", "subscription"})
SCHEDULES = {"stablecoin": STABLECOIN}
_RESULTS = {"taken": "delivered", "retry": "failed", "park": "parked", "disable": "disabled"}
_Finished = tuple[dict[str, Any], dict[str, Any]]


class Deliveries:
    """One a world and process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._finish: Coalescer[_Finished, bool] = Coalescer(self._finish_all, max_rows=256, writers=1)
        self._out: set[asyncio.Task[None]] = set()

    async def claim(self, *, merchant_id: UUID | None = None) -> int:
        """Starts as many deliveries as are due and have room; answers how many: 0 when none was due."""
        room = await self._room()
        async with self._world.db.connection() as connection:
            lanes = await claim_lanes(connection, self._world.clocks.wall(), room, merchant_id)
        for lane in lanes:
            task = asyncio.create_task(self._deliver(dict(lane)))
            self._out.add(task)
            task.add_done_callback(self._out.discard)
        return len(lanes)

    async def _room(self) -> int:
        """At least one. With little of it, more is waited for, but not long: slow receivers must not hold up others."""
        if len(self._out) > IN_FLIGHT_MAX - ROOM_WORTH_A_CLAIM:
            await asyncio.sleep(ROOM_SECONDS)
        while len(self._out) >= IN_FLIGHT_MAX:
            await asyncio.wait(self._out, return_when=asyncio.FIRST_COMPLETED)
        return IN_FLIGHT_MAX - len(self._out)

    async def drain(self) -> None:
        """Waits for what is out."""
        while self._out:
            await asyncio.wait(self._out)

    async def _deliver(self, lane: dict[str, Any]) -> None:
        try:
            # An endpoint that was switched off or deleted meanwhile gets nothing more; its lane ends.
            answer = await self._post(lane) if lane["state"] == "active" else Answer(None, error="switched_off")
            await self._finish.submit(self._result(lane, answer))
        except Exception as error:  # noqa: BLE001 - the lane's lease runs out and it is taken up again
            log.warning("delivery not recorded", lane=str(lane["lane_id"]), error=type(error).__name__)

    async def _post(self, lane: dict[str, Any]) -> Answer:
        world = self._world
        host = _host_of(lane["url"], world.policy.loopback_webhooks)
        if host is None:
            return Answer(None, error="refused_address")
        try:
            rendered = self._render(lane, host)
        except Exception as error:  # noqa: BLE001 - it counts as a failed try: backed off, shown, and at last parked
            log.warning("delivery not rendered", lane=str(lane["lane_id"]), error=type(error).__name__)
            return Answer(None, error="not_rendered")
        if rendered is None:
            return Answer(204, body_start=b"Nothing was sent: this dialect does not tell such an event.")
        web: Web = world.web
        seconds = world.policy.webhook_timeout / timedelta(seconds=1)
        return await web.post(lane["url"], rendered.headers, rendered.body, timeout_seconds=seconds)

    def _render(self, lane: dict[str, Any], host: str) -> Rendered | None:
        """None for what the endpoint's dialect does not tell."""
        world = self._world
        shared = lane["stablecoin_webhook_key"] if lane["door"] == "stablecoin" else lane["webhook_key"]
        sealed = lane["own_key"] or shared
        key = world.keys.open_secret(f"webhook:{lane['merchant_id']}", sealed).decode()
        event = event_of(lane, world.policy.test_mode)
        if lane["format"] == "stablecoin":
            return render_stable(event, key, world.clocks.wall(), encrypt=lane["encrypt"])
        return render(event, lane["format"], key, host, secrets.token_hex(16),
                      world.clocks.wall())  # fmt: skip

    def _result(self, lane: dict[str, Any], answer: Answer) -> _Finished:
        wall = self._world.clocks.wall()
        fails = lane["fails"] + 1
        verdict = after_try(
            answer.status, error=answer.error, fails=fails, jitter=random.random(),
            retry_after=answer.headers.get("retry-after"), now=wall, schedules=SCHEDULES.get(lane["format"], RESCUE),
        )  # fmt: skip
        keys = {"merchant_id": lane["merchant_id"], "endpoint_id": lane["endpoint_id"]}
        finished = keys | {
            "lane_id": lane["lane_id"], "subject_id": lane["subject_id"], "seq": lane["next_seq"], "fails": fails,
            "retry_at": wall + (verdict.delay or timedelta(0)) if verdict.action == "retry" else None,
            "disable": "The receiver answered 410 Gone." if verdict.action == "disable" else None,
        }  # fmt: skip
        tried = keys | {
            "try_id": new_id(), "subject_id": lane["subject_id"], "seq": lane["next_seq"],
            "event_id": lane["event_id"] or lane["lane_id"], "try_no": fails, "at": wall, "status": answer.status,
            "error": answer.error, "latency_ms": round(answer.latency_ms),
            "answer": answer.body_start.decode("utf-8", "replace").replace("\x00", ""),
            "result": _RESULTS[verdict.action],
        }  # fmt: skip
        return finished, tried

    async def _finish_all(self, results: Sequence[_Finished]) -> list[bool]:
        async def once() -> None:
            async with self._world.db.transaction() as tx:
                lanes, tries = [r[0] for r in results], [r[1] for r in results]
                await finish_lanes(tx, lanes, tries, self._world.clocks.wall())

        await retrying(once)
        return [True] * len(results)


@lru_cache(maxsize=4096)
def _host_of(url: str, loopback: bool) -> str | None:
    """The host as the receiver sees it; None for an address that may not be called."""
    checked = check_url(url, loopback=loopback)
    return None if isinstance(checked, Problem) else checked.host_header


def event_of(row: dict[str, Any], test_mode: bool) -> Event:
    """From a claimed lane or a line of the feed. Of a settlement or payout no order is named."""
    order_id = row["subject_id"] if row["subject_kind"] in ABOUT_ORDERS else None
    return Event(
        event_id=row["event_id"], merchant_id=row["merchant_id"], site_id=row["site_id"], order_id=order_id,
        external_order_id=row["external_id"], name=row["event"], sequence=row["next_seq"],
        business_at=row["business_at"], data=row["body"], test_mode=test_mode,
    )  # fmt: skip
