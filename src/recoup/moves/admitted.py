"""An order as the same transaction has just admitted it: nothing of it is read back."""

from collections.abc import Mapping
from typing import Any

import msgspec

_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder().decode
_AS_GIVEN = ("merchant_id", "order_id", "stage", "door", "kind", "external_id", "generation", "site_id", "campaign_id",
             "descriptor", "asset", "units", "amount_text", "token_id", "transaction_id", "placed_at", "expires_at",
             "order_type", "source", "status")  # fmt: skip
_SHOWN = ("merchant_id", "order_id", "placed_at", "order_type", "source", "door", "site_id", "asset", "units",
          "expires_at", "descriptor", "campaign_id")  # fmt: skip


def admitted_row(given: Mapping[str, Any], card: Mapping[str, Any]) -> dict[str, Any]:
    """What a locked row of it would be. `given`: the row of the admission; `card`: what the admission found of it."""
    return {name: given[name] for name in _AS_GIVEN} | {
        "version": 1,
        "card_id": card["card_id"],
        "pan_id": card["pan_id"],
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


def head_of(given: Mapping[str, Any], card: Mapping[str, Any]) -> dict[str, Any]:
    """What lists show of it for good; the rest is said when the transaction ends."""
    decline = given["facts"].get("decline") or {}
    return {name: given[name] for name in _SHOWN} | {
        "decline_code": decline.get("code") or "",
        "decline_source": (decline.get("source") or "").lower(),
        "card_scheme": card["scheme"] or "",
        "card_bin": card["bin"] or "",
    }
