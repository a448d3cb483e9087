"""Customers: where they live, their accounts and cards, and the payments that fall due."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, get_type_hints

from recoup_lab.world.cards import Card, Maker
from recoup_lab.world.draws import Choice, Draws, quantile
from recoup_lab.world.issuers import Issuer
from recoup_lab.world.money import HOUR, MONTH, NEVER, Account
from recoup_lab.world.parameters import Countries, Parameters, Rhythms
from recoup_lab.world.paydays import DAY, Rhythm, first_day, month_of
from recoup_lab.world.port import Funding

# country and seconds east of UTC; the clock is not put forward in summer
PLACES: Final = {
    "US_EAST": ("US", -5 * HOUR), "US_CENTRAL": ("US", -6 * HOUR), "US_WEST": ("US", -8 * HOUR),
    "CA": ("CA", -5 * HOUR), "GB": ("GB", 0), "DE": ("DE", HOUR), "AU": ("AU", 10 * HOUR),
}  # fmt: skip
_STAYS: Final = 35 * DAY  # a customer whose card or money has ended leaves after that


@dataclass(frozen=True, slots=True)
class Agreement:
    """What falls due each month on `month_day`, or each week when that is 0, at `second` of the day in UTC, as long as
    the customer stays."""

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

    def __init__(self, parameters: Parameters, draws: Draws, issuers: list[Issuer], start: int, end: int) -> None:
        self._p, self._draws, self._issuers, self._start, self._end = parameters, draws, issuers, start, end
        self._maker = Maker(parameters.cards, draws, start, end)
        settings = parameters.customers
        self._places = Choice([(name, getattr(settings.countries, name)) for name in get_type_hints(Countries)])
        self._rhythms = Choice[Rhythm](
            [(name, getattr(settings.rhythms, name)) for name in get_type_hints(Rhythms)]  # type: ignore[misc]
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
        funding: Funding = "credit" if issuer.scheme == "amex" or n[1] < self._p.credit.share else "debit"
        account = self._account(number * 2 + which, offset, dry_from, funding, n)
        return self._maker.card(number * 2 + which, issuer, account, funding)

    def _account(self, number: int, offset: int, dry_from: int, funding: Funding, n: tuple[float, ...]) -> Account:
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
            card, amount, 1 + int(n[2] * 28) if monthly else 0, int(n[3] * 7), int(n[4] * DAY), trouble + _STAYS
        )
