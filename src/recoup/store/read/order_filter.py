"""What a list of orders is narrowed by, and how that is said in SQL."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

# channel -> (order_type, whether it came from the call centre): the columns of one index.
CHANNELS: Final[dict[str, tuple[tuple[str, bool], ...]]] = {
    "mit": (("MIT", False), ("MIT", True)),
    "cit_web": (("CIT", False),),
    "cit_callcenter": (("CIT", True),),
    "stable": (("STABLE", False), ("STABLE", True)),
}
_DOORS: Final[dict[str, tuple[str, ...]]] = {
    "rescue": ("mit", "cit_web", "cit_callcenter"),
    "stablecoin": ("stable",),
}


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Empty means everything. Dates are business time: from is included, to is not. `text` is what was typed.

    `door` is a whole dialect: its channels. `refunded`: any amount of it is.
    """

    merchant_id: UUID
    statuses: tuple[int, ...] = ()
    channels: tuple[str, ...] = ()
    site_id: UUID | None = None
    placed_from: datetime | None = None
    placed_to: datetime | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    attention: bool = False
    refunded: bool = False
    door: str | None = None
    text: str = ""

    def pairs(self) -> list[tuple[str, bool]]:
        """(order_type, call centre) to look for; empty for all."""
        wanted = list(self.channels)
        if self.door is not None and wanted:
            of_door = _DOORS.get(self.door, ())
            wanted = [c for c in of_door if c in wanted]
            if not wanted:
                return [("none", False)]
        return [pair for channel in dict.fromkeys(wanted) for pair in CHANNELS[channel]]


class Arguments:
    """Values of one statement; `add` answers the placeholder."""

    def __init__(self, *first: Any) -> None:
        self.values: list[Any] = list(first)

    def add(self, value: Any) -> str:
        self.values.append(value)
        return f"${len(self.values)}"


def conditions(wanted: OrderFilter, args: Arguments) -> list[str]:
    """Everything but status and channel, on `order_heads h`; $1 is the merchant and always comes first."""
    found = ["h.merchant_id = $1"]
    if wanted.site_id is not None:
        found.append(f"h.site_id = {args.add(wanted.site_id)}")
    for value, test in (
        (wanted.placed_from, "h.placed_at >="),
        (wanted.placed_to, "h.placed_at <"),
        (wanted.created_from, "h.created_at >="),
        (wanted.created_to, "h.created_at <"),
    ):
        if value is not None:
            found.append(f"{test} {args.add(value)}")
    if wanted.door is not None:
        found.append(f"h.door = {args.add(wanted.door)}")
    if wanted.attention:
        found.append("h.attention IS NOT NULL")
    if wanted.refunded:
        found.append("h.refunded_units > 0")
    return found


def status_condition(statuses: tuple[int, ...], args: Arguments) -> list[str]:
    if not statuses:
        return []
    if len(statuses) == 1:
        return [f"h.status = {args.add(statuses[0])}::smallint"]
    return [f"h.status = ANY({args.add(list(statuses))}::smallint[])"]


def channel_condition(pairs: list[tuple[str, bool]], args: Arguments) -> list[str]:
    if not pairs:
        return []
    tests = []
    for kind in dict.fromkeys(kind for kind, _ in pairs):
        calls = [call for name, call in pairs if name == kind]
        test = f"h.order_type = {args.add(kind)}"
        if len(calls) == 1:
            test += f" AND (h.source = 'callcenter') = {args.add(calls[0])}::boolean"
        tests.append(f"({test})")
    return ["(" + " OR ".join(tests) + ")"]


def dimensions(wanted: OrderFilter) -> int:
    """How many indexes compete: with more than one, the plan must know the values."""
    return sum(
        bool(value)
        for value in (
            wanted.statuses,
            wanted.pairs(),
            wanted.site_id,
            wanted.created_from or wanted.created_to,
            wanted.attention,
            wanted.refunded,
            wanted.text,
        )
    )


async def bound_statement(connection: asyncpg.Connection, timeout_ms: int) -> None:
    """For the open transaction: a time limit, and plans made with the values at hand."""
    await connection.execute(
        f"SET LOCAL statement_timeout = {timeout_ms}; SET LOCAL plan_cache_mode = force_custom_plan"
    )
