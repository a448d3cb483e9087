"""Past payments of a simulated world as a file that `recoup import` takes: the world's own records,
or what a schedule sent of its declined payments."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import msgspec

from recoup.imports.rules.answers import Answers
from recoup.imports.rules.attempt import Attempt as Imported
from recoup.imports.rules.file import look_over
from recoup.kit.files.source import source_of
from recoup_lab.compare.seam import Arm, Attempt, Choice, Known
from recoup_lab.world.port import HistoryRow, WorldOrder

READ_AT = datetime(2035, 1, 1, tzinfo=UTC)
Row = Mapping[str, Any]


class Noted:
    """An arm, and what the merchant has on file of its orders: each decline, and each send with its
    answer."""

    def __init__(self, arm: Arm, orders: Iterable[WorldOrder]) -> None:
        self.arm = arm
        self.rows = [_declined(one) for one in orders]

    def decide(self, known: Known) -> Choice:
        return self.arm.decide(known)

    def hear(self, known: Known, attempt: Attempt) -> None:
        reading = attempt.reading
        told = {
            "attempt": len(known.attempts) + 2,
            "at": attempt.at.isoformat(),
            "state": attempt.state,
            "schemeCode": reading.code if reading is not None else None,
            "adviceCode": reading.advice if reading is not None else None,
        }
        card = {"card": msgspec.to_builtins(known.card)}
        self.rows.append(_declined(known.order) | card | told)
        self.arm.hear(known, attempt)


def _declined(order: WorldOrder) -> Row:
    plain = msgspec.to_builtins(order)
    del plain["expiresAt"]
    return plain | {"attempt": 1, "at": plain.pop("declinedAt"), "state": "declined"}


def scheduled(history: Iterable[HistoryRow]) -> list[Row]:
    """Of the world's own records the payments whose tries all followed a schedule."""
    rows = list(history)
    drawn = {row.order_id for row in rows if row.propensity is not None}
    return [msgspec.to_builtins(row) for row in rows if row.order_id not in drawn]


def imported(rows: Iterable[Row]) -> list[Imported]:
    """As the import reads them."""
    lines = (json.dumps(dict(row) | {"ref": f"{row['orderId']}#{row['attempt']}"}) for row in rows)
    looked = look_over(source_of(BytesIO("\n".join(lines).encode())), Answers("", "", "", ""))
    assert not looked.questions
    found = list(looked.read(READ_AT, world=True))
    assert all(isinstance(one, Imported) for one in found), found[:3]
    return found
