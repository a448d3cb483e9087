"""A payer's attempts are told once each, whatever way and in whatever order they were told of."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.rings import each

from recoup.kernel.ids import new_id
from recoup.orders.rules.known import Seen
from recoup.rescue.rules.answer_classes import APPROVED, FUNDS, HARD, SOFT
from recoup.rescue.rules.facts import LOOKS_MAX
from recoup.rescue.rules.payer_looks import SAME_ATTEMPT, Copy, PastPayment, PaymentTry, seen_of

START = datetime(2027, 3, 1, 14, 30, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def order(*attempts: PaymentTry, at: datetime = START, **more: Any) -> PastPayment:
    decline = {"code": "51", "source": "visa", "at": at.isoformat()} | more.pop("decline", {})
    return PastPayment(
        **{
            "order_id": new_id(),
            "placed_at": at + MINUTE,
            "decline": decline,
            "scheme": "visa",
            "attempts": list(attempts) or None,
        }
        | more
    )


def attempt(number: int, state: str, days: float, code: str = "51") -> PaymentTry:
    sent = START + days * DAY if state != "planned" else None
    return PaymentTry(number, state, sent, code, None, None)


def copy(at: datetime | None, *, declined: bool = False, **more: Any) -> Copy:
    return Copy(
        **{
            "external_id": "inv-1",
            "transaction_id": "",
            "bin": None,
            "is_declined": declined,
            "code": "51",
            "code_source": "visa",
            "transacted_at": at,
            "order_id": None,
            "is_order": False,
        }
        | more
    )


def brief(seen: tuple[Seen, ...]) -> list[tuple[int, int]]:
    return [(one.answer, one.tries) for one in seen]


def test_the_payment_that_came_in_and_each_answered_try() -> None:
    tries = (
        attempt(4, "approved", 4),
        attempt(1, "declined", 1, "05"),
        attempt(2, "unknown", 2),
        attempt(3, "not_sent", 3),
        attempt(5, "planned", 0),
    )
    assert brief(seen_of([order(*tries)], (), "world")) == [(FUNDS, 0), (SOFT, 1), (APPROVED, 3)]
    assert brief(seen_of([order(decline={"code": "04"})], (), "world")) == [(HARD, 0)]


def test_a_payment_was_declined_no_later_than_it_came() -> None:
    (seen,) = seen_of([order(decline={"at": (START + DAY).isoformat()})], (), "world")
    assert seen.at == START + MINUTE
    (seen,) = seen_of([order(decline={"at": None})], (), "world")
    assert seen.at == START + MINUTE


def test_a_copy_of_the_payment_that_came_in_is_the_same_attempt() -> None:
    one = order()
    near, same = (
        copy(START + SAME_ATTEMPT, declined=True),
        copy(START - DAY, declined=True, is_order=True),
    )
    later = copy(START + SAME_ATTEMPT + MINUTE, declined=True)
    for told, counts in ((near, 1), (same, 1), (later, 2), (copy(START), 2)):
        assert len(seen_of([one], [replace(told, order_id=one.order_id)], "world")) == counts
    assert brief(seen_of([one], [replace(later, order_id=one.order_id)], "world")) == [
        (FUNDS, 0),
        (FUNDS, 1),
    ]


def test_what_is_transmitted_twice_is_one_attempt() -> None:
    once = copy(START, transaction_id="t-1")
    again = copy(START + DAY, transaction_id="t-1")
    other = copy(START + DAY, transaction_id="t-1", external_id="inv-2")
    assert len(seen_of((), [once, again], "world")) == 1
    assert len(seen_of((), [once, other], "world")) == 2, "another payment may have the same number"
    assert seen_of((), [copy(None)], "world") == (), "nobody knows when"


@each("seed", range(20))
def test_the_order_in_which_it_was_told_does_not_matter(seed: int) -> None:
    draw = random.Random(seed)
    orders = [
        order(
            *(
                attempt(n, draw.choice(["declined", "approved", "unknown"]), day + n)
                for n in range(1, draw.randint(1, 5))
            ),
            at=START + day * DAY,
        )
        for day in draw.sample(range(40), draw.randint(0, 20))
    ]
    ids: list[UUID | None] = [None, *(one.order_id for one in orders)]
    copies = [
        copy(
            START + draw.uniform(0, 40) * DAY,
            declined=draw.random() < 0.5,
            order_id=draw.choice(ids),
            external_id=f"inv-{draw.randint(1, 5)}",
            transaction_id=draw.choice(["", f"t-{n}"]),
        )
        for n in range(draw.randint(0, 30))
    ]
    found = seen_of(orders, copies, "world")
    assert len(found) <= LOOKS_MAX
    assert [one.at for one in found] == sorted(one.at for one in found)
    assert all(one.order_id is None or isinstance(one.order_id, UUID) for one in found)
    draw.shuffle(orders)
    draw.shuffle(copies)
    assert seen_of(orders, copies, "world") == found
