"""An order's rows as the same transaction writes them: just admitted, and as lists show them. Nothing is read back."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec

from recoup.rules.order.snapshot import Order
from recoup.store.write.intake import AdmittedCard

_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder().decode
_AS_GIVEN = ("merchant_id", "order_id", "stage", "door", "kind", "external_id", "generation", "site_id", "campaign_id",
             "descriptor", "asset", "units", "amount_text", "token_id", "transaction_id", "placed_at", "expires_at",
             "order_type", "source", "status")  # fmt: skip
_SHOWN = ("merchant_id", "order_id", "placed_at", "order_type", "source", "door", "site_id", "asset", "units",
          "expires_at", "descriptor", "campaign_id")  # fmt: skip


def admitted_row(given: Mapping[str, Any], card: AdmittedCard) -> dict[str, Any]:
    """What a locked row of it would be. `given`: the row of the admission; `card`: what the admission found of it."""
    return {name: given[name] for name in _AS_GIVEN} | {
        "version": 1,
        "card_id": card.card_id,
        "pan_id": card.pan_id,
        "facts": _decode(_encode(given["facts"])),
        "cards_before": [],
        "do_not_retry": False,
        "metadata": {},
        "created_at": given["placed_at"] if given["status"] else None,
        "refunded_units": 0,
        "disputed": False,
        "attempts": 0,
        "next_attempt_at": None,
        "reason": None,
        "attention": None,
        "arm": given.get("arm"),
        "arm_version": given.get("arm_version"),
    }


def head_of(given: Mapping[str, Any], card: AdmittedCard) -> dict[str, Any]:
    """The columns of lists that never change; the others are set when the transaction ends."""
    decline = given["facts"].get("decline") or {}
    return {name: given[name] for name in _SHOWN} | {
        "decline_code": decline.get("code") or "",
        "decline_source": (decline.get("source") or "").lower(),
        "card_scheme": card.scheme or "",
        "card_bin": card.bin or "",
    }


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
