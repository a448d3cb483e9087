"""`recoup reconcile FILE`: a statement against the ledger, and what somebody confirms of it."""

import sys
from collections.abc import Callable, Sequence
from os import SEEK_END
from pathlib import Path
from typing import Any, Final

import click

from recoup.bank.rules.matching import KINDS, OUTCOMES
from recoup.bank.rules.reading import Reading, mapping_file
from recoup.kernel.money import decimals_of, to_text
from recoup.kernel.problem import invalid
from recoup.kernel.scope import Scope
from recoup.kernel.texts import is_digits
from recoup.kernel.time import iso
from recoup.kernel.unseen import shown_by_number
from recoup.kit.report_spans import days, days_of
from recoup.merchants.cli import Opened, Run, in_world, json_option, merchant_option, show
from recoup.reconciliation.flows.book_differences import Booked, book_lines
from recoup.reconciliation.flows.reconcile import File, Ran, reconcile
from recoup.reconciliation.store.reconciliation import RunLine, bookings, refused_lines, run_lines

SHOWN_MAX: Final = 20
_DIFFER: Final = [outcome for outcome in OUTCOMES if outcome not in ("matched", "refused")]
_OPTIONS: Final = (
    click.option("--kind", type=click.Choice(list(KINDS)), default="processor", show_default=True,
                 help="Source of the statement."),
    click.option("--map", "maps", multiple=True, metavar="COLUMN=NAME", help="Column name in the file."),
    click.option("--mapping", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Mapping, as TOML."),
    click.option("--period", metavar="FROM..TO", help="Days (inclusive). Default: the days in the file."),
    click.option("--zone", help="Time zone of days, and of times without an offset. Default: UTC."),
    click.option("--currency", "currencies", multiple=True, help="Like USD,EUR, or every. Default: the first line's."),
    click.option("--delimiter", help="Field delimiter. Default: detected."),
    click.option("--decimal", type=click.Choice([".", ","]), help="Decimal sign. Default: detected."),
    click.option("--dates", type=click.Choice(["dmy", "mdy"]), help="How to read 03/04/2026. Default: detected."),
    click.option("--amounts", type=click.Choice(["major", "minor"]),
                 help="Whole units, or the smallest unit. Default: by the report."),
    click.option("--date-format", help="Like %d.%m.%Y. Default: detected."),
    click.option("--encoding", help="Default: UTF-8, or UTF-16 where the file shows it."),
    click.option("--book", metavar="LINES", help="Book suggestions: all, or line numbers like 3,17. Needs --note."),
    click.option("--note", default="", help="Reason for booking."),
    click.option("--again", is_flag=True, help="Compare a known file again, with the current ledger."),
    merchant_option,
    json_option,
)  # fmt: skip


def _options(verb: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        verb = option(verb)
    return verb


@click.command("reconcile")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_options
@in_world
def reconcile_file(run: Run, file: Path, **options: Any) -> None:
    """Compares a statement with the ledger: CSV, XLSX, ODS, camt.053, camt.054, MT940 or BAI2. Books nothing without
    --book."""
    reading, numbers = _reading(options), _numbers(options["book"])
    if numbers != [] and not options["note"].strip():
        raise invalid(
            "--book needs --note with the reason.", "note", "Add --note 'asked them on Monday'."
        )

    comparison = run(
        lambda opened: _work(
            opened, opened.scope("reconcile", "cli"), file, reading, numbers, options
        )
    )
    show(comparison, _text(comparison), as_json=options["as_json"])


async def _work(
    opened: Opened,
    scope: Scope,
    file: Path,
    reading: Reading,
    numbers: list[int] | None,
    options: dict[str, Any],
) -> dict[str, Any]:
    hidden = options["as_json"]
    with file.open("rb") as content:
        with click.progressbar(
            length=content.seek(0, SEEK_END),
            label=shown_by_number(file.name),
            hidden=hidden,
            file=getattr(sys.stdout, "unguarded", None),
        ) as bar:
            ran = await reconcile(
                opened.world,
                scope,
                File(file.name, content),
                reading,
                again=options["again"],
                tell=bar.update,
            )
    booked = Booked(0, 0)
    if numbers != []:
        booked = await book_lines(opened.world, scope, ran.run.run_id, numbers, options["note"])
    async with opened.world.db.read() as connection:
        key = (scope.merchant_id, ran.run.run_id)
        open_ = await bookings(connection, *key)
        limit = 1_000_000 if hidden else SHOWN_MAX
        rows = list(await run_lines(connection, *key, outcomes=_DIFFER, limit=limit))
        if hidden and len(rows) < limit:
            rows += await run_lines(connection, *key, outcomes=["refused"], limit=limit - len(rows))
        refused = await refused_lines(connection, *key)
    return _shown(ran, booked, open_.to_book, rows) | {
        "refused": [
            {"reason": group.reason, "lines": group.lines, "first": group.finding}
            for group in refused
        ]
    }


def _shown(ran: Ran, booked: Booked, to_book: int, rows: Sequence[RunLine]) -> dict[str, Any]:
    run = ran.run
    period, zone = (run.period_from, run.period_to), run.reading["zone"]
    return {
        "id": str(run.run_id),
        "file": run.file_name,
        "kind": run.kind,
        "from": iso(run.period_from),
        "to": iso(run.period_to),
        "zone": zone,
        "days": [day.isoformat() for day in days_of(period, zone)],
        "lines": run.lines,
        "before": ran.before,
        "comparedAt": iso(run.created_at),
        "outcomes": {name: run.counts.get(name, 0) for name in OUTCOMES},
        "notes": run.notes,
        "booked": booked.now,
        "bookedBefore": booked.before,
        "toBook": to_book,
        "differences": [_line(row) for row in rows],
    }


def _line(row: RunLine) -> dict[str, Any]:
    def amount(units: int | None) -> str | None:
        return to_text(units, decimals_of(row.asset)) if units is not None and row.asset else None

    return {
        "row": row.row_no,
        "line": row.line_no,
        "outcome": row.outcome,
        "reason": row.reason,
        "text": row.finding,
        "type": row.type,
        "ourId": str(row.our_id) if row.our_id else None,
        "reference": row.reference,
        "currency": row.asset,
        "theirs": amount(row.units),
        "ours": amount(row.our_units),
        "date": iso(row.dated) if row.dated else None,
        "orderId": str(row.order_id) if row.order_id else None,
        "externalOrderId": row.external_id,
        "suggestion": {"recipe": row.recipe, "entries": row.entries} if row.recipe else None,
        "booked": row.booked,
    }


def _text(comparison: dict[str, Any]) -> list[str]:
    first, last = comparison["days"]
    lines = [
        f"{comparison['file']}: {comparison['lines']:,} lines, {first} to {last} ({comparison['zone']})"
    ]
    if comparison["before"]:
        lines.append(
            f"This file was compared like this at {comparison['comparedAt']}; nothing was changed. "
            "--again compares it anew."
        )
    lines += comparison["notes"]
    lines += [
        f"  {name.replace('_', ' '):15} {count:>10,}"
        for name, count in comparison["outcomes"].items()
    ]
    for row in comparison["differences"][:SHOWN_MAX]:
        at = f"line {row['line']}" if row["line"] else f"row {row['row']}"
        amounts = " / ".join(f"{who} {row[who]}" for who in ("theirs", "ours") if row[who]) or "-"
        mark = (
            " [booked]"
            if row["booked"]
            else f" [{row['suggestion']['recipe']}]"
            if row["suggestion"]
            else ""
        )
        lines.append(
            f"{at:>12}  {row['outcome']:14} {amounts} {row['currency'] or ''}{mark}\n{'':14}{row['text']}"
        )
    left = sum(comparison["outcomes"][name] for name in _DIFFER) - len(comparison["differences"])
    if left > 0:
        lines.append(f"  … and {left:,} more; see the portal's page Reconciliation, or --json")
    for group in comparison["refused"]:
        cure = " (--currency every)" if group["reason"] == "mixed_currencies" else ""
        lines.append(
            f"Not taken, {group['lines']:,} {group['reason'].replace('_', ' ')}"
            f"{', the first' if group['lines'] > 1 else ''}: {group['first']}{cure}"
        )
    if comparison["booked"] or comparison["bookedBefore"]:
        lines.append(
            f"Booked: {comparison['booked']:,} now, {comparison['bookedBefore']:,} earlier from other files."
        )
    if comparison["toBook"]:
        lines.append(
            f"{comparison['toBook']:,} suggestions to book: --book all, or --book with line numbers, and --note."
        )
    return [*lines, f"id {comparison['id']}"]


def _reading(options: dict[str, Any]) -> Reading:
    mapping = options["mapping"]
    values: dict[str, Any] = mapping_file(mapping.read_text("utf-8", "replace")) if mapping else {}
    columns = dict(values.pop("columns", {}))
    for pair in options["maps"]:
        ours, found, theirs = pair.partition("=")
        if not found or not ours.strip():
            raise invalid(f"{pair!r} is no mapping.", "map", "Write --map 'amount=Gross amount'.")
        columns[ours.strip()] = theirs
    for name in ("zone", "delimiter", "decimal", "date_format", "dates", "encoding", "amounts"):
        if options[name]:
            values[name] = options[name].replace("\\t", "\t")
    currencies = tuple(
        c for given in options["currencies"] for c in given.upper().replace(",", " ").split()
    )
    first, dots, last = (options["period"] or "").partition("..")
    if options["period"] and not dots:
        raise invalid("A period needs two days.", "period", "Write it 2026-11-01..2026-11-30.")
    period = days(first, last, values.get("zone", "UTC")) if dots else None
    return Reading(
        kind=options["kind"], columns=columns, currencies=currencies, period=period, **values
    )


def _numbers(text: str | None) -> list[int] | None:
    """Row numbers of the option's text. None: all; empty: none."""
    if text is None:
        return []
    if text == "all":
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(is_digits(part, 1, 8) for part in parts):
        raise invalid(
            f"--book accepts all, or line numbers, not {text[:40]!r}.",
            "book",
            "Write --book all, or --book 3,17.",
        )
    return [int(part) for part in parts]
