"""A world of a few lines: each order has a moment from which its card pays, the rest is drawn from
names."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any, ClassVar

from recoup_lab.compare.draws import share_of
from recoup_lab.compare.source import Opened
from recoup_lab.world.port import (
    Costs,
    Hello,
    HistoryRow,
    Score,
    Signal,
    WorldAnswer,
    WorldCard,
    WorldCharge,
    WorldOrder,
)

NOW = datetime(2027, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
PREFIX = {"visa": "400088", "mastercard": "555588", "amex": "370088"}


def card(number: int, scheme: Any = "visa", funding: Any = "debit") -> WorldCard:
    return WorldCard(f"{PREFIX[scheme]}{number:010d}", 12, 2030, scheme, funding)


def order(number: int, **other: Any) -> WorldOrder:
    values: dict[str, Any] = dict(
        order_id=f"o{number}",
        customer_id=f"c{number}",
        declined_at=NOW + number * timedelta(minutes=7),
        amount=5_000,
        currency="USD",
        country="US",
        card=card(number),
        scheme_code="51",
    )
    values |= other
    return WorldOrder(**{"expires_at": values["declined_at"] + 30 * DAY, **values})


class TinyWorld:
    """What a test needs answered otherwise overrides `answer`."""

    def __init__(
        self, orders: Sequence[WorldOrder], seed: int = 1, history: Sequence[HistoryRow] = ()
    ) -> None:
        self.given, self.told, self.seed, self.past = 0, list(orders), seed, list(history)
        self.charges: dict[str, list[tuple[WorldCharge, WorldAnswer]]] = defaultdict(list)
        self.answers: dict[tuple[str, str], WorldAnswer] = {}
        self.batches: list[tuple[str, list[WorldCharge]]] = []
        self.signals_of: list[Signal] = []

    def hello(self) -> Hello:
        return Hello(
            "tiny", 1, NOW, NOW + 30 * DAY, ("USD",), len(self.told), Costs(12, 5_000, 0.02)
        )

    def history(self, after: str | None, limit: int) -> tuple[Sequence[HistoryRow], str | None]:
        return self.past, None

    def orders(self, before: datetime, limit: int) -> tuple[Sequence[WorldOrder], bool]:
        page = self.told[self.given : self.given + limit]
        self.given += len(page)
        return page, self.given < len(self.told)

    def charge(self, arm: str, charges: Sequence[WorldCharge]) -> Sequence[WorldAnswer]:
        self.batches.append((arm, list(charges)))
        return [self._one(arm, one) for one in charges]

    def _one(self, arm: str, charge: WorldCharge) -> WorldAnswer:
        if (arm, charge.id) not in self.answers:
            found = self.answers[arm, charge.id] = self.answer(charge)
            self.charges[arm].append((charge, found))
        return self.answers[arm, charge.id]

    def answer(self, charge: WorldCharge) -> WorldAnswer:
        """A card pays on some days of its own."""
        day = (charge.sent_at - NOW) // DAY
        pays = share_of("pays", self.seed, charge.card.number, day) < 0.15
        return (
            WorldAnswer(charge.id, "approved", "00")
            if pays
            else WorldAnswer(charge.id, "declined", "51")
        )

    def signals(self, arm: str, before: datetime) -> Sequence[Signal]:
        found, self.signals_of = (
            [one for one in self.signals_of if one.at < before],
            [one for one in self.signals_of if one.at >= before],
        )
        return found

    def end(self, arm: str) -> Score:
        """Breaches are not judged here: no arm of these tests sends so often."""
        orders = {one.order_id: one for one in self.told}
        sent = [
            (charge, answer)
            for charge, answer in self.charges[arm]
            if answer.state != "not_processed"
        ]
        paid = {charge.order_id: charge for charge, answer in sent if answer.state == "approved"}
        won = sum(one.amount for one in paid.values())
        days = [(one.sent_at - orders[one.order_id].declined_at) / DAY for one in paid.values()]
        amount = sum(one.amount for one in self.told)
        return Score(
            len(orders),
            len(paid),
            won / amount,
            len(sent),
            0,
            won / amount,
            median(days) if days else None,
        )


class LyingWorld(TinyWorld):
    def end(self, arm: str) -> Score:
        told = super().end(arm)
        return replace_score(told, recovered=told.recovered + 3)


def replace_score(score: Score, **other: Any) -> Score:
    return Score(**({name: getattr(score, name) for name in score.__struct_fields__} | other))


@dataclass(frozen=True)
class TinyWorlds:
    """A source; crosses to other processes."""

    orders: int = 120
    lying: bool = False
    code: str = "43"  # of some orders
    has_oracle: ClassVar[bool] = False

    @contextmanager
    def open(self, seed: int) -> Any:
        schemes = ("visa", "mastercard", "amex")
        orders = [
            order(
                number,
                customer_id=f"c{number // 2}",
                card=card(number // 2, schemes[number // 2 % 3]),
                amount=1_000 + 500 * (number // 2 % 7),
                scheme_code=("51", "05", self.code)[number // 2 % 9 // 4],
            )
            for number in range(self.orders)
        ]
        yield Opened((LyingWorld if self.lying else TinyWorld)(orders, seed))
