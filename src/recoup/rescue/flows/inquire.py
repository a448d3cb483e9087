"""An attempt whose answer we do not know: ask the processor under the attempt's own id, never send
blind.

"Not found" counts only after everything that could still arrive has arrived, twice; then the same
id is sent again, as long as the processor surely knows it. What stays unknown for a day, or beyond
that window, needs attention; inquiries go on. A processor that asks by replay is asked only when a
send is allowed.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from recoup.cards.flows.joined_cards import join_by_answer
from recoup.cards.flows.method_facts import keep_news
from recoup.kernel.problem import Problem
from recoup.kernel.time import WallTime
from recoup.kit.world import World
from recoup.networks import whys
from recoup.networks.challenge import PURPOSE
from recoup.networks.limits import Refused
from recoup.orders.flows.external_call import (
    attempt_may_be_forgotten,
    call_with_timeout,
    deadline_of,
    processor_of,
)
from recoup.orders.moves.change import Change
from recoup.orders.moves.pace import SEND_WITHIN
from recoup.orders.rules.attention import NOT_REPEATED, UNKNOWN
from recoup.orders.rules.lifecycle import can
from recoup.orders.rules.snapshot import Attempt, Order
from recoup.processors.gateways.port import Charge, Inquiry, Outcome, Processor, as_requested
from recoup.rescue.flows.ask_first import charge_found
from recoup.rescue.flows.charge import first_sent_at, inquiry_of, requested_of
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.send import (
    Opened,
    call,
    close,
    keep_news_of_token,
    processor_result,
    read_answer,
)
from recoup.rescue.moves.close import ProcessorResult, close_attempt, raise_unclear
from recoup.rescue.moves.collection import raise_uncollected
from recoup.rescue.moves.send import gate_input
from recoup.rescue.moves.taken_after_all import taken_after_all
from recoup.rescue.rules.gate import GateInput, ask_gate, gate

ASK_EVERY_MAX = timedelta(minutes=10)
ASK_EVERY_MIN = timedelta(milliseconds=250)
ASK_SECONDS_MAX = 15.0


async def inquire(world: World, orders: Orders, key: tuple[UUID, UUID]) -> None:
    def look(change: Change) -> tuple[Order, Attempt] | None:
        attempt = change.order.attempt_in_flight()
        if attempt is None:
            change.undue("inquire")
            return None
        return change.order, attempt

    waiting = await orders.run(look, key)
    if waiting is None:
        return
    order, attempt = waiting
    processor = processor_of(world, attempt.route or "")
    inquired_at = world.clocks.wall()
    outcome = await _forgotten_by_us(world, order, attempt)
    if outcome is None:
        inquiry = await _inquiry(world, orders, key, order, attempt, processor)
        if inquiry is None:
            await _not_known(world, orders, key, attempt, processor, None)
            return
        outcome = await call_with_timeout(processor.inquire(inquiry), ASK_SECONDS_MAX)
    outcome = read_answer(order, attempt, as_requested(outcome, *requested_of(attempt)))
    await join_by_answer(world, order, processor, outcome.credential_news)
    await keep_news_of_token(world, order, attempt, outcome)
    known = ("approved", "declined", "not_sent", "awaits_payer")
    if outcome.state in known or outcome.contradicts:  # else it proves nothing
        await close(world, orders, key, attempt.attempt_id, outcome)
        await keep_news(world, order, outcome)
    if outcome.state in ("unknown", "not_found"):
        await _not_known(
            world,
            orders,
            key,
            attempt,
            processor,
            inquired_at if outcome.state == "not_found" else None,
        )


async def _forgotten_by_us(world: World, order: Order, attempt: Attempt) -> Outcome | None:
    """Outcome that a look-up gives of another message in its place, while our database may have
    forgotten some. Of its own the inquiry says more."""
    question = inquiry_of(world, order, attempt).message
    assert isinstance(question, Charge)
    outcome = await charge_found(world, order, attempt, question)
    return (
        outcome
        if outcome is not None and (outcome.state != "unknown" or outcome.key != attempt.key)
        else None
    )


async def _inquiry(
    world: World,
    orders: Orders,
    key: tuple[UUID, UUID],
    order: Order,
    attempt: Attempt,
    processor: Processor,
) -> Inquiry | None:
    """The inquiry about an attempt; None where it could be a send, and none is allowed now."""
    at_bank = attempt.authentication is not None and attempt.authentication.url is not None
    if (
        processor.asks != "by_replay" or at_bank
    ):  # where they are confirming is known: nothing is sent to ask
        return inquiry_of(world, order, attempt)

    def replay(change: Change) -> Opened | None:
        now = _still_out(change, attempt.attempt_id)
        if (
            now is None
            or _forgotten(world, change, processor, now)
            or _barred(world, change, now)[0]
        ):
            return None
        return _open_again(world, change, now, processor.settled_after)

    opened = await orders.run(replay, key, cards=True)
    if opened is None:
        return None
    order, same, deadline = opened
    try:
        return inquiry_of(world, order, same, replay_until=deadline)
    except Problem:  # a card that does not open
        return None


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

    def count(change: Change) -> Opened | None:
        now = _still_out(change, attempt_id)
        if now is None:
            return None
        assert now.send_before is not None
        settled = (
            now.send_before
            + timedelta(milliseconds=now.call_timeout_ms or 0)
            + processor.settled_after
        )
        forgotten = _forgotten(world, change, processor, now)
        if not forgotten and not_found is not None and not_found >= settled:
            change.set_attempt(now, not_found=now.not_found + 1)
            if now.not_found >= 2:
                return _again(world, change, now, processor.settled_after)
            change.due("inquire", change.wall + timedelta(milliseconds=200), wall=True)
            return None
        if forgotten or change.wall > now.send_before + world.policy.review_after:
            if can(change.order.stage, "broke"):
                change.step("broke", why=UNKNOWN, cause="unknown_outcome")
            raise_uncollected(change)
        if forgotten:
            raise_unclear(change, now, NOT_REPEATED)
        pause = min(
            ASK_EVERY_MAX, max(ASK_EVERY_MIN, (change.wall - WallTime(now.send_before)) / 4)
        )
        change.due(
            "inquire", max(change.wall + pause, settled if not_found else change.wall), wall=True
        )
        return None

    again = await orders.run(count, key, cards=True)
    if again is not None:
        order, same, deadline = again
        outcome = await call(world, order, same, deadline)
        await join_by_answer(world, order, processor, outcome.credential_news)
        await keep_news_of_token(world, order, same, outcome)
        await close(world, orders, key, attempt_id, outcome)


async def settle_by_proof(
    world: World, orders: Orders, key: tuple[UUID, UUID], attempt_id: UUID, outcome: Outcome
) -> None:
    """A processor's signed word of an attempt. Where the same can be inquired, that says more, and
    due work does it.

    Raises: Problem(unavailable) while our own call is under way.
    """

    def settle(change: Change) -> None:
        attempt = change.order.attempt(attempt_id)
        answer = as_requested(outcome, *requested_of(attempt))
        if _still_out(change, attempt_id) is None:
            if answer.state == "approved" and attempt.state in ("declined", "not_sent"):
                taken_after_all(change, attempt)
            return
        takes_part = attempt.consent is not None and attempt.consent.part_from is not None
        if takes_part and answer.state == "approved" and answer.units in (None, attempt.units):
            # no vendor says whether a notice names what was requested or what was approved of it
            return
        assert attempt.send_before is not None
        ends = attempt.send_before + timedelta(milliseconds=attempt.call_timeout_ms or 0)
        payer = (
            attempt.authentication
        )  # a question in their place would only repeat where they were sent
        counts = payer is not None and (payer.url is not None or answer.state == "approved")
        if attempt.state == "open" and change.wall < ends and not counts:
            raise Problem(
                "unavailable",
                "Its own answer is on its way.",
                cure="Send the notice again in a minute.",
            )
        processor = processor_of(world, attempt.route or "")
        if (
            counts
            or _forgotten(world, change, processor, attempt)
            or _barred(world, change, attempt)[0]
        ):
            close_attempt(change, attempt_id, processor_result(change.order, attempt_id, answer))

    await orders.run(settle, key, cards=True)


def _still_out(change: Change, attempt_id: UUID) -> Attempt | None:
    current = next(
        (attempt for attempt in change.order.attempts if attempt.attempt_id == attempt_id), None
    )
    return current if current is not None and current.state in ("open", "unknown") else None


def _forgotten(world: World, change: Change, processor: Processor, attempt: Attempt) -> bool:
    return attempt_may_be_forgotten(world, processor, first_sent_at(change.order, attempt))


def _barred(world: World, change: Change, attempt: Attempt) -> tuple[bool, GateInput | None]:
    """Tells whether the attempt may not be sent again now, and what its gate read: None where the
    order is over for it."""
    order = change.order
    # A customer's try is not made without them: what they gave went out with the first send.
    over = attempt.ladder == PURPOSE and not _still_at_hand(change, attempt)
    over = over or (order.expires_at is not None and change.now >= order.expires_at)
    # What other orders heard of this card meanwhile binds here too; the reservation itself is not
    # held against it.
    order.sends = [send for send in order.sends if send.send_id != attempt.attempt_id]
    if (
        over
        or order.merchant.killed
        or change.off_since is not None
        or not can(order.stage, "collected")
    ):
        return True, None
    inputs = gate_input(
        order,
        change.now,
        world.policy.visa_limit,
        attempt.initiator,
        units=attempt.units,
        acceptor_id=world.routes.acceptor_of(attempt.route, order.merchant.acceptor_id),
        region=order.region(attempt.route),
    )
    return isinstance(ask_gate(inputs), Refused), inputs


def _still_at_hand(change: Change, attempt: Attempt) -> bool:
    """The customer waits for this very answer, and gave nothing that is not kept: their card is the
    processor's."""
    known, card = attempt.authentication, change.order.card
    return (
        known is not None
        and known.may_wait(change.wall)
        and card is not None
        and card.stored is not None
    )


def _again(
    world: World, change: Change, attempt: Attempt, settled_after: timedelta
) -> Opened | None:
    """The first send never arrived. The order may have ended or expired meanwhile: then it was
    never sent."""
    barred, inputs = _barred(world, change, attempt)
    if not barred:
        return _open_again(world, change, attempt, settled_after)
    decision = None
    if inputs is not None:
        inputs = replace(inputs, may_wait=False)
        decision = change.decide(gate(inputs), inputs.features())
    why = whys.NOT_SENT_AGAIN
    close_attempt(
        change, attempt.attempt_id, ProcessorResult("not_sent", why=why, decision_id=decision)
    )
    return None


def _open_again(world: World, change: Change, attempt: Attempt, settled_after: timedelta) -> Opened:
    """Its time of sending stays the first one's: the processor's window for the id began there."""
    send_before = change.wall + SEND_WITHIN
    change.set_attempt(
        attempt, state="open", not_found=0, sends=attempt.sends + 1, send_before=send_before
    )
    acceptor = world.routes.acceptor_of(attempt.route, change.order.merchant.acceptor_id)
    change.send(
        attempt.attempt_id,
        at=change.now,
        initiator=attempt.initiator,
        units=attempt.units,
        acceptor_id=acceptor,
        region=change.order.region(attempt.route),
    )
    due = send_before + timedelta(milliseconds=attempt.call_timeout_ms or 0) + settled_after
    change.due("inquire", due, wall=True)
    return change.order, attempt, deadline_of(world, send_before)
