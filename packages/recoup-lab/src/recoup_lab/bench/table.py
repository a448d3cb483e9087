"""The figures for people."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from recoup_lab.bench.figure import Figure


def show(figures: Sequence[Figure], console: Console) -> None:
    """Prints one line a benchmark, followed by what it alone found; below, where calls wait."""
    waiting = []
    table = Table(
        title="ratio: Recoup's rate over pgbench's, with the same statements on the same server, "
        "in one run"
    )
    for column in ("name", "per second", "p50 ms", "p99 ms", "ratio", "other figures"):
        table.add_column(column, justify="left" if column in ("name", "other figures") else "right")
    for figure in figures:
        row = figure.row()
        plain = [row.pop(name) for name in ("name", "per_second", "p50_ms", "p99_ms", "ratio")]
        for name in [name for name in row if name.endswith("waits_ms")]:
            parts = ", ".join(f"{part} {ms}" for part, ms in row.pop(name).items())
            waiting.append(f"{figure.name} {name}: {parts}")
        besides = ", ".join(f"{name} {value}" for name, value in row.items())
        table.add_row(
            *(
                "" if value is None else f"{value:,}" if value != plain[0] else value
                for value in plain
            ),
            besides,
        )
    console.print(table)
    for line in waiting:
        console.print(line)
