"""Messages of an attempt: the charge, and the inquiry about its outcome. Opening the vault is
here."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from recoup.kernel.filled import filled
from recoup.kernel.problem import Problem
from recoup.kit.world import World
from recoup.networks.card import issuer_digits
from recoup.orders.flows.external_call import processor_of
from recoup.orders.flows.hosted_link import PAYER_RETURN, signed_token
from recoup.orders.moves.pace import SEND_WITHIN
from recoup.orders.rules.attempts import GOING
from recoup.orders.rules.card_facts import CardFacts
from recoup.orders.rules.consent import Consent
from recoup.orders.rules.lifecycle import OPEN
from recoup.orders.rules.means import on_other_card
from recoup.orders.rules.snapshot import Attempt, Order
from recoup.outside.keys.sealing import Sealed
from recoup.processors.gateways.port import (
    Card,
    Charge,
    Credential,
    Inquiry,
    PayerAtHand,
    PayerAway,
    Stored,
)
from recoup.processors.rules.agreement import mit_reason_of
from recoup.rescue.flows.taken import CardholderInput

NOTHING = CardholderInput()


def charge_of(
    world: World, order: Order, attempt: Attempt, deadline: float, at_hand: CardholderInput
) -> Charge:
    """The charge as it goes over the wire. Opening the vault is the only place where a PAN is read
    back; of a card that its processor keeps it stays closed."""
    credential = stored_of(order.card) or open_card(world, order, at_hand.cvv)
    return charge_with(world, credential, order, attempt, deadline, at_hand)


def inquiry_of(
    world: World, order: Order, attempt: Attempt, *, replay_until: float | None = None
) -> Inquiry:
    """The question what became of an attempt, with the message that was sent. `replay_until`: it
    may be sent once more until that instant on the monotonic clock, and only then the vault is
    opened."""
    assert attempt.send_before is not None
    if replay_until is not None:
        charge = charge_of(world, order, attempt, replay_until, NOTHING)
    else:
        charge = charge_with(
            world,
            stored_of(order.card) or _closed_card(order),
            order,
            attempt,
            world.clocks.monotonic(),
            NOTHING,
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
    return PayerAway(
        known.url is not None,
        known.returned,
        known.may_wait(world.clocks.wall()) and order.stage in OPEN,
    )


def _by_redirect(world: World, attempt: Attempt) -> bool:
    return processor_of(world, attempt.route or "").authenticates == "by_redirect"


def first_sent_at(order: Order, attempt: Attempt) -> datetime:
    """Wall time, or earlier where a sandbox merchant's clock was moved since."""
    assert attempt.sent_at is not None
    return attempt.sent_at - order.merchant.offset


def requested_of(attempt: Attempt) -> tuple[int, str, int | None]:
    """Measure of the attempt's approval: its units and currency, and the least that is taken of
    it."""
    return (
        attempt.units,
        attempt.asset,
        attempt.consent.part_from if attempt.consent is not None else None,
    )


def stored_of(card: CardFacts | None) -> Stored | None:
    """The processor's id for the card that it keeps; None for a card of the vault."""
    method = card.stored if card else None
    if card is None or method is None:
        return None
    return filled(
        Stored,
        method,
        id=method.reference,
        scheme=card.scheme,
        last4=card.last4 or None,
        exp_month=card.exp_month or None,
        exp_year=card.exp_year or None,
    )


def _closed_card(order: Order) -> Card:
    card = order.card
    if card is None:
        return Card(pan="", exp_month=0, exp_year=0, scheme="generic")
    return Card(pan="", exp_month=card.exp_month, exp_year=card.exp_year, scheme=card.scheme)


def charge_with(
    world: World,
    credential: Credential,
    order: Order,
    attempt: Attempt,
    deadline: float,
    at_hand: CardholderInput,
) -> Charge:
    assert attempt.sent_at is not None
    facts = order.facts
    by_customer, consent = (
        attempt.initiator == "customer",
        attempt.consent or _of_earlier_release(order),
    )
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
        mit_reason=None if by_customer else mit_reason_of(facts),
        sequence=consent.sequence,
        n=max(1, attempt.sends),
        exemption=consent.exemption,
        invoice=facts.get("invoice")
        if payer is None
        else None,  # it is told of the money afterwards
        payer=payer,
        part_from=consent.part_from,
        key=attempt.key or attempt.attempt_id,
        order_key=order.key,
    )


def _payer_at_hand(
    world: World, order: Order, attempt: Attempt, at_hand: CardholderInput
) -> PayerAtHand | None:
    known = attempt.authentication
    if known is None or not _by_redirect(world, attempt):
        return None
    back = signed_token(world, PAYER_RETURN, order.merchant_id, attempt.key or attempt.attempt_id)
    return PayerAtHand(f"{world.url}/checkout/return/{back}", known.is_wanted, at_hand.browser)


def _of_earlier_release(order: Order) -> Consent:
    """Consent for an attempt that an earlier release sent without one."""
    known = (
        attempt.network_transaction_id
        for attempt in reversed(order.attempts)
        if attempt.state == "approved"
    )
    return Consent(
        _of_its_card(order).get("network_transaction_id"),
        next((network_id for network_id in known if network_id), None),
    )


def _of_its_card(order: Order) -> dict[str, Any]:
    """The order's facts about its card; of another card on file neither the first payment nor the
    authentication is known."""
    return {} if on_other_card(order) else order.facts


def open_card(world: World, order: Order, cvv: str) -> Card:
    """The order's card knows its issuer's digits after it."""
    card = order.card
    assert card is not None
    if card.sealed is None:
        raise Problem("unavailable", "The card's number was deleted.", cure="Use another card.")
    plain = world.keys.open_card(world.name, order.merchant_id, card.token_id, Sealed(*card.sealed))
    pan = json.loads(plain)["pan"]
    if not card.issuer_digits:
        order.card = replace(card, issuer_digits=issuer_digits(pan))
    return Card(
        pan=pan,
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        scheme=card.scheme,
        cvv=cvv or None,
    )
