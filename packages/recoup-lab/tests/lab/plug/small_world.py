"""A world of a few orders in process, and how anybody plays with one."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from recoup.networks.card import luhn_digit
from recoup.networks.magic import WORLD_CARDS
from recoup_lab.world.port import (
    Costs,
    Hello,
    HistoryRow,
    Score,
    Signal,
    World,
    WorldAnswer,
    WorldCard,
    WorldCharge,
    WorldOrder,
)

NOW = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
UNTIL = NOW + 3 * DAY


def world_card(scheme: str, issuer: int, serial: int) -> str:
    """A number of a plugged world's card. `issuer` under 1,000, `serial` under 100,000."""
    head, length = WORLD_CARDS[scheme]
    body = f"{head}{issuer:03d}{serial:0{length - 10}d}"
    assert len(body) == length - 1
    return body + luhn_digit(body)


def card(scheme: Any = "visa", issuer: int = 7, serial: int = 1) -> WorldCard:
    return WorldCard(world_card(scheme, issuer, serial), 12, 2031, scheme, "debit")


class SmallWorld:
    """Ten orders in three days; every third one pays when it is charged for the second time."""

    def __init__(self) -> None:
        self._came = 0
        self._sends: dict[tuple[str, str], list[WorldCharge]] = {}

    def hello(self) -> Hello:
        return Hello("small", 1, NOW, UNTIL, ("USD", "JPY"), 10, Costs(12, 5_000, 0.02))

    def history(self, after: str | None, limit: int) -> tuple[Sequence[HistoryRow], str | None]:
        rows = [
            HistoryRow(
                f"c{n}",
                f"past-{n}",
                1,
                NOW - (20 - n) * DAY,
                1_000 + n,
                "USD",
                "US",
                card(serial=n),
                n % 2 == 0,
                "00" if n % 2 == 0 else "51",
                None if n % 2 else 1 / 24,
                utc_offset_minutes=-300,
            )
            for n in range(20)
        ]
        start = int(after or 0)
        end = start + limit
        return rows[start:end], str(end) if end < len(rows) else None

    def orders(self, before: datetime, limit: int) -> tuple[Sequence[WorldOrder], bool]:
        every = [
            WorldOrder(
                f"o{n}",
                f"c{n}",
                NOW + n * timedelta(hours=7),
                NOW + n * timedelta(hours=7) + 9 * DAY,
                900 + n,
                "JPY" if n == 4 else "USD",
                "DE",
                card("amex" if n == 3 else "mastercard", n, n),
                "05",
                advice_code="24" if n == 5 else None,
            )
            for n in range(10)
        ]
        new = [order for order in every[self._came :] if order.declined_at < before]
        self._came += len(new[:limit])
        return new[:limit], len(new) > limit

    def charge(self, arm: str, charges: Sequence[WorldCharge]) -> Sequence[WorldAnswer]:
        return [self._answer(arm, one) for one in charges]

    def _answer(self, arm: str, charge: WorldCharge) -> WorldAnswer:
        sends = self._sends.setdefault((arm, charge.order_id), [])
        if sends and charge.sent_at < sends[-1].sent_at:
            return WorldAnswer(charge.id, error="it is earlier than the last one")
        sends.append(charge)
        if len(sends) > 1 and int(charge.order_id[1:]) % 3 == 0:
            return WorldAnswer(charge.id, "approved", "00", network_transaction_id=f"n-{charge.id}")
        return WorldAnswer(charge.id, "declined", "51", advice_code="24")

    def signals(self, arm: str, before: datetime) -> Sequence[Signal]:
        return [Signal(before - DAY, "new_expiry", card().number, card())]

    def end(self, arm: str) -> Score:
        sends = sum(len(several) for (whose, _), several in self._sends.items() if whose == arm)
        return Score(10, 4, 0.4, sends, 0, 0.1 + 0.2, 1.5)


def play(world: World, arms: Sequence[str] = ("a", "b")) -> str:
    """Every order once a day in each arm, for a week; the hash of all that the world said."""
    told: list[Any] = [world.hello()]
    after: str | None = None
    while True:
        rows, after = world.history(after, 7)
        told += rows
        if after is None:
            break
    here: list[WorldOrder] = []
    for day in range(1, 8):
        at, more = NOW + day * DAY, True
        while more:
            orders, more = world.orders(at, 2)
            here += orders
        for arm in arms:
            told += world.charge(
                arm, [charge(order, f"{order.order_id}-{day}", at) for order in here]
            )
            told += world.signals(arm, at)
    told += [*here, *(world.end(arm) for arm in arms)]
    assert len(told) > 50
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


def charge(order: WorldOrder, id: str, at: datetime) -> WorldCharge:
    return WorldCharge(id, order.order_id, at, order.amount, order.currency, "acceptor", order.card)
