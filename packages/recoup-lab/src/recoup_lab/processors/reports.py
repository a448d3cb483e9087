"""The reports that vendors tell merchants to download, as their stand-ins give them. The layouts
are data."""

import csv
import io
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

Plain = dict[str, Any]
LAYOUTS: Final[Mapping[str, Mapping[str, Plain]]] = tomllib.loads(
    Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
)


def report(vendor: str, name: str, rows: Iterable[Plain]) -> str:
    """The rows whose `kind` the report has. Raises: KeyError for a report that there is not."""
    layout, out = LAYOUTS[vendor][name], io.StringIO()
    columns: dict[str, str] = layout["columns"]
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        if row["kind"] in layout["kinds"]:
            facts = defaultdict[str, Any](
                str, {name: value for name, value in row.items() if value is not None}
            )
            writer.writerow([template.format_map(facts) for template in columns.values()])
    return out.getvalue()


def money(gross: Decimal, fee: Decimal, currency: str) -> Plain:
    """The amounts of a row."""
    found: Plain = {"currency": currency}
    for name, value in (("gross", gross), ("fee", fee), ("net", gross - fee)):
        text, size = f"{value:f}", f"{abs(value):f}"
        found |= {name: text, f"{name}_size": size}
        found |= {
            f"{name}_debit": size if value < 0 else "",
            f"{name}_credit": text if value > 0 else "",
        }
    return found
