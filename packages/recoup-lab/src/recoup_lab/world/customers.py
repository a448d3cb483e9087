"""Customers: where they live, their accounts and cards, and the payments that fall due."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, get_type_hints

from recoup.networks.card import luhn_digit
from recoup_lab.world.draws import Choice, Draws, instants, quantile
from recoup_lab.world.issuers import PREFIXES, Issuer
from recoup_lab.world.money import HOUR, MONTH, NEVER, Account
from recoup_lab.world.parameters import Cards, Countries, Parameters, Rhythms
from recoup_lab.world.paydays import DAY, Rhythm, first_day, month_of
from recoup_lab.world.port import Funding, WorldCard

Ending = Literal["closed", "lost", "revoked", "replaced", "expired"]
FOR_EVER_DAYS: Final = 90  # by then its customer has called or left
_EXPIRY_MONTHS: Final = 48


class Hold(NamedTuple):
    """From `start` to `end` the issuer refuses; where it is `easy`, outside its easy hours only."""

    start: int
    end: int
    fraud: bool
    easy: bool


@dataclass(slots=True)
class Card:
    """`ends`, by `ending`; `next` comes after it: networks tell of it at `signal_at`, the customer
    at `on_file_at`."""

    serial: int
    issuer: Issuer
    account: Account
    face: WorldCard
    ends: int = NEVER
    ending: Ending | None = None
    next: "Card | None" = None
    signal_at: int = NEVER
    on_file_at: int = NEVER
    holds: list[Hold] | None = None

    def at(self, instant: int) -> "Card":
        """The card that a merchant has on file then, whose customers tell them."""
        return (
            self.next.at(instant) if self.next is not None and instant >= self.on_file_at else self
        )


class Maker:
    """Makes cards; numbers are given out in turn, so that none is given twice."""

    def __init__(self, cards: Cards, draws: Draws, start: int, end: int) -> None:
        self._cards, self._draws, self._start, self._end = cards, draws, start, end
        ways = cards.endings
        self._endings = Choice[Ending](
            [
                ("closed", ways.closed),
                ("lost", ways.lost),
                ("revoked", ways.revoked),
                ("replaced", ways.replaced),
            ]
        )
        self._numbers_used: Counter[int] = Counter()

    def card(self, serial: int, issuer: Issuer, account: Account, funding: Funding) -> Card:
        n = self._draws.many(b"card", serial)
        month = month_of(self._start // DAY) + 1 + int(n[0] * _EXPIRY_MONTHS)
        card = Card(serial, issuer, account, self._face(issuer, funding, month))
        months = (self._end - self._start) / MONTH
        ended_at = self._start + int(n[1] * (self._end - self._start))
        expires = first_day(month + 1) * DAY
        if n[2] < self._cards.end_rate * months and ended_at < expires:
            self._end_card(card, ended_at, self._endings.of(n[3]), n)
        elif expires < self._end:
            self._expire(card, expires, month, n)
        return card

    def _expire(self, card: Card, expires: int, month: int, n: tuple[float, ...]) -> None:
        settings = self._cards
        card.ends, card.ending = expires, "expired"
        later = month + _EXPIRY_MONTHS
        face = WorldCard(
            card.face.number, later % 12 + 1, later // 12, card.face.scheme, card.face.funding
        )
        card.next = Card(card.serial, card.issuer, card.account, face)
        if n[4] >= settings.expiry_stale_share:
            card.on_file_at = expires - DAY
        elif n[5] < settings.customer_tells_share:
            card.on_file_at = expires + int(quantile(settings.customer_tells_days, n[6]) * DAY)
        if n[7] < settings.updater_share:
            card.signal_at = expires + int(quantile(settings.updater_days, n[8]) * DAY)

    def _end_card(self, card: Card, at: int, ending: Ending, n: tuple[float, ...]) -> None:
        settings = self._cards
        card.ends, card.ending = at, ending
        if ending == "revoked" or ending == "closed":
            return
        month = month_of(at // DAY) + _EXPIRY_MONTHS
        card.next = Card(
            card.serial,
            card.issuer,
            card.account,
            self._face(card.issuer, card.face.funding, month),
        )
        if n[5] < settings.customer_tells_share:
            card.on_file_at = at + int(quantile(settings.customer_tells_days, n[6]) * DAY)
        if ending == "replaced" and n[7] < settings.updater_share:
            card.signal_at = at + int(quantile(settings.updater_days, n[8]) * DAY)

    def _face(self, issuer: Issuer, funding: Funding, month: int) -> WorldCard:
        place = 5 if issuer.scheme == "amex" else 6
        self._numbers_used[issuer.number] += 1
        account = self._numbers_used[issuer.number] % 10**place
        plain = f"{PREFIXES[issuer.scheme]}{issuer.digits}{account:0{place}d}"
        return WorldCard(
            plain + luhn_digit(plain), month % 12 + 1, month // 12, issuer.scheme, funding
        )


def holds(card: Card, cards: Cards, draws: Draws, start: int, end: int) -> list[Hold]:
    found = []
    for fraud, purpose, rate, days, ever in (
        (False, b"hold", cards.hold_rate, cards.hold_days, cards.hold_for_ever_share),
        (True, b"fraud hold", cards.fraud_rate, cards.fraud_days, cards.fraud_for_ever_share),
    ):
        gap = MONTH / rate if rate else 0.0
        for at in instants(draws, purpose, card.serial, start - FOR_EVER_DAYS * DAY, end, gap):
            n = draws.many(purpose, card.serial, at)
            lasts = FOR_EVER_DAYS * DAY if n[0] < ever else int(quantile(days, n[1]) * DAY)
            found.append(Hold(at, at + lasts, fraud, not fraud and n[2] < cards.hold_easy_share))
    return found


# country and seconds east of UTC; the clock is not put forward in summer
PLACES: Final = {
    "US_EAST": ("US", -5 * HOUR), "US_CENTRAL": ("US", -6 * HOUR), "US_WEST": ("US", -8 * HOUR),
    "CA": ("CA", -5 * HOUR), "GB": ("GB", 0), "DE": ("DE", HOUR), "AU": ("AU", 10 * HOUR),
}  # fmt: skip
_STAYS: Final = 35 * DAY  # a customer whose card or money has ended leaves after that


@dataclass(frozen=True, slots=True)
class Agreement:
    """What falls due each month on `month_day`, or each week when that is 0, at `second` of the day
    in UTC, as long as the customer stays."""

    card: Card
    amount: int
    month_day: int
    week_day: int
    second: int
    leaves: int

    def dues(self, start: int, end: int) -> Iterator[int]:
        """Instants in [start, end) at which it falls due."""
        end = min(end, self.leaves)
        if self.month_day == 0:
            at = start // DAY * DAY + self.second
            at += (self.week_day - at // DAY) % 7 * DAY
            yield from (one for one in range(at, end, 7 * DAY) if one >= start)
            return
        for month in range(month_of(start // DAY), month_of(max(start, end) // DAY) + 1):
            at = (first_day(month) + self.month_day - 1) * DAY + self.second
            if start <= at < end:
                yield at


@dataclass(frozen=True, slots=True)
class Customer:
    number: int
    name: str
    country: str
    offset: int
    zone_known: bool
    in_history: bool
    agreements: tuple[Agreement, ...]
    cards: tuple[Card, ...]


class People:
    """Makes customers one after another."""

    def __init__(
        self, parameters: Parameters, draws: Draws, issuers: list[Issuer], start: int, end: int
    ) -> None:
        self._p, self._draws, self._issuers, self._start, self._end = (
            parameters,
            draws,
            issuers,
            start,
            end,
        )
        self._maker = Maker(parameters.cards, draws, start, end)
        settings = parameters.customers
        self._places = Choice(
            [(name, getattr(settings.countries, name)) for name in get_type_hints(Countries)]
        )
        self._rhythms = Choice[Rhythm](
            [
                (name, getattr(settings.rhythms, name))  # type: ignore[misc]
                for name in get_type_hints(Rhythms)
            ]
        )

    def customer(self, number: int) -> Customer:
        p, settings = self._p, self._p.customers
        n = self._draws.many(b"customer", number)
        country, offset = PLACES[self._places.of(n[0])]
        dry_from = NEVER
        if n[1] < settings.dry_rate * (self._end - self._start) / MONTH:
            dry_from = self._start + int(n[2] * (self._end - self._start))
        cards = [self._card(number, 0, offset, dry_from)]
        if n[3] < settings.second_card_share:
            cards.append(self._card(number, 1, offset, dry_from))
        agreements = [self._agreement(number, 0, cards[0])]
        if n[4] < settings.second_order_share:
            agreements.append(self._agreement(number, 1, cards[0] if n[5] < 0.6 else cards[-1]))
        return Customer(
            number=number,
            name=f"customer-{number:06d}",
            country=country,
            offset=offset,
            zone_known=n[6] < settings.zone_known_share,
            in_history=n[7] < p.history.share,
            agreements=tuple(agreements),
            cards=tuple(cards),
        )

    def _card(self, number: int, which: int, offset: int, dry_from: int) -> Card:
        n = self._draws.many(b"account", number, which)
        issuer = self._issuers[int(n[0] * len(self._issuers))]
        funding: Funding = (
            "credit" if issuer.scheme == "amex" or n[1] < self._p.credit.share else "debit"
        )
        account = self._account(number * 2 + which, offset, dry_from, funding, n)
        return self._maker.card(number * 2 + which, issuer, account, funding)

    def _account(
        self, number: int, offset: int, dry_from: int, funding: Funding, n: tuple[float, ...]
    ) -> Account:
        p = self._p
        credit = funding == "credit"
        return Account(
            number=number,
            offset=offset,
            rhythm="statement" if credit else self._rhythms.of(n[2]),
            later_rhythm="statement" if credit else self._rhythms.of(n[3]),
            changes=n[4] < p.change.customers_share,
            steady=n[5] < (p.credit.steady_share if credit else p.money.steady_share),
            lean_chance=quantile(p.money.lean_chance, n[6]),
            lasts_factor=p.credit.lasts_factor if credit else 1.0,
            late_share=p.credit.late_share if credit else p.money.late_share,
            posting_second=int(quantile(p.money.posting_hour, n[7]) * HOUR),
            dry_from=dry_from,
        )

    def _agreement(self, number: int, which: int, card: Card) -> Agreement:
        settings = self._p.customers
        n = self._draws.many(b"agreement", number, which)
        amount = settings.amounts[int(n[0] * len(settings.amounts))]
        monthly = n[1] >= settings.weekly_share
        trouble = min(card.account.dry_from, card.ends if card.on_file_at == NEVER else NEVER)
        return Agreement(
            card,
            amount,
            1 + int(n[2] * 28) if monthly else 0,
            int(n[3] * 7),
            int(n[4] * DAY),
            trouble + _STAYS,
        )
