"""Evidence for a decision, read off an order's snapshot."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from recoup.cards.rules.method_gone import code_read
from recoup.kernel.time import BusinessTime
from recoup.kit.slots import offset_minutes
from recoup.mail.rules.contacts import LINK
from recoup.networks.challenge import TRIES_MAX, WINDOW, asks_of, link_asks_of
from recoup.networks.codes import Reading, read_decline, read_kept, stored_codes
from recoup.networks.decline_code import NETWORK, DeclineCode
from recoup.networks.other_card import CARDS_MAX, CardOnFile, is_cure
from recoup.networks.sca import SCA, as_sca
from recoup.orders.rules.card_queue import rests_until, sends_beside
from recoup.orders.rules.snapshot import Attempt, Order
from recoup.processors.rules.checks import NONE
from recoup.rescue.rules.amount import inputs_of
from recoup.rescue.rules.evidence import Evidence, Kind, Tried
from recoup.rescue.rules.links import LINKS_1, LinkInput

_KINDS: dict[str, Kind] = {"mit_managed": "managed_mit", "mit_sync": "sync_mit"}


def read_declined(
    decline: Mapping[str, Any], scheme: str, placed_at: datetime, region: str
) -> Reading:
    """A declined payment that comes in, as the knowledge of its day reads it: when it is checked
    and when it is taken. `scheme`: the card's."""
    return read_kept(
        decline, scheme=scheme, on=_declined_at(decline, placed_at).date(), region=region
    )


def first_reading(order: Order) -> Reading:
    scheme = order.card.scheme if order.card else "generic"
    return read_declined(order.facts["decline"], scheme, order.placed_at, order.region())


def attempt_reading(order: Order, attempt: Attempt) -> Reading:
    """The reading of an attempt by its codes; but that the bank wants a confirmation may be what
    the processor alone has stated."""
    said = attempt.checks or NONE
    reading = read_decline(
        scheme=order.card.scheme if order.card else "generic",
        code=code_read(order, attempt),
        advice=attempt.advice_code,
        on=(attempt.sent_at or order.placed_at).date(),
        beside=stored_codes((said.advice, *said.further)),
        region=order.region(attempt.route),
    )
    return as_sca(reading) if attempt.code_reason == SCA else reading


def last_reading(order: Order) -> Reading:
    """The last decline, of a try or of the payment that came in; of a partial approval, that the
    rest was not there."""
    told = [
        a
        for a in order.own_attempts
        if a.state == "declined" or a.state == "approved" and a.code_reason is not None
    ]
    if not told:
        return first_reading(order)
    return (
        attempt_reading(order, told[-1])
        if told[-1].state == "declined"
        else lack_of_money(order, told[-1])
    )


def lack_of_money(order: Order, attempt: Attempt) -> Reading:
    """The reading of the rest after its issuer approved a part: lack of money."""
    return read_decline(
        scheme=order.card.scheme if order.card else "generic",
        code=DeclineCode(NETWORK, "51"),
        on=(attempt.sent_at or order.placed_at).date(),
        region=order.region(attempt.route),
    )


def declined_at(order: Order) -> datetime:
    """Time at which the merchant's payment was declined; never later than it reached us."""
    return _declined_at(order.facts["decline"], order.placed_at)


def _declined_at(decline: Mapping[str, Any], placed_at: datetime) -> datetime:
    told = decline.get("at")
    return min(datetime.fromisoformat(told), placed_at) if told else placed_at


def sent_attempts(order: Order) -> list[Attempt]:
    """Attempts that went out, or may have."""
    return [a for a in order.own_attempts if a.sent_at is not None and a.state != "not_sent"]


def evidence_of(order: Order, reading: Reading, now: BusinessTime) -> Evidence:
    sent = sent_attempts(order)
    facts, confirms = order.facts, asks_of(reading) != "confirm" or order.may_confirm()
    return Evidence(
        kind=_KINDS.get(order.kind, "cit"),
        reading=reading,
        first_declined_at=declined_at(order),
        started_at=order.placed_at,
        now=now,
        expires_at=order.expires_at or now + WINDOW,
        units=order.units,
        currency=order.asset,
        attempts=tuple(Tried(a.ladder, a.sent_at) for a in sent if a.sent_at is not None),
        funding=facts.get("funding"),
        utc_offset=facts.get("utc_offset", offset_minutes(None, None)),
        magic_first_send=order.card is not None and order.card.magic == "approve",
        challenge_tries=sum(c.tries for c in order.challenges),
        other_card=other_card_of(order, reading, now) is not None,
        month_sends=order.retry.month_sends,
        of_features=inputs_of(order),
        payer_link=reading.terminal and sends_link(order) and link_asks_of(reading) is not None,
        may_confirm=confirms,
        may_enter_card=confirms or order.may_enter_card(),
        card_rests_until=rests_until(order, now),
        card_sends=sends_beside(order),
    )


def other_card_of(order: Order, reading: Reading, now: datetime) -> CardOnFile | None:
    """The customer's other card that may be tried now; the merchant switches it on. Not one that
    was tried before."""
    card = order.other_card
    tried = sum(attempt.when_due == "other_card" for attempt in order.attempts)
    if card is None or order.kind != "mit_managed" or order.do_not_retry or tried >= CARDS_MAX:
        return None
    if order.card_id in order.typed_once:  # its decline says nothing of the order's own card
        return None
    before = (order.card_id, *order.cards_before)
    fresh = card.card_id not in before and card.pan_id != order.pan_id and card.is_valid(now)
    return card if fresh and is_cure(reading) else None


def link_of(order: Order, reading: Reading) -> LinkInput | None:
    """Input by which the engine prices a link; None where it may not mail one beside the attempts,
    or the payer has one."""
    links = order.rescue.links if order.rescue is not None else None
    beside = order.retry.policies is None or order.retry.policies.link == "beside"
    if (
        links is None
        or not beside
        or order.arm != "engine"
        or not sends_link(order)
        or order.challenge() is not None
    ):
        return None
    return LinkInput(LINKS_1.version, *links) if page_asks(order, reading) is not None else None


def page_asks(order: Order, reading: Reading) -> str | None:
    """Returns what the page asks, by `asks_of`; another card where no route can ask for the
    confirmation that the bank wants, None where the page takes no number either."""
    asks = link_asks_of(reading) if sends_link(order) else asks_of(reading)
    if asks != "confirm" or order.may_confirm():
        return asks
    return "card" if order.may_enter_card() else None


def sends_link(order: Order) -> bool:
    """True when its payer may still get a link to pay by mail; the merchant switches it on, its
    policy may forbid it."""
    if order.retry.policies is not None and (
        order.retry.policies.link == "off" or order.retry.policies.off
    ):
        return False
    tries = sum(challenge.tries for challenge in order.challenges)
    wanted = order.notices.get(LINK, False) and not order.do_not_retry
    return wanted and order.kind == "mit_managed" and tries < TRIES_MAX
