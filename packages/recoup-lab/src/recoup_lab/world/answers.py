"""What an issuer answers to a charge: first what stops it on the way, then the card, holds, money,
limits, mood."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from recoup_lab.world.codes import Cause, Codes, advised_wait
from recoup_lab.world.customers import Card, Hold, holds
from recoup_lab.world.draws import Draws
from recoup_lab.world.issuers import (
    Closures,
    approval_factor,
    closures,
    easy_here,
    make_issuers,
    strict_here,
)
from recoup_lab.world.money import HOUR, PLENTY, Purse, spendable
from recoup_lab.world.parameters import Parameters
from recoup_lab.world.paydays import DAY
from recoup_lab.world.port import WorldCard

_COIN: Final = 6 * HOUR  # a card's luck with its issuer stays the same so long


class Verdict(NamedTuple):
    """`cause` is the world's own knowledge; None where the charge was approved."""

    cause: Cause | None
    code: str | None = None
    advice: str | None = None


APPROVED: Final = Verdict(None, "00")


@dataclass(slots=True)
class Standing:
    """What an arm's own sends have done to a card and its account.
    `mood` is of instant `mood_at`."""

    mood: float = 0.0
    mood_at: int = 0

    def mood_now(self, instant: int, mend_seconds: float) -> float:
        gone = instant - self.mood_at
        return max(0.0, self.mood - gone / mend_seconds) if gone > 0 else self.mood

    def hardened(self, instant: int, card: Card) -> None:
        """A send of the card was declined by its issuer."""
        self.mood = self.mood_now(instant, card.issuer.mend_seconds) + card.issuer.hardening
        self.mood_at = max(instant, self.mood_at)


_FRESH: Final = Standing()
_NOTHING: Final[list[tuple[int, int]]] = []


class Bank:
    """Answers for all issuers, from the parameters and the draws."""

    def __init__(
        self, parameters: Parameters, draws: Draws, start: int, end: int, change_at: int
    ) -> None:
        self.parameters, self.draws, self.start, self.end, self.change_at = (
            parameters,
            draws,
            start,
            end,
            change_at,
        )
        self.issuers = make_issuers(parameters, draws, (start, end))
        self.purse = Purse(parameters.money, parameters.change, change_at, start, end)
        settings = parameters.routes
        self.routes: dict[str, int] = {name: place for place, name in enumerate(settings.names)}
        self._route_outages: list[Closures] = [
            closures(
                draws,
                b"route outage",
                place,
                (start, end),
                settings.outage_rate,
                settings.outage_hours,
            )
            for place in range(len(settings.names))
        ]
        self._codes = Codes(parameters.issuers, draws)

    def lost(self, subject: int, route: int, instant: int) -> str | None:
        """`not_processed` while the route is out, `unknown` when no answer comes back: the charge
        has then not been made, but whoever sent it does not know."""
        if self._route_outages[route].hold(instant):
            return "not_processed"
        share = self.parameters.routes.unknown_share
        if share and self.draws.one(b"time-out", subject, instant) < share:
            return "unknown"
        return None

    def answer(
        self,
        card: Card,
        face: WorldCard,
        amount: int,
        instant: int,
        route: int = 0,
        standing: Standing = _FRESH,
        spent: list[tuple[int, int]] = _NOTHING,
    ) -> Verdict:
        cause = self._cause(card, face, amount, instant, route, standing, spent)
        return self._verdict(cause, card, instant) if cause else APPROVED

    def _cause(
        self,
        card: Card,
        face: WorldCard,
        amount: int,
        instant: int,
        route: int,
        standing: Standing,
        spent: list[tuple[int, int]],
    ) -> Cause | None:
        issuer, account = card.issuer, card.account
        local = instant + account.offset
        if issuer.outages.hold(instant):
            return "outage"
        if issuer.in_maintenance(local):
            return "maintenance"
        ended = self._ended(card, face, instant)
        if ended:
            return ended
        habits = issuer.habits if instant < self.change_at else issuer.later_habits
        for hold in self.holds(card):
            if hold.start <= instant < hold.end and not (hold.easy and easy_here(habits, local)):
                return "fraud" if hold.fraud else "hold"
        level, since = self.purse.level(account, instant, self.draws)
        if level < PLENTY and (spendable(level, since, spent) if spent else level) < amount:
            return "dry" if instant >= account.dry_from else "funds"
        if self._at_limit(card, local):
            return "limit"
        if self.draws.one(b"coin", card.serial, instant // _COIN) >= self.chance(
            card, instant, route, standing
        ):
            return "mood" if standing.mood else "coin"
        return None

    def holds(self, card: Card) -> list[Hold]:
        if card.holds is None:
            card.holds = holds(card, self.parameters.cards, self.draws, self.start, self.end)
        return card.holds

    def chance(self, card: Card, instant: int, route: int, standing: Standing) -> float:
        """With which the issuer approves what nothing else stands against."""
        issuer = card.issuer
        local = instant + card.account.offset
        habits = issuer.habits if instant < self.change_at else issuer.later_habits
        chance = issuer.approval * approval_factor(habits, local)
        mood = standing.mood_now(instant, issuer.mend_seconds)
        if mood > 0:
            settings = self.parameters.mood
            if strict_here(habits, local):
                mood = mood + settings.strict_hours_add * min(1.0, mood)
            place = int(mood)
            last = len(settings.factors) - 1
            if place >= last:
                chance = chance * settings.factors[last]
            else:
                low, high = settings.factors[place], settings.factors[place + 1]
                chance = chance * (low + (high - low) * (mood - place))
        if issuer.weak_route == route:
            chance = chance * self.parameters.routes.weak_factor
        return chance

    def _at_limit(self, card: Card, local: int) -> bool:
        """A day's limit that other payments have used up, from some hour to midnight."""
        rate = self.parameters.cards.limit_rate
        if not rate:
            return False
        day = local // DAY
        drawn = self.draws.one(b"limit", card.serial, day)
        share = rate / 30
        return drawn < share and local % DAY > drawn / share * DAY

    def _ended(self, card: Card, face: WorldCard, instant: int) -> Cause | None:
        """`face` is what the charge says: of this card, or of the one that came after it."""
        if card.ending == "expired":
            renewed = card.next is not None and face == card.next.face
            return "expired" if instant >= card.ends and not renewed else None
        if (face.exp_month, face.exp_year) != (card.face.exp_month, card.face.exp_year):
            return "expired"
        return card.ending if instant >= card.ends else None

    def _verdict(self, cause: Cause, card: Card, instant: int) -> Verdict:
        wait = (
            advised_wait(self.purse, card, instant)
            if cause == "funds" and card.issuer.advises
            else None
        )
        new_data = card.next is not None and card.signal_at <= instant
        code, advice = self._codes.of(cause, card, instant, wait, new_data)
        return Verdict(cause, code, advice)
