"""The declined payments that come in: each payment that falls due is answered, the declined ones
are orders."""

from dataclasses import dataclass
from datetime import UTC, datetime

from recoup.kernel.problem import Problem
from recoup_lab.world.answers import Bank, Verdict
from recoup_lab.world.customers import Agreement, Card, Customer, People
from recoup_lab.world.port import WorldOrder

_CUSTOMERS_FOR_ORDER_MAX = 200


@dataclass(slots=True)
class Order:
    """`payment` is what a merchant sees of it; the rest is the world's."""

    number: int
    payment: WorldOrder
    customer: Customer
    card: Card
    declined_at: int
    expires_at: int
    verdict: Verdict


def as_instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def as_seconds(instant: datetime) -> int:
    """Raises ValueError for an instant without its zone or with parts of a second."""
    if instant.tzinfo is None or instant.microsecond:
        raise ValueError("an instant needs its zone and whole seconds")
    return int(instant.timestamp())


def declined(
    bank: Bank, agreement: Agreement, start: int, end: int
) -> list[tuple[int, Card, Verdict]]:
    """Payments of the agreement in [start, end) that were declined. What was lost on its way was
    simply sent again."""
    found = []
    for at in agreement.dues(start, end):
        card = agreement.card.at(at)
        verdict = bank.answer(card, card.face, agreement.amount, at)
        if verdict.cause is not None:
            found.append((at, card, verdict))
    return found


def come_in(bank: Bank, people: People, start: int, end: int) -> tuple[list[Customer], list[Order]]:
    """As many orders as the parameters name, oldest first, and all customers that it took.

    Raises: Problem(invalid) where hardly any payment is declined.
    """
    general = bank.parameters.world
    found: list[tuple[int, Card, Verdict, Customer, Agreement]] = []
    customers: list[Customer] = []
    while len(found) < general.orders:
        if len(customers) >= _CUSTOMERS_FOR_ORDER_MAX * (general.orders + 10):
            raise Problem(
                "invalid",
                "Hardly any payment is declined in this world.",
                field="world",
                cure="Raise a rate of declines or lower the number of orders.",
            )
        customer = people.customer(len(customers))
        customers.append(customer)
        for agreement in customer.agreements:
            declines = declined(bank, agreement, start, end)
            found += [(at, card, verdict, customer, agreement) for at, card, verdict in declines]
    found = sorted(found[: general.orders], key=lambda one: (one[0], one[3].number, one[4].amount))
    window = general.window_days * 86_400
    orders = [
        Order(
            number,
            _payment(
                f"order-{number:06d}", one[0], window, bank, one[1], one[2], one[3], one[4].amount
            ),
            one[3],
            one[1],
            one[0],
            one[0] + window,
            one[2],
        )
        for number, one in enumerate(found)
    ]
    return customers, orders


def _payment(
    name: str,
    at: int,
    window: int,
    bank: Bank,
    card: Card,
    verdict: Verdict,
    customer: Customer,
    amount: int,
) -> WorldOrder:
    return WorldOrder(
        order_id=name,
        customer_id=customer.name,
        declined_at=as_instant(at),
        expires_at=as_instant(at + window),
        amount=amount,
        currency=bank.parameters.world.currency,
        country=customer.country,
        card=card.face,
        scheme_code=verdict.code or "",
        advice_code=verdict.advice,
        utc_offset_minutes=customer.offset // 60 if customer.zone_known else None,
    )
