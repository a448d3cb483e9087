"""What lists show of an order, and how a row's columns are taken from its record."""

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any

from recoup.rules.order.snapshot import Order


def shown(order: Order) -> dict[str, Any]:
    """What may change of it. Most facts change none of it, and the row has an index for each filter."""
    return {
        "created_at": order.created_at,
        "status": order.status,
        "refunded_units": order.refunded_units,
        "disputed": order.disputed,
        "attempts": order.attempts_count,
        "next_attempt_at": order.next_attempt_at,
        "reason": order.reason,
        "attention": order.attention,
    }


@cache
def columns(cls: type) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    names = tuple(f.name for f in fields(cls))
    return names, attrgetter(*names)
