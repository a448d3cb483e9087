"""`recoup reconcile FILE`: a statement against the ledger, and what somebody confirms of it."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from json import dumps
from os import SEEK_END
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import click

from recoup.bank.rules.matching import KINDS, OUTCOMES
from recoup.bank.rules.reading import Reading, mapping_file
from recoup.kernel.money import decimals_of, to_text
from recoup.kernel.problem import invalid
from recoup.kernel.texts import is_digits
from recoup.kernel.time import iso
from recoup.kernel.unseen import shown_by_number
from recoup.kit.cli.command import picked, plain
from recoup.kit.cli.parameters import SHOWN, InFile, Option
from recoup.kit.report_spans import days, days_of
from recoup.merchants.cli import Opened, RunAtMerchant, verb
from recoup.reconciliation.flows.book_differences import Booked, book_lines
from recoup.reconciliation.flows.reconcile import File, Ran, reconcile
from recoup.reconciliation.store.reconciliation import RunLine, bookings, refused_lines, run_lines

SHOWN_MAX: Final = 20
_DIFFER: Final = [outcome for outcome in OUTCOMES if outcome not in ("matched", "refused")]


@dataclass(frozen=True, slots=True)
class Options:
    """How the statement is read, and what of it is booked."""

    kind: Annotated[str, click.Choice(list(KINDS)), SHOWN, "Source of the statement."] = "processor"
    map: Annotated[tuple[str, ...], Option("Column name in the file.", metavar="COLUMN=NAME")] = ()
    mapping: Annotated[InFile | None, "Mapping, as TOML."] = None
    period: Annotated[
        str | None, Option("Days (inclusive). Default: the days in the file.", metavar="FROM..TO")
    ] = None
    zone: Annotated[
        str | None, "Time zone of days, and of times without an offset. Default: UTC."
    ] = None
    currency: Annotated[tuple[str, ...], "Like USD,EUR, or every. Default: the first line's."] = ()
    delimiter: Annotated[str | None, "Field delimiter. Default: detected."] = None
    decimal: Annotated[Literal[".", ","] | None, "Decimal sign. Default: detected."] = None
    dates: Annotated[Literal["dmy", "mdy"] | None, "How to read 03/04/2026. Default: detected."] = (
        None
    )
    amounts: Annotated[
        Literal["major", "minor"] | None,
        "Whole units, or the smallest unit. Default: by the report.",
    ] = None
    date_format: Annotated[str | None, "Like %d.%m.%Y. Default: detected."] = None
    encoding: Annotated[str | None, "Default: UTF-8, or UTF-16 where the file shows it."] = None
    book: Annotated[
        str | None,
        Option("Book suggestions: all, or line numbers like 3,17. Needs --note.", metavar="LINES"),
    ] = None
    note: Annotated[str, "Reason for booking."] = ""
    again: Annotated[bool, "Compare a known file again, with the current ledger."] = False


@verb(name="reconcile")
def reconcile_file(
    file: InFile,
    *,
    options: Options,
    run: RunAtMerchant,
    as_json: Annotated[bool, Option("", "--json")] = False,
) -> list[str]:
    """Compares a statement with the ledger: CSV, XLSX, ODS, camt.053, camt.054, MT940 or BAI2.
    Books nothing without --book."""
    reading, numbers = _reading(options), _numbers(options.book)
    if numbers != [] and not options.note.strip():
        raise invalid(
            "--book needs --note with the reason.", "note", "Add --note 'asked them on Monday'."
        )
    comparison = run(lambda opened: _work(opened, file, reading, numbers, options, hidden=as_json))
    return [dumps(comparison, default=plain)] if as_json else _text(comparison)


async def _work(
    opened: Opened,
    file: Path,
    reading: Reading,
    numbers: list[int] | None,
    options: Options,
    *,
    hidden: bool,
) -> dict[str, Any]:
    """`hidden`: no progress is shown, and all lines are listed."""
    scope = opened.scope("reconcile", "cli")
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
                again=options.again,
                tell=bar.update,
            )
    booked = Booked(0, 0)
    if numbers != []:
        booked = await book_lines(opened.world, scope, ran.run.run_id, numbers, options.note)
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
        "id": run.run_id,
        "file": run.file_name,
        "kind": run.kind,
        "from": run.period_from,
        "to": run.period_to,
        "zone": zone,
        "days": days_of(period, zone),
        "lines": run.lines,
        "before": ran.before,
        "comparedAt": run.created_at,
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
        **picked(row, "outcome", "reason"),
        "text": row.finding,
        "type": row.type,
        "ourId": row.our_id,
        "reference": row.reference,
        "currency": row.asset,
        "theirs": amount(row.units),
        "ours": amount(row.our_units),
        "date": row.dated,
        "orderId": row.order_id,
        "externalOrderId": row.external_id,
        "suggestion": {"recipe": row.recipe, "entries": row.entries} if row.recipe else None,
        "booked": row.booked,
    }


def _text(comparison: dict[str, Any]) -> list[str]:
    first, last = comparison["days"]
    lines = [
        f"{comparison['file']}: {comparison['lines']:,} lines, {first} to {last} "
        f"({comparison['zone']})"
    ]
    if comparison["before"]:
        lines.append(
            f"This file was compared like this at {iso(comparison['comparedAt'])}; nothing was "
            f"changed. "
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
            f"{at:>12}  {row['outcome']:14} {amounts} "
            f"{row['currency'] or ''}{mark}\n{'':14}{row['text']}"
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
            f"Booked: {comparison['booked']:,} now, {comparison['bookedBefore']:,} earlier from "
            f"other files."
        )
    if comparison["toBook"]:
        lines.append(
            f"{comparison['toBook']:,} suggestions to book: --book all, or --book with line "
            f"numbers, and --note."
        )
    return [*lines, f"id {comparison['id']}"]


def _reading(options: Options) -> Reading:
    mapping = options.mapping
    values: dict[str, Any] = mapping_file(mapping.read_text("utf-8", "replace")) if mapping else {}
    columns = dict(values.pop("columns", {}))
    for pair in options.map:
        ours, equals, theirs = pair.partition("=")
        if not equals or not ours.strip():
            raise invalid(f"{pair!r} is no mapping.", "map", "Write --map 'amount=Gross amount'.")
        columns[ours.strip()] = theirs
    for name in ("zone", "delimiter", "decimal", "date_format", "dates", "encoding", "amounts"):
        if typed := getattr(options, name):
            values[name] = typed.replace("\\t", "\t")
    currencies = tuple(
        c for given in options.currency for c in given.upper().replace(",", " ").split()
    )
    first, dots, last = (options.period or "").partition("..")
    if options.period and not dots:
        raise invalid("A period needs two days.", "period", "Write it 2026-11-01..2026-11-30.")
    period = days(first, last, values.get("zone", "UTC")) if dots else None
    return Reading(
        kind=options.kind, columns=columns, currencies=currencies, period=period, **values
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
