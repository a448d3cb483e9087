"""Each payment of a back-test with what the policy would have planned and why: CSV, or JSON lines."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from recoup.flows.insight.backtest_plain import payment_rows
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
            out.writelines(json.dumps(one, ensure_ascii=False) + "\n" for one in payment_rows(orders))
            return
        out.write(csv_row(COLUMNS))
        out.writelines(csv_row(_cell(row[name]) for name in COLUMNS) for row in payment_rows(orders))


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(value)
    return str(value).lower() if isinstance(value, bool) else value
