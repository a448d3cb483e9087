"""An attempt whose answer we do not know: ask the processor under the attempt's own id, never send blind.

"Not found" counts only after everything that could still arrive has arrived, twice; then the same id is sent again.
What stays unknown for a day needs attention; inquiries go on.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from recoup.flows.cards.send import call, close
from recoup.flows.external_call import call_with_timeout, deadline_of, may_be_forgotten, processor_of
from recoup.flows.locked import Orders
from recoup.flows.world import World
from recoup.gateways.cards.port import Processor
from recoup.kernel.time import WallTime
from recoup.moves.advance.collection import raise_uncollected
from recoup.moves.attempt.close import ProcessorResult, close_attempt
from recoup.moves.attempt.send import gate_input
from recoup.moves.change import Change
from recoup.moves.pace import SEND_WITHIN
from recoup.rules.network.limits import Refused
from recoup.rules.order import whys
from recoup.rules.order.attention import UNKNOWN
from recoup.rules.order.lifecycle import can
from recoup.rules.order.snapshot import Attempt, Order
from recoup.rules.rescue.challenge import LADDER
from recoup.rules.rescue.gate import ask_gate, gate

ASK_EVERY_MAX = timedelta(minutes=10)
ASK_EVERY_MIN = timedelta(milliseconds=250)
ASK_SECONDS_MAX = 15.0


async def inquire(world: World, orders: Orders, key: tuple[UUID, UUID]) -> None:
    def look(change: Change) -> Attempt | None:
        attempt = change.order.attempt_in_flight()
        if attempt is None:
            change.undue("inquire")
        return attempt

    attempt = await orders.run(look, key)
    if attempt is None:
        return
    processor = processor_of(world, attempt.route or "")
    inquired_at = world.clocks.wall()
    outcome = await call_with_timeout(processor.inquire(attempt.attempt_id), ASK_SECONDS_MAX)
    if outcome.state in ("approved", "declined", "not_sent"):  # each is the processor's proof
        await close(orders, key, attempt.attempt_id, outcome)
        return
    found_nothing = outcome.state == "not_found" and not may_be_forgotten(world, processor, attempt.attempt_id)
    await _not_known(world, orders, key, attempt, processor, inquired_at if found_nothing else None)


async def _not_known(
    world: World,
    orders: Orders,
    key: tuple[UUID, UUID],
    attempt: Attempt,
    processor: Processor,
    not_found: datetime | None,
) -> None:
    """Counts a valid "not found", or waits; after the second one the same id goes out again.

    `not_found`: when the inquiry was made that found nothing.
    """
    attempt_id = attempt.attempt_id

    def count(change: Change) -> tuple[Order, Attempt, float] | None:
        order = change.order
        now = next((a for a in order.attempts if a.attempt_id == attempt_id), None)
        if now is None or now.state not in ("open", "unknown"):
            return None
        assert now.send_before is not None
        settled = now.send_before + timedelta(milliseconds=now.call_timeout_ms or 0) + processor.settled_after
        if not_found is not None and not_found >= settled:
            change.set_attempt(now, not_found=now.not_found + 1)
            if now.not_found >= 2:
                return _again(world, change, now, processor.settled_after)
            change.due("inquire", change.wall + timedelta(milliseconds=200), wall=True)
            return None
        if change.wall > now.send_before + world.policy.review_after:
            if can(order.stage, "broke"):
                change.step("broke", why=UNKNOWN, cause="unknown_outcome")
            raise_uncollected(change)
        pause = min(ASK_EVERY_MAX, max(ASK_EVERY_MIN, (change.wall - WallTime(now.send_before)) / 4))
        change.due("inquire", max(change.wall + pause, settled if not_found else change.wall), wall=True)
        return None

    again = await orders.run(count, key, cards=True)
    if again is not None:
        order, same, deadline = again
        outcome = await call(world, order, same, deadline)
        await close(orders, key, attempt_id, outcome)


def _again(
    world: World, change: Change, attempt: Attempt, settled_after: timedelta
) -> tuple[Order, Attempt, float] | None:
    """The first send never arrived. The order may have ended or expired meanwhile: then it was never sent."""
    order = change.order
    # A customer's try is not made without them: what they gave went out with the first send.
    over = attempt.ladder == LADDER or (order.expires_at is not None and change.now >= order.expires_at)
    # What other orders heard of this card meanwhile binds here too; the reservation itself is not held against it.
    order.sends = [one for one in order.sends if one.send_id != attempt.attempt_id]
    inputs = gate_input(order, change.now, world.policy.visa_limit, attempt.initiator, units=attempt.units)
    over = over or order.merchant.killed or not can(order.stage, "collected")
    if over or isinstance(ask_gate(inputs), Refused):
        why = whys.NOT_SENT_AGAIN
        inputs = replace(inputs, may_wait=False)
        barred = None if over else change.decide(gate(inputs), inputs.features())
        close_attempt(change, attempt.attempt_id, ProcessorResult("not_sent", why=why, decision_id=barred))
        return None
    send_before = change.wall + SEND_WITHIN
    change.set_attempt(
        attempt, state="open", not_found=0, sends=attempt.sends + 1, send_before=send_before, sent_at=change.now
    )
    change.send(attempt.attempt_id, at=change.now)
    change.due("inquire", send_before + timedelta(milliseconds=attempt.call_timeout_ms or 0) + settled_after, wall=True)
    return order, attempt, deadline_of(world, send_before)
