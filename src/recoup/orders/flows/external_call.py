"""The middle of intent, call, outcome: one call outward, with no transaction open. Whatever happens
is an Outcome."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.kernel.ids import first_id_of
from recoup.kernel.measures import OUTSIDE
from recoup.kernel.time import WallTime
from recoup.kit.world import World
from recoup.processors.gateways.bridge import NoProcessor
from recoup.processors.gateways.channels import Channel
from recoup.processors.gateways.port import Counterpart, Inquiry, Outcome, Processor
from recoup.processors.rules.answers import Message, follows

GRACE_SECONDS = 0.5  # beyond the time-out that the gateway keeps by itself
ASK_FIRST_SECONDS_MAX: Final = 3.0  # of an inquiry, within the time that a message has to leave in
SURELY_KNOWN: Final = timedelta(
    hours=1
)  # before the end of a window, for clocks and queues on the way


def deadline_of(world: World, send_before: datetime) -> float:
    """`send_before` on the monotonic clock. It was set before the locks were waited for; that wait
    is no grace. Raises: Problem(unavailable) in quarantine: whatever is sent has a deadline."""
    world.standing.check()
    left: timedelta = WallTime(send_before) - world.clocks.wall()
    return world.clocks.monotonic() + left / timedelta(seconds=1)


def processor_of(world: World, route: str) -> Processor:
    """The processor of that route. What went by one that is set no longer waits until it is set
    again."""
    return world.processors.get(route) or NoProcessor(route)


def channel_of(world: World, route: str | None) -> Channel:
    """The channel that a payment was sent by."""
    if route is None:
        raise LookupError("The payment was sent by no channel.")
    return world.channels[route]


async def call_with_timeout(call: Awaitable[Outcome], timeout_seconds: float) -> Outcome:
    """The counterpart's answer; unknown when it takes too long or its connector breaks, for it may
    have happened."""
    time = asyncio.get_running_loop().time
    begun = time()
    try:
        async with asyncio.timeout(timeout_seconds + GRACE_SECONDS):
            return await call
    except TimeoutError:
        return Outcome("unknown", text="time-out")
    except Exception as error:  # noqa: BLE001
        # a connector that breaks may have sent it: that is unknown, no error
        return Outcome("unknown", text=type(error).__name__)
    finally:
        OUTSIDE.add(by=time() - begun)


def may_be_forgotten(world: World, processor: Counterpart, message_id: UUID) -> bool:
    """True when the processor may no longer know an id that was first sent when it was made: sent
    again it could be done twice, and "not found" proves nothing."""
    return message_id < first_id_of(
        world.clocks.wall() - processor.idempotency_window + SURELY_KNOWN
    )


def attempt_may_be_forgotten(world: World, processor: Counterpart, first_sent: datetime) -> bool:
    """The same of an attempt, which may be planned long before it is sent. `first_sent`: wall
    time."""
    return first_sent <= world.clocks.wall() - processor.idempotency_window + SURELY_KNOWN


async def ask_before_repeat(
    world: World,
    processor: Counterpart,
    inquiry: Inquiry,
    other: str,
    read: Callable[[Outcome], Outcome] = lambda answer: answer,
) -> Outcome | None:
    """What became of a message of which a try before may have left; None: the same id may be sent
    again, which its processor surely knows. `other`: what else a repeat could be taken for."""
    if processor.asks != "by_replay":  # there the message itself is the question
        outcome = read(await call_with_timeout(processor.inquire(inquiry), ASK_FIRST_SECONDS_MAX))
        is_known = outcome.state in ("approved", "declined") or outcome.contradicts
        if is_known or never_processed(processor, outcome):
            return outcome
    if may_be_forgotten(world, processor, inquiry.id):
        return Outcome("unknown", text=f"sent again it could be another {other}")
    return None


async def note_answer(
    world: World,
    processor: Counterpart,
    message: Message,
    outcome: Outcome,
    merchant_id: UUID,
    *,
    is_first: bool,
) -> tuple[str, bool]:
    """Notes an answer for its route. Returns the state that follows, and whether the route waits
    until its account is mended. `is_first`: no try before may have arrived, of which a refusal of
    this one says nothing."""
    then = follows(message, outcome.state, outcome.fault)
    await world.routes.note_other(processor.name, outcome, merchant_id, then.step)
    state: str = then.state if is_first else outcome.state
    state = "unprocessed" if never_processed(processor, outcome) else state
    return state, then.step == "route_waits"


def never_processed(processor: Counterpart, outcome: Outcome) -> bool:
    """The processor's own proof. What we alone know of this try proves nothing of one before under
    the same id."""
    return outcome.state == "not_sent" and outcome.own_code in processor.unprocessed_codes
