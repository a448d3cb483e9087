"""Check before a message leaves: whether it left already, and our database forgot it.

A world's standing says how long that is possible (`recoup recover` sets it); at any other time
nothing is queried. Each route that could have carried the message is looked up by its key and its
order's. What is found is adopted; what no route can rule out is sent only where its own processor
still knows the key, else people look at it: never on a guess.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.kit.world import World
from recoup.orders.flows.external_call import (
    ASK_FIRST_SECONDS_MAX,
    SURELY_KNOWN,
    call_with_timeout,
    processor_of,
)
from recoup.orders.rules.snapshot import Attempt, Order
from recoup.orders.rules.wire_keys import lives_of
from recoup.processors.gateways.port import (
    Charge,
    Counterpart,
    LookUp,
    ModificationMessage,
    Outcome,
)
from recoup.processors.rules.credential import TOKEN
from recoup.rescue.flows.carriers import routes_for

UNASKED: Final = "it may have left before the database was restored, and cannot be looked up"


def lost_since(world: World) -> datetime | None:
    """Time from which a message may have left that no row knows; None where each is known."""
    standing = world.standing
    until = standing.asks_first_until
    return standing.lost_from if until is not None and world.clocks.wall() < until else None


async def charge_found(
    world: World, order: Order, attempt: Attempt, charge: Charge
) -> Outcome | None:
    """Outcome of the charge, or of another of its order in its place; None: it may be sent."""
    since = lost_since(world)
    first = attempt.sent_at
    if (
        since is None or first is None or first - order.merchant.offset < since
    ):  # its row is older than what was forgotten
        return None
    known = frozenset(
        other.key for other in order.attempts if other.key is not None and other is not attempt
    )
    question, own = LookUp(charge, since, known - {charge.key}), attempt.route or ""
    others = [name for name in routes_for(world, order.merchant_id) if name != own]
    names = [own, *(name for name in others if _could_carry(world, charge, name))]
    said = await asyncio.gather(*(_look_up(processor_of(world, name), question) for name in names))
    return _taken(
        world, own, dict(zip(names, said, strict=True)), processor_of(world, own), charge.key
    )


async def modification_found(
    world: World, processor: Counterpart, message: ModificationMessage
) -> Outcome | None:
    """Outcome of a refund, capture or void, which its charge's route alone carries; None: it may be
    sent. A refund may have been done under a key that our database gave it later and forgot."""
    since = lost_since(world)
    if since is None:
        return None
    keys = lives_of(message.key) if message.kind == "refund" else [message.key]
    said = await asyncio.gather(
        *(_look_up(processor, LookUp(replace(message, key=key), since)) for key in keys)
    )
    return _taken(world, processor.name, {processor.name: _of_lives(said)}, processor, message.key)


def _of_lives(said: Sequence[Outcome]) -> Outcome:
    """The last that was decided; none while one is not known."""
    approved = {
        (outcome.reference, outcome.key): outcome for outcome in said if outcome.state == "approved"
    }
    if len(approved) > 1:
        return Outcome("unknown", text="it was refunded several times", contradicts=True)
    unsure = [outcome for outcome in said if outcome.state in ("unknown", "awaits_payer")]
    decided = [outcome for outcome in reversed(said) if outcome.state != "not_found"]
    return next(iter([*approved.values(), *unsure, *decided]), said[0])


def _could_carry(world: World, charge: Charge, name: str) -> bool:
    """A stored method goes by its own route alone; but its customer may have paid by another card
    since."""
    processor = processor_of(world, name)
    return (
        bool(processor.takes & {"card", TOKEN}) and processor.exponent(charge.currency) is not None
    )


async def _look_up(processor: Counterpart, question: LookUp) -> Outcome:
    return await call_with_timeout(processor.look_up(question), ASK_FIRST_SECONDS_MAX)


def _taken(
    world: World, own: str, said: dict[str, Outcome], processor: Counterpart, key: UUID
) -> Outcome | None:
    approved = [
        replace(outcome, route=name)
        for name, outcome in said.items()
        if outcome.state == "approved"
    ]
    if len(approved) > 1:
        return Outcome("unknown", text="several routes charged the order", contradicts=True)
    if approved:
        return approved[0]
    unsure = {
        name: outcome
        for name, outcome in said.items()
        if outcome.state in ("unknown", "awaits_payer")
    }
    pending = unsure.get(own) or next(iter(unsure.values()), None)
    # Of another charge of the order that is under way there, the processor's memory of this key
    # says nothing.
    is_own = (
        pending is not None
        and set(unsure) == {own}
        and not pending.contradicts
        and pending.key in (None, key)
    )
    if pending is not None and not (is_own and _still_knows(world, processor)):
        return replace(pending, state="unknown", text=UNASKED, contradicts=pending.key != key)
    return next(
        (
            replace(outcome, route=name)
            for name, outcome in said.items()
            if outcome.state == "declined"
        ),
        None,
    )


def _still_knows(world: World, processor: Counterpart) -> bool:
    """True when the processor's memory of keys reaches back to all that was forgotten: the same key
    is the same there."""
    since = lost_since(world)
    return (
        since is not None
        and world.clocks.wall() < since + processor.idempotency_window - SURELY_KNOWN
    )
