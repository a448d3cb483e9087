"""What the sends that the gate refused would have cost: by the tariff row of each refusal's day, if a source has one.

One refusal avoids one send: of several of the same order and rule the first counts. A block, and a limit that no
network set, cost nothing; a row without a fee is not priced.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any, Final, NamedTuple

from recoup.rules.network.tables import LIMITS, LimitRow, valid_row

_OPEN: Final = (date.min, date.max)


class Refusals(NamedTuple):
    """Of one rule on one day; `orders`: whose first refusal by the rule it was."""

    acceptor_id: str
    scheme: str
    region: str
    rule_id: str
    on: date
    postponed: int
    refused: int
    orders: int


def fee_row(scheme: str, rule_id: str, on: date, region: str) -> LimitRow | None:
    """That prices a send beyond the rule on that day; None where nothing does."""
    row = valid_row([row for row in LIMITS if row.scheme == scheme and row.rule_id == rule_id], on, region)
    return row if row is not None and row.fee_units is not None else None


def avoided(refusals: Iterable[Refusals]) -> list[dict[str, Any]]:
    """A line for each tariff row: how many sends at which fee, and where it is written."""
    sends: dict[LimitRow, int] = defaultdict(int)
    for one in refusals:
        row = fee_row(one.scheme, one.rule_id, one.on, one.region)
        if row is not None:
            sends[row] += one.orders
    lines = [_line(row, number) for row, number in sends.items() if number]
    return sorted(lines, key=lambda line: (line["scheme"], line["rule"], line["region"], line["validFrom"] or ""))


def day_text(day: date) -> str | None:
    """None for an end that is open."""
    return None if day in _OPEN else day.isoformat()


def _line(row: LimitRow, number: int) -> dict[str, Any]:
    assert row.fee_units is not None
    return {
        "scheme": row.scheme,
        "rule": row.rule_id,
        "region": row.region,
        "sends": number,
        "fee": row.fee_units,
        "amount": number * row.fee_units,
        "currency": row.currency,
        "document": row.document,
        "sources": row.source,
        "confidence": row.confidence,
        "validFrom": day_text(row.valid_from),
        "validTo": day_text(row.valid_to),
    }
