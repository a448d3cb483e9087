"""What the engine is told of an order's payer and card, read off the order as it was locked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from recoup.kernel.ids import new_id
from recoup.kernel.time import BusinessTime
from recoup.merchants.rules.merchant import Merchant
from recoup.networks.limits import Send
from recoup.orders.rules.card_sends import CardSend
from recoup.orders.rules.known import RescueKnown, Seen
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.rules.snapshot import Attempt, CardFacts, Order
from recoup.rescue.rules.answer_classes import APPROVED, FUNDS, SOFT, TECHNICAL
from recoup.rescue.rules.facts import LOOKS_MAX, Facts
from recoup.rescue.rules.order_facts import facts_of

PLACED = datetime(2027, 3, 1, 14, 30, tzinfo=UTC)
NOW = BusinessTime(PLACED + timedelta(days=3))
MERCHANT = Merchant(
    new_id(),
    1,
    "Shop",
    0,
    "managed",
    True,
    True,
    True,
    "world",
    "A1",
    "decline",
    False,
    60,
    "refuse",
)
CARD = CardFacts(
    new_id(), "visa", "400088", "0011", None, 12, 2030, ("", b"", b"", b""), "40008800"
)


def order(**changes: Any) -> Order:
    values: dict[str, Any] = {
        "merchant": MERCHANT,
        "merchant_id": MERCHANT.merchant_id,
        "arm": None,
        "order_id": new_id(),
        "stage": Stage.PROCESSING,
        "version": 3,
        "door": "rescue",
        "kind": "mit_managed",
        "external_id": "o-1",
        "generation": 1,
        "site_id": new_id(),
        "campaign_id": None,
        "descriptor": "SHOP",
        "asset": "USD",
        "units": 4590,
        "amount_text": "45.90",
        "token_id": CARD.token_id,
        "card_id": new_id(),
        "pan_id": new_id(),
        "transaction_id": None,
        "placed_at": PLACED,
        "expires_at": PLACED + timedelta(days=28),
        "cards_before": [],
        "do_not_retry": False,
        "metadata": {},
        "facts": {
            "decline": {"code": "51", "source": "visa"},
            "zone": {"minutes": -300, "told": True},
        },
        "created_at": PLACED,
        "status": 1,
        "order_type": "MIT",
        "source": "ecommerce",
        "refunded_units": 0,
        "disputed": False,
        "attempts_count": 0,
        "next_attempt_at": None,
        "reason": None,
        "attention": None,
        "card": CARD,
        "rescue": RescueKnown(visa_limit=20),
    }
    return Order(**(values | changes))


def attempt(number: int, state: str, at: datetime | None, **changes: Any) -> Attempt:
    return Attempt(
        new_id(),
        new_id(),
        number,
        state,
        "funds",
        PLACED,
        4590,
        "USD",
        "merchant",
        sent_at=at,
        **changes,
    )


def looking(of: Order, *seen: Seen, now: datetime = NOW) -> Facts:
    assert of.rescue is not None
    of.rescue = replace(of.rescue, seen=seen)
    return facts_of(of, BusinessTime(now))


def test_what_an_order_itself_says() -> None:
    facts = facts_of(order(), NOW)
    assert (facts.first.at, facts.first.answer, facts.first.tries) == (PLACED, FUNDS, 0)
    assert (facts.first_key, facts.issuer, facts.zone, facts.zone_known) == (
        "51",
        "40008800",
        -300,
        True,
    )
    assert (facts.tries, facts.looks, facts.open_orders) == ((), (), 1)
    assert Facts.from_dict(facts.features()) == facts


def test_attempts_before_the_hand_over_are_counted_on_from() -> None:
    tries = [attempt(1, "declined", PLACED + timedelta(hours=5), scheme_code="91")]
    plain = facts_of(order(attempts=tries), NOW)
    told = facts_of(order(attempts=tries, facts=order().facts | {"attempt_count": 3}), NOW)
    assert (told.first.tries, told.tries[0].tries, told.next_number) == (2, 3, 4)
    assert Facts.from_dict(told.features()) == told
    assert facts_of(order(attempts=tries, facts=order().facts | {"attempt_count": 1}), NOW) == plain
    assert "earlier" not in plain.features(), "what was stored before reads the same"


def test_what_an_issuer_answered_to_several_merchants_is_told_with_the_decision() -> None:
    facts = facts_of(order(rescue=RescueKnown(issuer_answers=(5, 4, 3, 2, 1, 0))), NOW)
    assert facts.issuer_answers == (5, 4, 3, 2, 1, 0)
    assert Facts.from_dict(facts.features()) == facts
    assert (
        Facts.from_dict(
            {k: v for k, v in facts.features().items() if k != "issuer_answers"}
        ).issuer_answers
        == ()
    )


def test_an_order_from_before_the_engine_says_what_it_can() -> None:
    facts = facts_of(
        order(facts={"decline": {"code": "05"}}, card=replace(CARD, issuer_digits=""), rescue=None),
        NOW,
    )
    assert (facts.issuer, facts.zone, facts.zone_known) == ("400088", -480, False)
    assert (facts.sends_left, facts.free_at) == (None, None), "its card's sends were not read"
    assert facts_of(order(card=None), NOW).issuer == ""


def test_a_try_whose_answer_is_not_known_says_nothing_but_keeps_its_number() -> None:
    tries = [
        attempt(1, "declined", PLACED + timedelta(hours=5), scheme_code="91"),
        attempt(2, "unknown", PLACED + timedelta(hours=7)),
        attempt(3, "not_sent", PLACED + timedelta(hours=8)),
        attempt(4, "declined", PLACED + timedelta(hours=9), processor_code="202", scheme_code="05"),
        attempt(5, "planned", None),
    ]
    facts = facts_of(order(attempts=tries), NOW)
    assert [(one.answer, one.tries) for one in facts.tries] == [(TECHNICAL, 1), (SOFT, 3)]
    tries[1].state = "approved"  # it was found out later
    assert [(one.answer, one.tries) for one in facts_of(order(attempts=tries), NOW).tries][1] == (
        APPROVED,
        2,
    )


def test_looks_are_of_other_payments_and_before_now() -> None:
    own, other = order(), new_id()
    facts = looking(
        own,
        Seen(PLACED - timedelta(days=1), APPROVED, 0, other),
        Seen(PLACED - timedelta(days=2), FUNDS, 0, None),
        Seen(PLACED - timedelta(hours=1), FUNDS, 1, own.order_id),  # its own
        Seen(NOW, APPROVED, 0, other),  # not before now
        Seen(NOW + timedelta(days=4), APPROVED, 0, other),  # a clock that was set back
    )
    assert [one.at for one in facts.looks] == [
        PLACED - timedelta(days=2),
        PLACED - timedelta(days=1),
    ]


@pytest.mark.parametrize(
    ("seconds", "answer", "counts"),
    [(0, FUNDS, 0), (59, FUNDS, 0), (-60, FUNDS, 0), (61, FUNDS, 1), (0, APPROVED, 1)],
)
def test_the_merchants_copy_of_the_payment_that_came_in_is_no_look(
    seconds: int, answer: int, counts: int
) -> None:
    facts = looking(order(), Seen(PLACED + timedelta(seconds=seconds), answer, 0, None))
    assert len(facts.looks) == counts


def test_only_the_latest_looks_are_taken() -> None:
    seen = [Seen(PLACED - timedelta(days=day), FUNDS, 0, new_id()) for day in range(1, 60)]
    looks = looking(order(), *seen).looks
    assert len(looks) == LOOKS_MAX
    assert list(looks) == sorted(looks, key=lambda look: look.at)
    assert looks[0].at == PLACED - timedelta(days=LOOKS_MAX)


def _sent(number: int, at: datetime) -> CardSend:
    send = Send(
        at=at,
        units=4590,
        currency="USD",
        initiator="merchant",
        acceptor_id="A1",
        merchant_id=str(MERCHANT.merchant_id),
        declined=True,
        visa_category=2,
        code="51",
        klass="funds",
    )
    return CardSend(UUID(int=number), send)


def test_the_payment_that_came_in_counts_once_for_the_allowance() -> None:
    fresh = order()
    assert facts_of(fresh, NOW).sends_left == 19, "it is about to be counted"
    fresh.sends = [_sent(fresh.order_id.int, PLACED)]
    assert facts_of(fresh, NOW).sends_left == 19
    fresh.sends += [_sent(number, PLACED + timedelta(hours=number)) for number in range(1, 20)]
    full = facts_of(fresh, NOW)
    assert (full.sends_left, full.free_at) == (0, PLACED + timedelta(days=30))
    assert fresh.rescue is not None
    fresh.rescue = replace(fresh.rescue, others_open=2)
    assert facts_of(fresh, NOW).open_orders == 3


def test_another_card_in_the_place_of_the_first_has_an_allowance_of_its_own() -> None:
    assert facts_of(order(cards_before=[new_id()]), NOW).sends_left == 20
