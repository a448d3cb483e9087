"""Each payment of a back-test with what the policy would have planned and why: CSV, or JSON lines."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from recoup.kernel.time import iso
from recoup.rules.backtest.recorded import JudgedOrder
from recoup.rules.money.cells import csv_row

COLUMNS: Final = (
    "order", "payer", "declinedAt", "amount", "currency", "class", "issuer", "country", "rescuedThen", "sendsThen",
    "verdict", "plan", "chance", "why",
)  # fmt: skip


def write_payments(file: Path, orders: Iterable[JudgedOrder]) -> None:
    """Amounts in minor units. In a CSV, text that a spreadsheet would run as a formula has an apostrophe first."""
    with file.open("w", encoding="utf-8", newline="") as out:
        if file.suffix in (".jsonl", ".json", ".ndjson"):
            out.writelines(json.dumps(one, ensure_ascii=False) + "\n" for one in _rows(orders))
            return
        out.write(csv_row(COLUMNS))
        out.writelines(csv_row(_cell(row[name]) for name in COLUMNS) for row in _rows(orders))


def _rows(orders: Iterable[JudgedOrder]) -> Iterator[dict[str, Any]]:
    for one in orders:
        facts, planned = one.facts, one.planned
        yield {
            "order": facts.order,
            "payer": facts.payer,
            "declinedAt": iso(facts.declined_at),
            "amount": facts.units,
            "currency": facts.asset,
            "class": facts.klass,
            "issuer": facts.issuer,
            "country": facts.country,
            "rescuedThen": one.rescued,
            "sendsThen": int(one.sends),
            "verdict": planned.verdict if planned else None,
            "plan": [iso(at) for at in planned.plan] if planned else [],
            "chance": planned.chance if planned else None,
            "why": list(map(str, planned.reasons)) if planned else [],
        }


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(value)
    return str(value).lower() if isinstance(value, bool) else value
