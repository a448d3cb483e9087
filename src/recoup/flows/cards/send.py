"""One send: intent (transaction A), call (no transaction open), outcome (transaction B)."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.flows.cards.joined_cards import join_by_answer
from recoup.flows.cards.method_facts import keep_news, look_again
from recoup.flows.cards.pick_route import elsewhere, route_of, routes_for
from recoup.flows.cards.taken import CardholderInput
from recoup.flows.external_call import call_with_timeout, deadline_of, processor_of
from recoup.flows.hosted_link import PAYER_RETURN, signed_token
from recoup.flows.locked import Admission, AdmittedJob, Job, Orders
from recoup.flows.world import World
from recoup.gateways.cards.port import (
    Card,
    Charge,
    Credential,
    Inquiry,
    MitReason,
    Outcome,
    PayerAtHand,
    PayerAway,
    Stored,
    as_requested,
)
from recoup.gateways.keys.sealing import Sealed
from recoup.kernel.problem import Problem
from recoup.kernel.scope import WORKER, Actor
from recoup.moves.attempt.close import ProcessorResult, close_attempt
from recoup.moves.attempt.open import open_attempt
from recoup.moves.change import Change
from recoup.moves.order.start import start_order
from recoup.moves.pace import SEND_WITHIN
from recoup.rules.network.card import issuer_digits
from recoup.rules.order.attempts import GOING
from recoup.rules.order.card_facts import CardFacts
from recoup.rules.order.consent import Consent
from recoup.rules.order.lifecycle import OPEN
from recoup.rules.order.means import on_other_card
from recoup.rules.order.snapshot import Attempt, Order
from recoup.rules.rescue.method_gone import METHOD_GONE, is_closed
from recoup.store.cards.vault import note_issuers

NOTHING = CardholderInput()
_GONE = Outcome("declined", processor_code=METHOD_GONE, text="not sent: the method is gone", reached_network=False)
Intent = Callable[[Change], tuple[Order, Attempt] | None]
Opened = tuple[Order, Attempt, float]
_EVENTS = {"approved": "approved", "declined": "declined", "unknown": "timed_out", "not_sent": "not_sent",
           "not_found": "not_found", "awaits_payer": "awaits_payer"}  # fmt: skip


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
    """Sends the order's due attempt; answers the attempt's state, or None when there was nothing to send.

    `pick_up`: an order that was only just admitted is decided in the same transaction. `update_first`: a card that
    has expired is not sent before the account updater was queried.
    """

    with_customer, state = at_hand is not NOTHING, None
    # What was proved not to be sent goes by another route at once, where the order has planned it so.
    for n in range(max(1, len(routes_for(world, key[0])))):
        intent = intent_of(world, pick_up=pick_up and n == 0, with_customer=with_customer, update_first=update_first)
        again = await carry_out(world, orders, key, intent, actor=actor, request_id=request_id, at_hand=at_hand)
        state = again or state
        if again != "not_sent":
            break
    return state


def intent_of(world: World, *, pick_up: bool, with_customer: bool = False, update_first: bool = True) -> Intent:
    """The order's due attempt."""

    def intent(change: Change) -> tuple[Order, Attempt] | None:
        if pick_up:
            start_order(change)
        attempt = open_attempt(
            change, world.policy, route_of(world), with_customer=with_customer, update_first=update_first
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
    """`intent` opens the attempt under the locks of order and card; then the call, then what came of it."""
    opened = await orders.change(Job(key, opening(world, intent), actor, request_id, cards=True))
    if opened is None:
        return None
    order, attempt, deadline = opened
    card = order.card
    outcome = await call(world, order, attempt, deadline, at_hand)
    await join_by_answer(world, order, processor_of(world, attempt.route or ""), outcome.credential_news)
    state = await close(world, orders, key, attempt.attempt_id, outcome, actor=actor, request_id=request_id)
    await _keep_issuer(world, order, card)
    await keep_news(world, order, outcome)
    if actor == WORKER:
        await look_again(world, order, stored_of(card))
    return state


def opening(world: World, intent: Intent) -> Callable[[Change], Opened | None]:
    """`intent` as the work of a transaction, with the instant on the monotonic clock until which the call may begin."""

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
    """Admits an order and opens its first attempt, in one transaction; to be called and closed by `finish`. What was
    taken has Opened for its answer, or None where nothing may be sent. None for an order that is not new.

    A process that dies after that commit leaves an attempt that is out, for all that anybody knows: it is inquired.
    """
    key = (admission.row.merchant_id, admission.row.order_id)
    work = opening(world, intent_of(world, pick_up=True))
    return await orders.admit(Job(key, work, actor, request_id, cards=True, admission=admission))


async def finish(world: World, orders: Orders, opened: Opened, *, actor: Actor, request_id: str) -> Order:
    """The call, and what came of it; answers the order as that left it."""
    order, attempt, deadline = opened
    card = order.card
    outcome = await call(world, order, attempt, deadline)
    await join_by_answer(world, order, processor_of(world, attempt.route or ""), outcome.credential_news)
    result, key = processor_result(outcome), (order.merchant_id, order.order_id)

    def work(change: Change) -> Order:
        close_attempt(change, attempt.attempt_id, result, elsewhere(world))
        return change.order

    closed: Order = await orders.change(Job(key, work, actor, request_id, cards=True))
    await _keep_issuer(world, order, card)
    await keep_news(world, order, outcome)
    if (
        result.event == "not_sent"
        and len(routes_for(world, order.merchant_id)) > 1
        and await send_attempt(world, orders, key, actor=actor, request_id=request_id)
    ):
        return await orders.run(lambda change: change.order, key)
    return closed


async def _keep_issuer(world: World, order: Order, before: CardFacts | None) -> None:
    """Opening the number of an older card also yields facts that were not kept then. Where storing them fails, it is
    tried by the card's next send."""
    card = order.card
    if card is not None and before is not None and not before.issuer_digits and card.issuer_digits:
        with suppress(Problem):
            async with world.db.connection() as connection:
                await note_issuers(connection, [(order.merchant_id, card.token_id, card.issuer_digits)])


async def call(
    world: World, order: Order, attempt: Attempt, deadline: float, at_hand: CardholderInput = NOTHING
) -> Outcome:
    """The send itself, never longer than its time-out; a card that does not open is proof that nothing left."""
    if is_closed(order):
        return _GONE
    processor = processor_of(world, attempt.route or "")
    timeout = (attempt.call_timeout_ms or 0) / 1000
    try:
        charge = charge_of(world, order, attempt, deadline, at_hand)
    except Problem as problem:
        return Outcome("not_sent", text=problem.message)
    outcome = await call_with_timeout(processor.charge(charge), timeout)
    answer = _if_at_hand(as_requested(outcome, attempt.units, attempt.asset), attempt)
    await world.routes.note(attempt.route or "", attempt.attempt_id, answer)
    if outcome.state == "not_sent" and outcome.fault == "credential" and stored_of(order.card) is not None:
        return replace(outcome, state="declined", processor_code=METHOD_GONE, reached_network=False)
    return answer


def _if_at_hand(outcome: Outcome, attempt: Attempt) -> Outcome:
    """A processor may wait for a customer only where one can be sent to a page that it named: else the next inquiry
    ends that."""
    if outcome.state != "awaits_payer" or attempt.authentication is not None and outcome.redirect_url is not None:
        return outcome
    return replace(outcome, state="unknown", text="it waits for a payer who cannot be asked")


def charge_of(world: World, order: Order, attempt: Attempt, deadline: float, at_hand: CardholderInput) -> Charge:
    """What goes over the wire. Opening the vault is the only place where a PAN is read back; of a card that its
    processor keeps it stays closed."""
    credential = stored_of(order.card) or open_card(world, order, at_hand.cvv)
    return charge_with(world, credential, order, attempt, deadline, at_hand)


def inquiry_of(world: World, order: Order, attempt: Attempt, *, replay_until: float | None = None) -> Inquiry:
    """The question what became of an attempt, with the message that was sent. `replay_until`: it may be sent once more
    until that instant on the monotonic clock, and only then the vault is opened."""
    assert attempt.send_before is not None
    if replay_until is not None:
        charge = charge_of(world, order, attempt, replay_until, NOTHING)
    else:
        charge = charge_with(
            world, stored_of(order.card) or _closed_card(order), order, attempt, world.clocks.monotonic(), NOTHING
        )
    return Inquiry(
        attempt.attempt_id,
        message=charge,
        reference=attempt.reference,
        first_sent_at=first_sent_at(order, attempt),
        last_sent_at=attempt.send_before - SEND_WITHIN,
        may_send=replay_until is not None,
        payer=_payer_away(world, order, attempt),
    )


def _payer_away(world: World, order: Order, attempt: Attempt) -> PayerAway | None:
    known = attempt.authentication
    if known is None or attempt.state not in GOING or not _by_redirect(world, attempt):
        return None
    return PayerAway(known.url is not None, known.returned, known.may_wait(world.clocks.wall()) and order.stage in OPEN)


def _by_redirect(world: World, attempt: Attempt) -> bool:
    return processor_of(world, attempt.route or "").authenticates == "by_redirect"


def first_sent_at(order: Order, attempt: Attempt) -> datetime:
    """Wall time, or earlier where a sandbox merchant's clock was moved since."""
    assert attempt.sent_at is not None
    return attempt.sent_at - order.merchant.offset


def stored_of(card: CardFacts | None) -> Stored | None:
    """What a processor calls the card that it keeps; None for a card of the vault."""
    method = card.stored if card else None
    if card is None or method is None:
        return None
    return Stored(
        route=method.route,
        id=method.reference,
        customer=method.customer,
        scheme=card.scheme,
        last4=card.last4 or None,
        exp_month=card.exp_month or None,
        exp_year=card.exp_year or None,
        funding=method.funding,
        country=method.country,
        fingerprint=method.fingerprint,
    )


def _closed_card(order: Order) -> Card:
    card = order.card
    if card is None:
        return Card(pan="", exp_month=0, exp_year=0, scheme="generic")
    return Card(pan="", exp_month=card.exp_month, exp_year=card.exp_year, scheme=card.scheme)


def charge_with(
    world: World, credential: Credential, order: Order, attempt: Attempt, deadline: float, at_hand: CardholderInput
) -> Charge:
    assert attempt.sent_at is not None
    facts = order.facts
    by_customer, consent = attempt.initiator == "customer", attempt.consent or _of_earlier_release(order)
    payer = _payer_at_hand(world, order, attempt, at_hand)
    confirmed = at_hand.three_d_secure or _of_its_card(order).get("three_d_secure")
    if payer is not None:  # what they confirm now counts, and what they confirmed before is used up
        confirmed = None if payer.is_wanted else _of_its_card(order).get("three_d_secure")
    return Charge(
        id=attempt.attempt_id,
        order_id=order.order_id,
        merchant_id=order.merchant_id,
        acceptor_id=world.routes.acceptor_of(attempt.route, order.merchant.acceptor_id),
        credential=credential,
        units=attempt.units,
        currency=attempt.asset,
        initiator="customer" if by_customer else "merchant",
        capture=not order.manual_capture,
        sent_at=attempt.sent_at,
        descriptor=order.statement,
        send_before_monotonic=deadline,
        timeout_seconds=(attempt.call_timeout_ms or 0) / 1000,
        phone=at_hand.phone or None,
        first_network_id=consent.first_network_id,
        latest_network_id=consent.latest_network_id,
        agreement=facts.get("agreement"),
        three_d_secure=confirmed,
        mit_reason=None if by_customer else _mit_reason(order),
        sequence=consent.sequence,
        n=max(1, attempt.sends),
        exemption=consent.exemption,
        invoice=facts.get("invoice") if payer is None else None,  # it is told of the money afterwards
        payer=payer,
    )


def _payer_at_hand(world: World, order: Order, attempt: Attempt, at_hand: CardholderInput) -> PayerAtHand | None:
    known = attempt.authentication
    if known is None or not _by_redirect(world, attempt):
        return None
    back = signed_token(world, PAYER_RETURN, order.merchant_id, attempt.attempt_id)
    return PayerAtHand(f"{world.url}/checkout/return/{back}", known.is_wanted, at_hand.accept, at_hand.user_agent)


def _mit_reason(order: Order) -> MitReason:
    return "recurring" if order.facts.get("agreement") == "recurring" else "unscheduled"


def _of_earlier_release(order: Order) -> Consent:
    """As an attempt without one was sent."""
    known = (one.network_transaction_id for one in reversed(order.attempts) if one.state == "approved")
    return Consent(_of_its_card(order).get("network_transaction_id"), next((one for one in known if one), None))


def _of_its_card(order: Order) -> dict[str, Any]:
    """Of another card on file neither the first payment nor the authentication is known."""
    return {} if on_other_card(order) else order.facts


def open_card(world: World, order: Order, cvv: str) -> Card:
    """The order's card knows its issuer's digits after it."""
    card = order.card
    assert card is not None
    assert card.sealed is not None
    plain = world.keys.open_card(world.name, order.merchant_id, card.token_id, Sealed(*card.sealed))
    pan = json.loads(plain)["pan"]
    if not card.issuer_digits:
        order.card = replace(card, issuer_digits=issuer_digits(pan))
    return Card(pan=pan, exp_month=card.exp_month, exp_year=card.exp_year, scheme=card.scheme, cvv=cvv or None)


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
    result = processor_result(outcome)

    def work(change: Change) -> str:
        return close_attempt(change, attempt_id, result, elsewhere(world))

    return await orders.change(Job(key, work, actor, request_id, cards=True))


def processor_result(outcome: Outcome) -> ProcessorResult:
    return ProcessorResult(
        _EVENTS[outcome.state],
        reference=outcome.reference,
        network_transaction_id=outcome.network_transaction_id,
        scheme_code=outcome.scheme_code,
        advice_code=outcome.advice_code,
        processor_code=outcome.processor_code,
        latency_ms=outcome.latency_ms,
        contradicts=outcome.contradicts,
        reached_network=outcome.reached_network is not False,
        network_attempts=outcome.network_attempts,
        sca_wanted=outcome.sca_wanted,
        checks=outcome.checks,
        retries_itself_at=outcome.retries_itself_at,
        redirect_url=outcome.redirect_url,
        withdrawn=outcome.withdrawn,
    )
