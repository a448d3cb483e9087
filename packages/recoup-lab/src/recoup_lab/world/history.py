"""What a merchant has on file when the world begins: payments of the past, and how the declined ones were tried.

Most were tried by the old schedule. For some each instant was drawn, evenly from the hours of one block after another,
and the rows tell with which chance.
"""

from collections.abc import Iterator

from recoup_lab.world.answers import Bank, Standing
from recoup_lab.world.codes import STOPS
from recoup_lab.world.customers import Agreement, Customer
from recoup_lab.world.money import HOUR
from recoup_lab.world.orders import as_instant
from recoup_lab.world.paydays import DAY
from recoup_lab.world.port import HistoryRow


def rows(bank: Bank, customer: Customer, start: int, now: int) -> Iterator[HistoryRow]:
    """The customer's rows, payment by payment."""
    if not customer.in_history:
        return
    standings: dict[int, Standing] = {}
    for which, agreement in enumerate(customer.agreements):
        for due in agreement.dues(start, now):
            yield from _order(bank, customer, agreement, (which, due), now, standings)


def _order(
    bank: Bank,
    customer: Customer,
    agreement: Agreement,
    payment: tuple[int, int],
    now: int,
    standings: dict[int, Standing],
) -> Iterator[HistoryRow]:
    which, due = payment
    name = f"past-{customer.number:06d}-{which}-{due // DAY}"
    spent: list[tuple[int, int]] = []
    card = agreement.card.at(due)
    standing = standings.setdefault(card.serial, Standing())
    for attempt, (at, propensity) in enumerate(_instants(bank, customer, agreement, which, due), 1):
        if at >= now:
            return
        used = card if attempt == 1 else agreement.card.at(at)
        verdict = bank.answer(used, used.face, agreement.amount, at, 0, _FIRST if attempt == 1 else standing, spent)
        yield HistoryRow(
            customer_id=customer.name,
            order_id=name,
            attempt=attempt,
            at=as_instant(at),
            amount=agreement.amount,
            currency=bank.parameters.world.currency,
            country=customer.country,
            card=used.face,
            approved=verdict.cause is None,
            scheme_code=verdict.code or "",
            propensity=propensity,
            utc_offset_minutes=customer.offset // 60 if customer.zone_known else None,
            advice_code=verdict.advice,
        )
        if verdict.cause is None or verdict.cause in STOPS:
            return
        if verdict.cause not in ("outage", "maintenance"):
            standing.hardened(at, used)


_FIRST = Standing()


def _instants(
    bank: Bank, customer: Customer, agreement: Agreement, which: int, due: int
) -> Iterator[tuple[int, float | None]]:
    """When the payment would be tried, and the chance of that instant where it was drawn."""
    settings = bank.parameters.history
    subject = customer.number * 2 + which
    yield due, None
    n = bank.draws.many(b"history", subject, due)
    if n[0] >= settings.drawn_share:
        for days in settings.schedule_days:
            yield due + int(days * DAY), None
        return
    begin = 1.0
    for place, end in enumerate(settings.drawn_blocks_hours):
        hours = int(end - begin)
        if hours < 1:
            continue
        yield due + int(begin + int(n[1 + place % 15] * hours)) * HOUR, 1.0 / hours
        begin = end
