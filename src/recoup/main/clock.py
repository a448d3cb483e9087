"""The worker: loops side by side, each of which survives a lost database and goes on."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic
from typing import Final, NamedTuple

import structlog

from recoup.backtest.flows.floor import watch_floor
from recoup.db.operation.waiting import what_waits
from recoup.db.pool import REPEAT_SECONDS, is_away
from recoup.desk.flows.fold_again import FOLDED_AT_ONCE, fold_again
from recoup.disputes.flows.monitoring import watch_monitoring
from recoup.engine.flows import watch_drift
from recoup.insight.flows.keep_facts import EVENTS_MAX as EVENTS_AT_ONCE
from recoup.insight.flows.keep_facts import keep_facts
from recoup.insight.flows.learn_risk import train_risk_nightly
from recoup.insight.flows.share_issuers import share_issuers
from recoup.insight.flows.watch_rates import watch_rates
from recoup.kernel.problem import in_words
from recoup.kit.places import LOOPS
from recoup.kit.ports import Standing
from recoup.kit.upkeep import ALIVE_SECONDS, beat, purge_expired, upkeep
from recoup.kit.world import World
from recoup.main.rekey import rekey
from recoup.notices.flows.work import read_news
from recoup.notifications.flows.digest import send_digests
from recoup.notifications.flows.notification_mail import send_notifications
from recoup.notifications.flows.tell_alert import tell_partners
from recoup.onboarding.flows.open_live import open_approved
from recoup.orders.store.due_work import moved_merchants
from recoup.people.flows.mails import (
    send_account_mails,
    send_impersonation_mails,
    send_invitations,
    send_password_links,
)
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.run_due import BATCH, DueWork
from recoup.settlement.flows.settle import POSTINGS_MAX, close_pages
from recoup.uplift.flows.uplift_report import watch_uplift
from recoup.webhooks.flows.deliver import Deliveries
from recoup.webhooks.flows.publish import EVENTS_MAX, publish_all, publish_partners

log = structlog.get_logger()
IDLE_SECONDS = 0.1
UNASKED_SECONDS = 2.0  # of a loop that is woken
HELD_SECONDS = 1.0  # of a loop that waits for the end of a quarantine
PASS_SECONDS_MAX = 600.0  # of a loop whose work others wait for


class Loop(NamedTuple):
    """Loop of the worker. `once` answers how much it did. Seconds: `pause` after it found nothing;
    `rest` after it did less than `much`, so that a pass takes what came meanwhile together: each
    costs as much again as what it does."""

    name: str
    once: Callable[[], Awaitable[int]]
    pause: float
    rest: float = 0.0
    much: int = 1
    in_quarantine: bool = False  # runs then, too
    wake: asyncio.Event | None = None  # ends a pause


class Wakes:
    """Wakes of the loops whose work others wait for: one look for all of them while there is
    nothing to do."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.due, self.publish, self.deliver = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def look(self) -> int:
        waits = await what_waits(self._world.db.reader, self._world.clocks.wall())
        for name in waits.__struct_fields__:
            if getattr(waits, name):
                getattr(self, name).set()
        return 0


async def _due(world: World, due: DueWork) -> int:
    ran = await due.claim()
    moved = await moved_merchants(world.db.reader, world.clocks.wall())
    for merchant_id in random.sample(moved, len(moved)):
        ran += await due.claim(merchant_id=merchant_id)
    return ran


def loops_of(world: World, due: DueWork, deliveries: Deliveries) -> list[Loop]:
    """All that the worker does again and again."""
    wakes = Wakes(world)
    return [
        Loop("look", wakes.look, IDLE_SECONDS),
        Loop(
            "due", lambda: _due(world, due), UNASKED_SECONDS, rest=0.01, much=BATCH, wake=wakes.due
        ),
        Loop(
            "publish",
            lambda: publish_all(world),
            UNASKED_SECONDS,
            rest=0.02,
            much=EVENTS_MAX,
            wake=wakes.publish,
        ),
        Loop("partners' feeds", lambda: publish_partners(world), 1.0),
        Loop("deliver", lambda: deliveries.claim(), UNASKED_SECONDS, wake=wakes.deliver),
        Loop("pages", lambda: close_pages(world), 1.0, rest=0.5, much=POSTINGS_MAX),
        Loop("invitations", lambda: send_invitations(world), 5.0),
        Loop("mails of impersonations", lambda: send_impersonation_mails(world), 5.0),
        Loop("links for passwords", lambda: send_password_links(world), 2.0),
        Loop("account mails", lambda: send_account_mails(world), 5.0),
        Loop("partners' alerts", lambda: tell_partners(world), 2.0),
        Loop("notifications", lambda: send_notifications(world), 2.0),
        Loop("rescue rates", lambda: watch_rates(world), 60.0),
        Loop("facts", lambda: keep_facts(world), 2.0, rest=0.1, much=EVENTS_AT_ONCE),
        Loop("issuers", lambda: share_issuers(world), 60.0),
        Loop("drift of the model", lambda: watch_drift(world), 60.0),
        Loop("uplift", lambda: watch_uplift(world), 60.0),
        Loop("monitoring programmes", lambda: watch_monitoring(world), 60.0),
        Loop("floor", lambda: watch_floor(world), 600.0),
        Loop("training of the risk check", lambda: train_risk_nightly(world), 60.0),
        Loop("digests", lambda: send_digests(world), 30.0),
        Loop("news of processors", partial(read_news, world, due.orders, {}), 3600.0),
        Loop("going live", lambda: open_approved(world), 5.0),
        Loop("alive", lambda: beat(world), ALIVE_SECONDS, in_quarantine=True),
        Loop("tidy", lambda: purge_expired(world), 60.0, in_quarantine=True),
        Loop("upkeep", lambda: upkeep(world), 60.0, in_quarantine=True),
        Loop("keys", lambda: rekey(world), 20.0),
        Loop("search texts", lambda: fold_again(world), 60.0, rest=0.05, much=FOLDED_AT_ONCE + 1),
        *(Loop(*loop) for loops in LOOPS for loop in loops(world)),
    ]


async def work(world: World, orders: Orders, deliveries: Deliveries) -> None:
    """Runs until cancelled; then waits for what is out."""
    due = DueWork(world, orders)
    try:
        async with asyncio.TaskGroup() as group:
            for loop in loops_of(world, due, deliveries):
                group.create_task(_loop(loop, world.standing))
    finally:
        await due.drain()
        await deliveries.drain()


_begun: Final = dict[
    asyncio.Event | None, float
]()  # when it began its last pass; None: any that is not woken


def stands_still() -> bool:
    """True when a loop whose work others wait for no longer comes round."""
    return any(monotonic() - at > PASS_SECONDS_MAX for at in _begun.values())


async def _loop(loop: Loop, standing: Standing) -> None:
    """Runs a loop, again at once while there is much to do; with growing pauses while there is
    trouble."""
    trouble, quiet_until = 0, 0.0
    while True:
        _begun[loop.wake] = monotonic()
        if standing.is_quarantined and not loop.in_quarantine:
            await asyncio.sleep(HELD_SECONDS)
            continue
        try:
            if loop.wake is not None:
                loop.wake.clear()
            did = await loop.once()
            trouble = 0
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001
            # the loop is what keeps the promises; it must go on
            trouble += 1
            if not is_away(error) and monotonic() >= quiet_until:
                quiet_until = monotonic() + REPEAT_SECONDS
                log.warning("worker loop", loop=loop.name, error=in_words(error))
            did = 0
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # a rollback that failed meanwhile must not swallow the end
            raise asyncio.CancelledError
        if trouble:
            pause = loop.pause if loop.wake is None else IDLE_SECONDS
            await asyncio.sleep(min(5.0, pause * 2 ** min(trouble, 6)))
        elif not did and loop.wake is not None:
            await _either(loop.wake, loop.pause)
        elif not did:
            await asyncio.sleep(loop.pause)
        elif did < loop.much:
            await asyncio.sleep(loop.rest)


async def _either(wake: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await wake.wait()
