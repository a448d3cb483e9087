"""The world in process: customers, issuers, cards and the judge,
behind the shapes of the protocol."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from importlib.resources import files
from typing import Final

from recoup_lab.world.answers import APPROVED, Bank, Standing, Verdict
from recoup_lab.world.codes import STOPS
from recoup_lab.world.customers import Agreement, Card, Customer, People
from recoup_lab.world.draws import Draws
from recoup_lab.world.judge import Book, CardBook, counts_as_breach, note_send, score
from recoup_lab.world.money import HOUR
from recoup_lab.world.orders import Order, as_instant, as_seconds, come_in
from recoup_lab.world.parameters import Parameters
from recoup_lab.world.paydays import DAY
from recoup_lab.world.port import (
    PROTOCOL,
    Costs,
    Hello,
    HistoryRow,
    Score,
    Signal,
    WorldAnswer,
    WorldBroke,
    WorldCharge,
    WorldOrder,
)


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
        verdict = bank.answer(
            used, used.face, agreement.amount, at, 0, _FIRST if attempt == 1 else standing, spent
        )
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


_NO_ISSUER: Final = frozenset(
    {"outage", "maintenance"}
)  # its systems were down: nobody looked at the card
_UNKNOWN_CARD: Final = {"visa": "14", "mastercard": "14", "amex": "111"}


class LabWorld:
    """Arms are copies: a book each, answered from the same draws."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        general = parameters.world
        self.now = int(general.now.timestamp())
        self.until = self.now + general.intake_days * DAY
        start = self.now - parameters.history.days * DAY
        end = self.until + (general.window_days + 1) * DAY
        change_at = self.now + parameters.change.after_days * DAY
        draws = Draws(general.seed)
        self.bank = Bank(parameters, draws, start, end, change_at)
        self._start = start
        people = People(parameters, draws, self.bank.issuers, start, end)
        self.customers: list[Customer]
        self.all_orders: list[Order]
        self.customers, self.all_orders = come_in(self.bank, people, self.now, self.until)
        self.by_id: dict[str, Order] = {order.payment.order_id: order for order in self.all_orders}
        self.by_card: dict[str, list[Order]] = defaultdict(list)
        for order in self.all_orders:
            self.by_card[order.card.face.number].append(order)
        self.cards: dict[str, Card] = {}
        for customer in self.customers:
            for card in customer.cards:
                self.cards[card.face.number] = card
                if card.next is not None and card.next.face.number != card.face.number:
                    self.cards[card.next.face.number] = card.next
        self._delivered = 0
        self._books: dict[str, Book] = {}
        self._signalled: dict[str, int] = {}
        self._signals: list[tuple[int, str, Card]] | None = None
        self._history: list[HistoryRow] = []
        self._history_from = 0

    def hello(self) -> Hello:
        general, costs = self.parameters.world, self.parameters.costs
        return Hello(
            world=general.name,
            protocol=PROTOCOL,
            now=as_instant(self.now),
            until=as_instant(self.until),
            currencies=(general.currency,),
            orders=len(self.all_orders),
            costs=Costs(costs.send, costs.excess, costs.harm),
        )

    def history(self, after: str | None, limit: int) -> tuple[Sequence[HistoryRow], str | None]:
        """Customer by customer. `after` is `customer:row`."""
        try:
            number, row = (0, 0) if after is None else (int(part) for part in after.split(":"))
        except ValueError:
            raise WorldBroke(f"history knows no mark {after!r}") from None
        found: list[HistoryRow] = []
        while number < len(self.customers):
            more = list(rows(self.bank, self.customers[number], self._start, self.now))
            took = more[row : row + limit - len(found)]
            found += took
            if row + len(took) < len(more):
                return found, f"{number}:{row + len(took)}"
            number, row = number + 1, 0
            if len(found) >= limit:
                break
        return found, f"{number}:0" if number < len(self.customers) else None

    def orders(self, before: datetime, limit: int) -> tuple[Sequence[WorldOrder], bool]:
        end = bisect_left(
            self.all_orders, int(before.timestamp()), key=lambda order: order.declined_at
        )
        found = self.all_orders[self._delivered : min(end, self._delivered + limit)]
        self._delivered += len(found)
        return [order.payment for order in found], self._delivered < end

    def charge(self, arm: str, charges: Sequence[WorldCharge]) -> Sequence[WorldAnswer]:
        book = self.book(arm)
        return [book.answers.get(one.id) or self._charge(book, one) for one in charges]

    def signals(self, arm: str, before: datetime) -> Sequence[Signal]:
        """New expiries and numbers that networks tell of; each once to each arm."""
        if self._signals is None:
            on_file = {
                one.card.serial: one.card
                for customer in self.customers
                for one in customer.agreements
            }
            news = [
                one
                for one in on_file.values()
                if one.next is not None and self.now < one.on_file_at
            ]
            self._signals = sorted(
                ((card.signal_at, card.face.number, card) for card in news), key=lambda one: one[:2]
            )
        start = self._signalled.get(arm, 0)
        end = bisect_left(self._signals, int(before.timestamp()), key=lambda one: one[0])
        self._signalled[arm] = max(start, end)
        return [
            Signal(
                as_instant(at),
                "new_expiry" if card.next.face.number == number else "new_number",
                number,
                card.next.face,
            )
            for at, number, card in self._signals[start:end]
            if card.next is not None
        ]

    def end(self, arm: str) -> Score:
        return score(self.book(arm), self.all_orders, self.parameters.costs)

    def book(self, arm: str) -> Book:
        book = self._books.get(arm)
        if book is None:
            book = self._books[arm] = Book()
        return book

    def _charge(self, book: Book, charge: WorldCharge) -> WorldAnswer:
        order = self.by_id.get(charge.order_id)
        if order is None:
            return WorldAnswer(charge.id, error="no such order")
        kept = book.order(order)
        try:
            at = as_seconds(charge.sent_at)
        except ValueError as error:
            return WorldAnswer(charge.id, error=str(error))
        wrong = self._refusal(order, charge, at, kept.last_at, kept.recovered_at)
        if wrong:
            return WorldAnswer(charge.id, error=wrong)
        answer = self._send(book, order, charge, at)
        kept.last_at = at
        if answer.state != "not_processed":
            kept.sends += 1
            book.attempts += 1
        if answer.state == "approved":
            kept.recovered_at = at
        book.answers[charge.id] = answer
        return answer

    def _refusal(
        self, order: Order, charge: WorldCharge, at: int, last_at: int, recovered_at: int | None
    ) -> str | None:
        if at < last_at:
            return "the charge is dated before the decline or the last charge of its order"
        if recovered_at is not None:
            return "the order has been paid"
        if at > order.expires_at:
            return "the order has expired"
        if (charge.amount, charge.currency) != (order.payment.amount, order.payment.currency):
            return "the charge has another amount or currency than its order"
        if charge.route is not None and charge.route not in self.bank.routes:
            return f"there is no route {charge.route!r}"
        return None

    def _send(self, book: Book, order: Order, charge: WorldCharge, at: int) -> WorldAnswer:
        bank = self.bank
        route = 0 if charge.route is None else bank.routes[charge.route]
        lost = bank.lost(order.number, route, at)
        if lost == "not_processed":
            return WorldAnswer(charge.id, "not_processed")
        card = self.cards.get(charge.card.number)
        card_book = self.card_book(book, charge.card.number, at)
        scheme, amount = (
            charge.card.scheme if card is None else card.issuer.scheme,
            order.payment.amount,
        )
        book.breaches += counts_as_breach(card_book, scheme, amount, at)
        verdict = Verdict("unknown_card", _UNKNOWN_CARD[scheme])
        if lost is None and card is not None:
            standing, spent = (
                self._standing(book, card, at),
                book.spent.get(card.account.number, []),
            )
            verdict = bank.answer(card, charge.card, amount, at, route, standing, spent)
            if verdict.cause is None:
                book.spent.setdefault(card.account.number, []).append((at, amount))
            elif verdict.cause not in _NO_ISSUER:
                standing.hardened(at, card)
        if lost is not None:
            note_send(card_book, scheme, amount, at, None, None)
            return WorldAnswer(charge.id, "unknown")
        note_send(card_book, scheme, amount, at, verdict.code, verdict.advice)
        if verdict == APPROVED:
            return WorldAnswer(
                charge.id,
                "approved",
                verdict.code,
                network_transaction_id=sha256(charge.id.encode()).hexdigest()[:15],
            )
        return WorldAnswer(charge.id, "declined", verdict.code, verdict.advice)

    def card_book(self, book: Book, number: str, at: int) -> CardBook:
        """With the card's declined payments that had come in by then."""
        found = book.cards.get(number)
        if found is None:
            found = book.cards[number] = CardBook()
        came = self.by_card.get(number, ())
        while found.came_in < len(came) and came[found.came_in].declined_at <= at:
            order = came[found.came_in]
            found.came_in += 1
            note_send(
                found,
                order.card.issuer.scheme,
                order.payment.amount,
                order.declined_at,
                order.verdict.code,
                order.verdict.advice,
            )
            if order.verdict.cause not in _NO_ISSUER:
                standing = book.standings.setdefault(order.card.serial, Standing())
                standing.hardened(order.declined_at, order.card)
        return found

    def _standing(self, book: Book, card: Card, at: int) -> Standing:
        return book.standings.setdefault(card.serial, Standing())


def build(parameters: Parameters) -> LabWorld:
    """Raises: Problem(invalid) where the parameters decline hardly any payment."""
    return LabWorld(parameters)


def world_hash() -> str:
    """Of the world's files and parameters, by which figures name it; the protocol's shapes are no
    part of it."""
    folder = files("recoup_lab.world")
    names = sorted(one.name for one in folder.iterdir() if one.name.endswith((".py", ".toml")))
    digest = sha256()
    for name in names:
        if name != "port.py":
            digest.update(f"{name}\0{(folder / name).read_text('utf-8')}\0".encode())
    return digest.hexdigest()[:16]
