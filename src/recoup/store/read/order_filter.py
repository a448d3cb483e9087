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

    `door` is a whole dialect: its channels. `refunded`: any amount of it is, or nothing. `order_ids` and `external_ids`
    name orders, either way; `units_from` and `units_to` are both included.
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
    refunded: bool | None = None
    door: str | None = None
    text: str = ""
    order_ids: tuple[UUID, ...] = ()
    external_ids: tuple[str, ...] = ()
    source: str | None = None
    asset: str | None = None
    descriptor: str = ""
    units_from: int | None = None
    units_to: int | None = None

    def pairs(self) -> list[tuple[str, bool]]:
        """(order_type, call centre) to look for; empty for all."""
        wanted = list(self.channels)
        if self.door is not None and wanted:
            of_door = _DOORS.get(self.door, ())
            wanted = [c for c in of_door if c in wanted]
            if not wanted:
                return [("none", False)]
        return [pair for channel in dict.fromkeys(wanted) for pair in CHANNELS[channel]]

    def is_few(self) -> bool:
        """Whether it has an index of its own that is better followed than the list's order."""
        return bool(
            self.attention or self.refunded or self.created_from or self.created_to or self.order_ids
            or self.external_ids or self.source or self.asset or self.descriptor or self.units_from is not None
            or self.units_to is not None
        )  # fmt: skip


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
    for value, test in (
        (wanted.site_id, "h.site_id = {}"),
        (wanted.placed_from, "h.placed_at >= {}"),
        (wanted.placed_to, "h.placed_at < {}"),
        (wanted.created_from, "h.created_at >= {}"),
        (wanted.created_to, "h.created_at < {}"),
        (wanted.units_from, "h.units >= {}"),
        (wanted.units_to, "h.units <= {}"),
        (wanted.source, "h.source = {}"),
        (wanted.asset, "h.asset = {}"),
        (wanted.descriptor.lower() or None, "lower(h.descriptor) = {}"),
        (wanted.door, "h.door = {}"),
    ):
        if value is not None:
            found.append(test.format(args.add(value)))
    if wanted.attention:
        found.append("h.attention IS NOT NULL")
    if wanted.refunded is not None:
        found.append("h.refunded_units > 0" if wanted.refunded else "h.refunded_units = 0")
    return found + named_condition(wanted, args)


def named_condition(wanted: OrderFilter, args: Arguments) -> list[str]:
    """The orders that are named, if any are: by our id or by the sender's."""
    tests = []
    if wanted.order_ids:
        tests.append(f"SELECT unnest({args.add(list(wanted.order_ids))}::uuid[])")
    if wanted.external_ids:
        named = args.add(list(wanted.external_ids))
        tests.append(
            "SELECT order_id FROM order_refs WHERE merchant_id = $1 AND door IN ('rescue', 'stablecoin')"
            f" AND external_id = ANY({named}::text[])"
        )
    return [f"h.order_id = ANY(ARRAY({' UNION '.join(tests)}))"] if tests else []


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
            wanted.refunded is not None,
            wanted.text,
            wanted.order_ids or wanted.external_ids,
            wanted.source,
            wanted.asset,
            wanted.descriptor,
            wanted.units_from is not None or wanted.units_to is not None,
        )
    )


async def bound_statement(connection: asyncpg.Connection, timeout_ms: int) -> None:
    """For the open transaction: a time limit, and plans made with the values at hand. A merchant's orders are few
    among all: they are always reached by an index."""
    await connection.execute(
        f"SET LOCAL statement_timeout = {timeout_ms}; SET LOCAL plan_cache_mode = force_custom_plan;"
        " SET LOCAL enable_seqscan = off"
    )
