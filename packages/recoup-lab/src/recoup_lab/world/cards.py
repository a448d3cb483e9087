"""Cards: number, expiry, what ends them, who learns of the next one, and the times in which an issuer holds them."""

from collections import Counter
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from recoup.rules.network.card import luhn_digit
from recoup_lab.world.draws import Choice, Draws, instants, quantile
from recoup_lab.world.issuers import PREFIXES, Issuer
from recoup_lab.world.money import MONTH, NEVER, Account
from recoup_lab.world.parameters import Cards
from recoup_lab.world.paydays import DAY, first_day, month_of
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
    """`ends`, by `ending`; `next` comes after it: networks tell of it at `signal_at`, the customer at `on_file_at`."""

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
        return self.next.at(instant) if self.next is not None and instant >= self.on_file_at else self


class Maker:
    """Makes cards; numbers are given out in turn, so that none is given twice."""

    def __init__(self, cards: Cards, draws: Draws, start: int, end: int) -> None:
        self._cards, self._draws, self._start, self._end = cards, draws, start, end
        ways = cards.endings
        self._endings = Choice[Ending](
            [("closed", ways.closed), ("lost", ways.lost), ("revoked", ways.revoked), ("replaced", ways.replaced)]
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
        face = WorldCard(card.face.number, later % 12 + 1, later // 12, card.face.scheme, card.face.funding)
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
        card.next = Card(card.serial, card.issuer, card.account, self._face(card.issuer, card.face.funding, month))
        if n[5] < settings.customer_tells_share:
            card.on_file_at = at + int(quantile(settings.customer_tells_days, n[6]) * DAY)
        if ending == "replaced" and n[7] < settings.updater_share:
            card.signal_at = at + int(quantile(settings.updater_days, n[8]) * DAY)

    def _face(self, issuer: Issuer, funding: Funding, month: int) -> WorldCard:
        place = 5 if issuer.scheme == "amex" else 6
        self._numbers_used[issuer.number] += 1
        account = self._numbers_used[issuer.number] % 10**place
        plain = f"{PREFIXES[issuer.scheme]}{issuer.digits}{account:0{place}d}"
        return WorldCard(plain + luhn_digit(plain), month % 12 + 1, month // 12, issuer.scheme, funding)


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
