"""Decisions as JSON lines: what was asked, which answers were open, what was sent when, and what
came of it.

A decision of the product's own deciders also has what the product would store of it, so that
`recoup backtest` reads the log as it reads the database: docs/prove-it.md.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from recoup.engine.model import Model
from recoup.kernel.encode import to_plain
from recoup.networks.codes import Reading
from recoup.policies.rules.policy import Pricing, group_of
from recoup.rescue.rules.arms import DecisionRecord
from recoup_lab.compare.readings import read
from recoup_lab.compare.seam import Choice, Known, SendAt
from recoup_lab.world.port import WorldCharge, WorldOrder

_ISSUER_DIGITS = 9
Log = Callable[[Mapping[str, Any]], None]


def model_row(name: str, model: Model, pricing: Pricing) -> dict[str, Any]:
    """Row of the model and prices an arm decides by: decisions name it."""
    return {
        "arm": name,
        "answer": None,
        "model": model.name,
        "content": model.to_json().decode(),
        "pricing": to_plain(pricing),
    }


def send_row(
    name: str, known: Known, choice: SendAt, charge: WorldCharge, answer: str
) -> dict[str, Any]:
    return _row(name, known, choice) | {
        "at": _text(charge.sent_at),
        "propensity": choice.propensity,
        "answer": answer,
    }


def stop_row(name: str, known: Known, choice: Choice, why: str) -> dict[str, Any]:
    return _row(name, known, choice) | {
        "at": None,
        "propensity": None,
        "answer": None,
        "stopped": why,
    }


def closed_row(name: str, order: WorldOrder) -> dict[str, Any]:
    """Row of an order about which no arm is asked: its card was closed before."""
    reading = read(
        order.card.scheme, order.scheme_code, order.advice_code, order.declined_at.date()
    )
    about = {
        "arm": name,
        "decision": 0,
        "at": None,
        "propensity": None,
        "answer": None,
        "stopped": "card_closed",
    }
    return about | _order(order, reading)


def _order(order: WorldOrder, declined: Reading) -> dict[str, Any]:
    return {
        "order": order.order_id,
        "payer": order.customer_id,
        "declinedAt": _text(order.declined_at),
        "expiresAt": _text(order.expires_at),
        "amount": order.amount,
        "currency": order.currency,
        "country": order.country,
        "issuer": order.card.number[:_ISSUER_DIGITS],
        "class": group_of(declined) or declined.klass,
    }


def _row(name: str, known: Known, choice: Choice) -> dict[str, Any]:
    row = {
        "arm": name,
        "decision": known.decision,
        "asked": _text(known.earliest),
        "candidates": [
            candidate._asdict() | {"at": _text(candidate.at) if candidate.at else None}
            for candidate in choice.candidates
        ],
        **_order(known.order, known.declines[0]),
    }
    return row | {"stored": _stored(choice.record)} if choice.record is not None else row


def _stored(record: DecisionRecord) -> dict[str, Any]:
    """The decision in the form of `decisions` and the orders' arms in the database."""
    decision = record.decision.to_dict()
    kept = ("verdict", "plan", "reasons", "rules", "alternatives", "versions", "taken")
    return {name: decision[name] for name in kept} | {
        "features": record.evidence.features(),
        "arm": record.arm,
    }


def without_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """The decided part of a row alone, for a play at a level that the product never decides at."""
    return {name: value for name, value in row.items() if name != "stored"}


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
