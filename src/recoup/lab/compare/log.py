"""Decisions as JSON lines: what was asked, which answers were open, what was sent when, and what came of it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from recoup.lab.compare.seam import Candidate, Choice, Known, SendAt
from recoup.lab.world.port import WorldCharge

Log = Callable[[Mapping[str, Any]], None]


def send_row(name: str, known: Known, choice: SendAt, charge: WorldCharge, answer: str) -> dict[str, Any]:
    return _row(name, known, choice) | {
        "at": _text(charge.sent_at),
        "propensity": choice.propensity,
        "answer": answer,
    }


def stop_row(name: str, known: Known, choice: Choice, why: str) -> dict[str, Any]:
    return _row(name, known, choice) | {"at": None, "propensity": None, "answer": None, "stopped": why}


def _row(name: str, known: Known, choice: Choice) -> dict[str, Any]:
    return {
        "order": known.order.order_id,
        "arm": name,
        "decision": known.decision,
        "asked": _text(known.earliest),
        "candidates": [_candidate(one) for one in choice.candidates],
    }


def _candidate(one: Candidate) -> dict[str, Any]:
    return one._asdict() | {"at": _text(one.at) if one.at else None}


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
