"""A send: intent (transaction A), call (no transaction open), outcome (transaction B)."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final
from uuid import UUID

from recoup.cards.flows.joined_cards import join_by_answer
from recoup.cards.flows.method_facts import keep_news, look_again
from recoup.cards.rules.method_gone import METHOD_GONE, is_closed
from recoup.cards.store.vault import note_issuers
from recoup.kernel.cause import note_order
from recoup.kernel.filled import filled
from recoup.kernel.lines import line
from recoup.kernel.measures import ATTEMPTS
from recoup.kernel.problem import Problem
from recoup.kernel.scope import WORKER, Actor
from recoup.kit.world import World
from recoup.networks import whys
from recoup.networks.decline_code import our_code
from recoup.orders.flows.external_call import call_with_timeout, deadline_of, processor_of
from recoup.orders.moves.change import Change
from recoup.orders.rules.card_facts import CardFacts
from recoup.orders.rules.snapshot import Attempt, Order
from recoup.processors.gateways.connector import billing_of
from recoup.processors.gateways.port import Charge, Outcome, as_requested
from recoup.processors.rules.answers import Message, State, Step, follows
from recoup.processors.rules.billing import CHANGED, end_of
from recoup.processors.rules.credential import UNUSABLE
from recoup.rescue.flows.ask_first import charge_found
from recoup.rescue.flows.charge import NOTHING, charge_of, charge_with, requested_of, stored_of
from recoup.rescue.flows.locked import Admission, AdmittedJob, Job, Orders
from recoup.rescue.flows.pick_route import elsewhere, route_of, ways_of
from recoup.rescue.flows.places import SENT_BY
from recoup.rescue.flows.taken import CardholderInput
from recoup.rescue.moves.close import ProcessorResult, close_attempt
from recoup.rescue.moves.open import open_attempt
from recoup.rescue.moves.start import Check, start_order
from recoup.rescue.store.processor_invoices import find_invoice

_NOT_USABLE: Final = Outcome(
    "not_sent", processor_code=our_code(UNUSABLE), text="not sent: the network token cannot be used"
)
_GONE = Outcome(
    "declined",
    processor_code=our_code(METHOD_GONE),
    text="not sent: the method is gone",
    reached_network=False,
)
_DIFFERS = Outcome("not_sent", processor_code=our_code("invoice_differs"))
Intent = Callable[[Change], tuple[Order, Attempt] | None]
Opened = tuple[Order, Attempt, float]
OWN: Final = "own"  # in metrics, every merchant's own routes
_EVENTS: Final[dict[State, str]] = {
    "unknown": "timed_out"
}  # where the attempt's life has another word for it


async def send_attempt(
    world: World,
    orders: Orders,
    key: tuple[UUID, UUID],
    *,
    actor: Actor = WORKER,
    request_id: str = "worker",
    at_hand: CardholderInput = NOTHING,
    pick_up: bool = False,
    update_first: bool = True,
) -> str | None:
    """Sends the order's due attempt; answers the attempt's state, or None when there was nothing to
    send.

    `pick_up`: an order that was only just admitted is decided in the same transaction.
    `update_first`: a card that has expired is not sent before the account updater was queried.
    """

    with_customer, state = at_hand is not NOTHING, None
    # What was proved not to be sent goes by another route at once, or by the card for its token,
    # where the order has planned it so.
    for n in range(ways_of(world, key[0])):
        intent = intent_of(
            world,
            pick_up=pick_up and n == 0,
            with_customer=with_customer,
            update_first=update_first,
        )
        again = await carry_out(
            world, orders, key, intent, actor=actor, request_id=request_id, at_hand=at_hand
        )
        state = again or state
        if again != "not_sent":
            break
    return state


def intent_of(
    world: World,
    *,
    pick_up: bool,
    with_customer: bool = False,
    update_first: bool = True,
    check: Check | None = None,
) -> Intent:
    """The order's due attempt. `check`: of an order that is picked up, before it."""

    def intent(change: Change) -> tuple[Order, Attempt] | None:
        if pick_up:
            start_order(change, check)
        attempt = open_attempt(
            change,
            world.policy,
            route_of(world),
            with_customer=with_customer,
            update_first=update_first,
        )
        return (change.order, attempt) if attempt is not None else None

    return intent


async def carry_out(
    world: World,
    orders: Orders,
    key: tuple[UUID, UUID],
    intent: Intent,
    *,
    actor: Actor = WORKER,
    request_id: str = "worker",
    at_hand: CardholderInput = NOTHING,
) -> str | None:
    """`intent` opens the attempt under the locks of order and card; then the call, then what came
    of it."""
    opened = await orders.change(Job(key, opening(world, intent), actor, request_id, cards=True))
    if opened is None:
        return None
    order, attempt, deadline = opened
    card = order.card
    outcome = await call(world, order, attempt, deadline, at_hand)
    await join_by_answer(
        world, order, processor_of(world, attempt.route or ""), outcome.credential_news
    )
    await keep_news_of_token(world, order, attempt, outcome)
    state = await close(
        world, orders, key, attempt.attempt_id, outcome, actor=actor, request_id=request_id
    )
    await _keep_issuer(world, order, card)
    await keep_news(world, order, outcome)
    if actor == WORKER:
        await look_again(world, order, stored_of(card))
    return state


def opening(world: World, intent: Intent) -> Callable[[Change], Opened | None]:
    """`intent` as the work of a transaction, with the instant on the monotonic clock until which
    the call may begin."""

    def open_it(change: Change) -> Opened | None:
        made = intent(change)
        if made is None:
            return None
        assert made[1].send_before is not None
        return *made, deadline_of(world, made[1].send_before)

    return open_it


async def first_of_new(
    world: World, orders: Orders, admission: Admission, *, actor: Actor, request_id: str
) -> AdmittedJob | None:
    """Admits an order and opens its first attempt, in one transaction; to be called and closed by
    `finish`. What was taken has Opened for its answer, or None where nothing may be sent. None for
    an order that is not new.

    A process that dies after that commit leaves an attempt that is out, for all that anybody knows:
    it is inquired.
    """
    key = (admission.row.merchant_id, admission.row.order_id)
    work = opening(world, intent_of(world, pick_up=True))
    return await orders.admit(Job(key, work, actor, request_id, cards=True, admission=admission))


async def finish(
    world: World, orders: Orders, opened: Opened, *, actor: Actor, request_id: str
) -> Order:
    """The call, and what came of it; answers the order as that left it."""
    order, attempt, deadline = opened
    card = order.card
    outcome = await call(world, order, attempt, deadline)
    await join_by_answer(
        world, order, processor_of(world, attempt.route or ""), outcome.credential_news
    )
    await keep_news_of_token(world, order, attempt, outcome)
    key = (order.merchant_id, order.order_id)

    def work(change: Change) -> Order:
        result = processor_result(change.order, attempt.attempt_id, outcome)
        close_attempt(change, attempt.attempt_id, result, elsewhere(world))
        return change.order

    closed: Order = await orders.change(Job(key, work, actor, request_id, cards=True))
    await _keep_issuer(world, order, card)
    await keep_news(world, order, outcome)
    if (
        outcome.state == "not_sent"
        and ways_of(world, order.merchant_id) > 1
        and await send_attempt(world, orders, key, actor=actor, request_id=request_id)
    ):
        return await orders.run(lambda change: change.order, key)
    return closed


async def keep_news_of_token(
    world: World, order: Order, attempt: Attempt, outcome: Outcome
) -> None:
    """Keeps the outcome's news of a token in the card's place, before it is closed. Raises:
    Problem(unavailable)."""
    if (other := SENT_BY.first()) is not None:
        await other.keep_news(world, order, attempt, outcome)


async def _keep_issuer(world: World, order: Order, before: CardFacts | None) -> None:
    """Opening the number of an older card also yields facts that were not kept then. Where storing
    them fails, it is tried by the card's next send."""
    card = order.card
    if card is not None and before is not None and not before.issuer_digits and card.issuer_digits:
        with suppress(Problem):
            await note_issuers(
                world.db.alone, [(order.merchant_id, card.token_id, card.issuer_digits)]
            )


async def call(
    world: World,
    order: Order,
    attempt: Attempt,
    deadline: float,
    at_hand: CardholderInput = NOTHING,
) -> Outcome:
    """The send itself, never longer than its time-out; a card that does not open is proof that
    nothing left."""
    refused = await invoice_refuses(world, order, attempt)
    if refused is not None:
        return refused
    if is_closed(order):
        return _GONE
    if attempt.by_token is not None:
        return await _call_by_token(world, order, attempt, deadline, at_hand)
    try:
        charge = charge_of(world, order, attempt, deadline, at_hand)
    except Problem as problem:
        return Outcome("not_sent", text=problem.message)
    return read_answer(
        order, attempt, await _call(world, order, attempt, replace(charge, invoice_read=True))
    )


async def invoice_refuses(world: World, order: Order, attempt: Attempt) -> Outcome | None:
    """Reason an attempt for a processor's own invoice is not sent: the invoice is over, has another
    amount or card than the attempt, or cannot be read. Due work reads it again, and the order
    follows it. A payer who is at hand pays by their own card."""
    key = order.facts.get("invoice") and order.facts.get("invoice_key")
    row = await find_invoice(world.db, order.merchant_id, UUID(key)) if key else None
    if row is None:
        return None
    billing = billing_of(world.processors.get(row.route))
    try:
        there = await billing.billed_invoice(row.invoice) if billing is not None else None
    except Problem as problem:
        return Outcome("not_sent", text=problem.message, fault="outage")
    state = there.state if there is not None else None
    if (
        state is None
        or end_of(state, we_stopped=row.retries != "on")
        or state.units != attempt.units
    ):
        return _DIFFERS
    is_other = state.method != row.method and (state.method is not None or not is_closed(order))
    return _DIFFERS if is_other and attempt.initiator == "merchant" else None


async def _call_by_token(
    world: World, order: Order, attempt: Attempt, deadline: float, at_hand: CardholderInput
) -> Outcome:
    """A token that cannot be used, or is refused unprocessed, is why nothing was sent."""
    began = world.clocks.monotonic()
    other = SENT_BY.first()
    token = await other.opened(world, order, attempt) if other is not None else None
    if token is None:
        return _NOT_USABLE
    charge = charge_with(world, token, order, attempt, deadline, at_hand)
    left = max(0.0, charge.timeout_seconds - (world.clocks.monotonic() - began))
    return read_answer(
        order, attempt, await _call(world, order, attempt, replace(charge, timeout_seconds=left))
    )


async def _call(world: World, order: Order, attempt: Attempt, charge: Charge) -> Outcome:
    note_order(order.order_id, attempt.attempt_id)
    known = await charge_found(world, order, attempt, charge)
    if known is not None:
        return as_requested(known, *requested_of(attempt))
    processor, begun = processor_of(world, attempt.route or ""), world.clocks.monotonic()
    outcome = await call_with_timeout(processor.charge(charge), charge.timeout_seconds)
    answer = _if_at_hand(as_requested(outcome, *requested_of(attempt)), attempt)
    ATTEMPTS.add(
        attempt.route if world.routes.is_for_all(attempt.route or "") else OWN, answer.state
    )
    ms = round((world.clocks.monotonic() - begun) * 1000)
    line(
        "attempt",
        world=world.name,
        route=attempt.route,
        answer=answer.state,
        code=answer.own_code,
        ms=ms,
    )
    await world.routes.note(
        attempt.route or "",
        attempt.attempt_id,
        answer,
        order.merchant_id,
        _step(order, attempt, answer),
    )
    return answer


def _if_at_hand(outcome: Outcome, attempt: Attempt) -> Outcome:
    """A processor may wait for a customer only where one can be sent to a page that it named: else
    the next inquiry ends that."""
    if (
        outcome.state != "awaits_payer"
        or attempt.authentication is not None
        and outcome.redirect_url is not None
    ):
        return outcome
    return replace(outcome, state="unknown", text="it waits for a payer who cannot be asked")


async def close(
    world: World,
    orders: Orders,
    key: tuple[UUID, UUID],
    attempt_id: UUID,
    outcome: Outcome,
    *,
    actor: Actor = WORKER,
    request_id: str = "worker",
) -> str:

    def work(change: Change) -> str:
        result = processor_result(change.order, attempt_id, outcome)
        return close_attempt(change, attempt_id, result, elsewhere(world))

    return await orders.change(Job(key, work, actor, request_id, cards=True))


def message_of(order: Order, attempt: Attempt) -> Message:
    """The message that an attempt is sent as."""
    if attempt.by_token is not None:
        return "token"
    return "method" if stored_of(order.card) is not None else "card"


def _step(order: Order, attempt: Attempt, outcome: Outcome) -> Step:
    return follows(message_of(order, attempt), outcome.state, outcome.fault).step


def read_answer(order: Order, attempt: Attempt, outcome: Outcome) -> Outcome:
    """Sets the state that follows from it, and the code if the processor no longer has the method
    or does not take the token."""
    message = message_of(order, attempt)
    if outcome.own_code in CHANGED:
        outcome = replace(outcome, fault=None)  # it was right when it was made
    then = follows(message, outcome.state, outcome.fault)
    if message == "token" and then.step == "card_instead":
        return replace(outcome, processor_code=our_code(UNUSABLE))
    if message == "method" and outcome.state != then.state:
        return replace(
            outcome, state=then.state, processor_code=our_code(METHOD_GONE), reached_network=False
        )
    return outcome


def processor_result(order: Order, attempt_id: UUID, outcome: Outcome) -> ProcessorResult:
    attempt = order.attempt(attempt_id)
    outcome, news = read_answer(order, attempt, outcome), outcome.credential_news
    step = _step(order, attempt, outcome)
    return filled(
        ProcessorResult,
        outcome,
        event=_EVENTS.get(outcome.state, outcome.state),
        step="card_instead" if outcome.own_code == UNUSABLE else step,
        why=whys.INVOICE_DIFFERS if outcome.own_code in CHANGED else None,
        said=outcome.text,
        processor_code=outcome.own_code,
        standing=news.standing if news is not None else None,
        reached_network=outcome.reached_network is not False,
    )
