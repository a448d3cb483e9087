"""A simulation's plan, and the merchants and orders that follow from its seed alone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from recoup_lab.simulate.contracts import contract_of
from recoup_lab.simulate.dice import dice
from recoup_lab.simulate.faults import Faults

TICKS: Final = 3  # of a day: arrivals and calls come together every eight hours
TOKENS: Final = ("USDT", "USDC")
SHORT_DAYS: Final = 10  # so short a simulation has no orders that live much longer than it
RANGES: Final = {  # smallest units of usual amounts
    "USD": (300, 25_000), "EUR": (300, 25_000), "JPY": (100, 30_000), "KWD": (900, 90_000), "CLF": (4_000, 90_000),
    "USDT": (1_000_000, 400_000_000), "USDC": (1_000_000, 400_000_000),
}  # fmt: skip
# kind, share; see `actors`
KINDS: Final = (("managed", 0.62), ("sync", 0.1), ("customer", 0.1), ("hold", 0.06), ("stable", 0.12))
# first code, what the card says then, after how many declines it approves (99: never), share: as published base rates
DECLINES: Final = (
    ("51", "51", 0, 0.16), ("51", "51", 1, 0.12), ("51", "51", 2, 0.06), ("51", "51", 99, 0.1), ("05", "05", 0, 0.1),
    ("05", "05", 1, 0.06), ("05", "05", 99, 0.06), ("61", "61", 1, 0.04), ("91", "91", 0, 0.05), ("91", "91", 2, 0.03),
    ("51", "04", 99, 0.06), ("05", "14", 99, 0.04), ("04", "04", 99, 0.06), ("51", "05", 1, 0.06),
    ("05", "82", 1, 0.04), ("05", "54", 99, 0.03),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """The same plan gives the same hash."""

    seed: int
    days: int = 30
    merchants: int = 5
    orders: int = 2000
    faults: Faults = field(default_factory=Faults)


@dataclass(slots=True)
class Deal:
    """One payment as its merchant knows it; `name` is the merchant's own id. `refunds`: what the answers say it gave
    back. `tick` of its arrival. `card`: code and declines of the card's script."""

    name: str
    shop: int
    kind: str
    tick: int
    units: int
    asset: str
    first_code: str
    card: tuple[str, int]
    days: int
    channel: str = ""
    order_id: UUID | None = None
    refunds: dict[UUID, int] = field(default_factory=dict)

    @property
    def refunded(self) -> int:
        return sum(self.refunds.values())


def deals_of(plan: Plan) -> Iterator[Deal]:
    """In the order of their numbers."""
    for number in range(plan.orders):
        roll = dice(plan.seed, "deal", number)
        kind = roll.choices([k for k, _ in KINDS], [share for _, share in KINDS])[0]
        shop = roll.randrange(plan.merchants)
        assets = TOKENS if kind == "stable" else contract_of(shop).assets
        asset = roll.choice(assets)
        first, code, declines, _ = roll.choices(DECLINES, [row[3] for row in DECLINES])[0]
        if kind != "managed" and first not in ("05", "91"):
            first = "05"
        yield Deal(
            f"S{plan.seed}-{number:07d}",
            shop,
            kind,
            roll.randrange(plan.days * TICKS),
            roll.randint(*RANGES[asset]),
            asset,
            first,
            (code, declines),
            roll.choice((14, 21, 28) if plan.days > SHORT_DAYS else (14,)),
            roll.choice(("mock", "mock", "mock_direct")) if kind == "stable" else "",
        )
