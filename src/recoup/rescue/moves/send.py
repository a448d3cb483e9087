"""A send of a card: what the network gate counts, and the intent that is committed before any byte
leaves."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from recoup.kernel.feature import Place
from recoup.kernel.policy import Policy
from recoup.kernel.time import BusinessTime
from recoup.networks.codes import Reading
from recoup.networks.exemptions import EXEMPTIONS, Exemption, may_claim
from recoup.networks.limits import (
    STOP_ADVICE,
    STOP_CODES,
    Initiator,
    Wish,
    forbids_for_ever,
    tallies,
)
from recoup.orders.moves.change import Change
from recoup.orders.moves.pace import KEEP_CLEAR, SEND_WITHIN
from recoup.orders.rules.card_sends import CardSend, initiator_of
from recoup.orders.rules.consent import Consent, consent_of
from recoup.orders.rules.snapshot import Attempt, Order
from recoup.orders.rules.wire_keys import attempt_key
from recoup.orders.store.rows import NetworkSend
from recoup.rescue.moves.in_place import IN_PLACE
from recoup.rescue.rules.amount import part_from
from recoup.rescue.rules.gate import OWN_REPEAT, OWN_RETRY, Block, GateInput
from recoup.rescue.rules.route_by_worth import WorthInput, choose_route
from recoup.rescue.store.locked import card_send_of


def with_reserved(sends: list[CardSend], reserved: Mapping[UUID, NetworkSend]) -> list[CardSend]:
    """The card's sends as read, and those that earlier orders of the same transaction have just
    reserved or closed."""
    if not reserved:
        return sends
    kept = [send for send in sends if send.send_id not in reserved]
    return kept + [card_send_of(row) for row in reserved.values() if row.state != "not_sent"]


def gate_input(
    order: Order,
    now: datetime,
    visa_limit: int,
    initiator: str,
    *,
    units: int | None = None,
    claims: bool = True,
    acceptor_id: str | None = None,
    region: str = "",
) -> GateInput:
    """Input of the gate: what decides whether the networks allow one more send of the order's card
    now. Only under the card's lock. `units`: of this send, where they are not the order's.
    `claims`: whether what its merchant reports counts. `acceptor_id`: of the send's route, where it
    is not the merchant's; `region`: of that route, where it is chosen."""
    region = region or order.region()
    scheme, who = order.card.scheme if order.card else "generic", initiator_of(initiator)
    counted = [
        send
        for send in order.sends
        if not send.send.claimed or claims and _claim_counts(order, send)
    ]
    sends = [
        replace(send.send, lifted=True) if _is_lifted(order, send, who) else send.send
        for send in counted
    ]
    tallied = tallies(
        scheme,
        sends,
        now,
        Wish(
            units=order.units if units is None else units,
            currency=order.asset,
            initiator=who,
            acceptor_id=acceptor_id or order.merchant.acceptor_id,
            merchant_id=str(order.merchant_id),
            region=region,
            visa_limit=visa_limit,
            own_tries=order.own_tries,
        ),
    )
    return GateInput(
        scheme,
        region,
        who,
        now,
        tallied,
        (*_blocks(order, acceptor_id or order.merchant.acceptor_id), *_own_retry(order, now)),
        acceptor_id=acceptor_id or order.merchant.acceptor_id,
    )


LIFTS: Final = Place[Callable[[Order, UUID], bool]](
    "lifts"
)  # a customer's stop at the bank does not reach the order


def _is_lifted(order: Order, send: CardSend, who: Initiator) -> bool:
    """A customer's stop at the bank is not about payments that they make themselves, nor about
    other agreements or what they have agreed to since, where a feature knows that."""
    sent = send.send
    if sent.merchant_id != str(order.merchant_id) or not (
        sent.code in STOP_CODES or sent.advice == STOP_ADVICE
    ):
        return False
    if who == "customer":
        return True
    return any(lifts(order, send.send_id) for lifts in LIFTS)


def _own_retry(order: Order, now: datetime) -> tuple[Block, ...]:
    """Blocks close to the instant at which the processor charges the invoice, or what it declined,
    by itself."""
    billed = order.facts.get("own_retry_at")
    tries = [(OWN_RETRY, datetime.fromisoformat(billed))] if billed else []
    tries += [
        (OWN_REPEAT, attempt.retries_itself_at)
        for attempt in order.attempts
        if attempt.retries_itself_at is not None
    ]
    ours = [(why, at + order.merchant.offset) for why, at in tries]
    return tuple(
        Block(why, at + KEEP_CLEAR) for why, at in ours if at - KEEP_CLEAR <= now < at + KEEP_CLEAR
    )


def _claim_counts(order: Order, claim: CardSend) -> bool:
    """True when the merchant's claim counts. While an advance is collected, the merchant has its
    money and may not end the charges by what it says: only claims up to the order itself count. By
    their ids, for a claim may be dated back."""
    return order.collecting() is None or claim.send_id <= order.order_id


def _blocks(order: Order, acceptor_id: str) -> tuple[Block, ...]:
    """Blocks that reach this merchant."""
    return tuple(
        Block(block.reason, block.until)
        for block in order.blocks
        if block.merchant_id in (None, order.merchant_id)
        and block.acceptor_id in (None, acceptor_id)
    )


def claim_decline(
    change: Change, send_id: UUID, reading: Reading, at: datetime, **values: Any
) -> None:
    """A send of the merchant's own, which was declined, counts for the order's card. `values`: as
    for `Change.send`."""
    change.send(
        send_id,
        **values,
        at=at,
        state="sent",
        declined=True,
        scheme_code=reading.code,
        advice_code=reading.advice,
        visa_category=reading.visa_category,
        klass=reading.klass,
        lasting=forbids_for_ever(reading),
        claimed=True,
    )


def _consent(order: Order, attempt: Attempt, now: BusinessTime, route: "Route") -> Consent:
    """An exemption is claimed where the region of this very route has it."""
    claimed = order.exemption or _claimed_before(order, attempt)
    claim = order.asset, attempt.units, now.date(), route.fraud_rate, order.issuer_country
    if claimed is not None and not may_claim(claimed, route.region or order.region(), *claim):
        claimed = None
    given = consent_of(
        order.facts,
        order.kept_ids,
        by_customer=attempt.initiator == "customer",
        by_phone=order.kind == "cit_callcenter",
        is_replaced=not set(order.cards_before) <= order.typed_once.union(order.same_cards),
        claimed=claimed,
    )
    return replace(given, part_from=part_from(order, attempt, now))


def _claimed_before(order: Order, attempt: Attempt) -> Exemption | None:
    """The exemption claimed by the attempt before this one, if it is proved that none left: this
    one goes in its place, by another route."""
    before = next(
        (earlier for earlier in order.attempts if earlier.attempt_no == attempt.attempt_no - 1),
        None,
    )
    if before is None or before.state != "not_sent" or before.consent is None:
        return None
    return next(
        (exemption for exemption in EXEMPTIONS if exemption == before.consent.exemption), None
    )


class Route(NamedTuple):
    """The route of a send; `name` None: no route takes it now. `settled_after` is its processor's,
    `inputs` of the choice, `acceptor_id` counts it by the rules of `region`, `takes_tokens`: its
    processor takes tokens in the card's place, `fraud_rate` is its acquirer's."""

    name: str | None
    settled_after: timedelta
    inputs: WorthInput
    acceptor_id: str
    takes_tokens: bool = False
    region: str = ""
    fraud_rate: int | None = None


PickRoute = Callable[[Change, Attempt], Route]
"""Of an attempt that is due, under the locks of its order and card."""


def token_for(order: Order, attempt: Attempt, now: datetime, route: Route) -> UUID | None:
    """The token by which the attempt goes; None: by the card itself."""
    other = IN_PLACE.first()
    return other.chosen(order, attempt, now) if other is not None and route.takes_tokens else None


def send_intent(
    change: Change, attempt: Attempt, policy: Policy, route: Route, *, units: int | None = None
) -> None:
    """Opens the attempt, reserves the card's send, and schedules an inquiry in case no outcome
    comes. `units`: for the log, where they are not the order's. The caller has passed the gate.

    The route is a decision of its own where there was anything to choose.
    """
    order, timeout = change.order, policy.call_timeout
    chosen = (
        change.decide(choose_route(route.inputs), route.inputs.features())
        if route.inputs.open_choice
        else None
    )
    send_before = change.wall + SEND_WITHIN
    change.set_attempt(
        attempt,
        key=attempt_key(order, attempt, route.name),
        state="open",
        if_late="keep",
        route=route.name,
        sent_at=change.now,
        send_before=send_before,
        call_timeout_ms=int(timeout / timedelta(milliseconds=1)),
        sends=attempt.sends + 1,
        card_last4=order.card.last4 if order.card else None,
        consent=_consent(order, attempt, change.now, route),
        by_token=token_for(order, attempt, change.now, route),
    )
    order.attempts_count += 1
    order.next_attempt_at = None
    change.send(
        attempt.attempt_id,
        initiator=attempt.initiator,
        units=attempt.units,
        acceptor_id=route.acceptor_id,
        region=route.region or order.region(),
    )
    details: dict[str, Any] = {"decision": str(attempt.decision_id or "")}
    if units is None and attempt.units != order.units:
        units = attempt.units  # a part, or the rest
    if units is not None:
        details["units"] = units
    change.fact(
        "attempt_sent",
        attempt.attempt_id,
        decision_id=chosen,
        number=attempt.attempt_no,
        route=route.name,
        statement=order.statement,
        **details,
        **attempt.credential(),
    )
    change.due("inquire", send_before + timeout + route.settled_after, wall=True)
