"""`recoup import FILE`: past attempts out of a processor's export; see docs/prove-it.md."""

import json
import sys
import tempfile
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO, Final
from uuid import UUID

import click

from recoup.imports.flows import FILE_BYTES_MAX, ReadFile, finish, history, read_import
from recoup.imports.rules.answers import Answers
from recoup.imports.rules.attempt import SKIPPED, STATES
from recoup.imports.store.imports import Import
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.unseen import shown_by_number
from recoup.kit.files.moments import DATES
from recoup.merchants.cli import Opened, Run, in_world, merchant_option
from recoup.merchants.flows.cells import of_each
from recoup.merchants.flows.merchant_cache import no_such_merchant
from recoup.merchants.store.merchants import load_merchant, merchant_names

SHOWN_MAX: Final = 20
CHUNK: Final = 1 << 20
OTHERS_MAX: Final = 3  # merchants that are named where none was chosen
_ANSWERED_BY: Final = {
    "zone": "--zone Europe/Berlin",
    "order": "--dates dmy or --dates mdy",
    "decimal": "--decimal , or --decimal .",
    "units": "--amounts major or --amounts minor",
}


@click.command("import")
@click.argument("file", metavar="FILE|-|show")
@click.argument("import_id", required=False, metavar="[ID]")
@click.option("--dry-run", is_flag=True, help="Reads and reports; stores nothing.")
@click.option("--zone", default="", help="Time zone of dates without one, like Europe/Berlin.")
@click.option("--dates", type=click.Choice(["dmy", "mdy"]), help="How to read 03/04/2026.")
@click.option("--decimal", type=click.Choice([".", ","]), help="Decimal sign of amounts.")
@click.option(
    "--amounts", type=click.Choice(["major", "minor"]), help="Whole units, or the smallest unit."
)
@click.option("--profile", default="", help="Whose export it is, if its columns do not tell.")
@merchant_option
@click.option("--json", "as_json", is_flag=True, help="Output as one JSON object.")
@in_world
def import_file(
    run: Run,
    file: str,
    import_id: str | None,
    dry_run: bool,
    zone: str,
    dates: Any,
    decimal: Any,
    amounts: Any,
    profile: str,
    as_json: bool,
) -> None:
    """Imports past attempts from a file that a processor or billing system exported.

    The rescue engine learns from them. What the file does not say, such as its time zone, is asked;
    --dry-run asks and reports, and stores nothing. The same file again changes nothing. FILE may be
    - for standard input.

    `recoup import show ID` prints the attempts of an import as JSON lines.
    """
    if file == "show":
        run(lambda opened: _show(opened, import_id))
        return
    if import_id is not None:
        raise invalid("Only one file is imported at a time.", "file", "Import one after another.")
    answers = Answers(zone, DATES[dates or ""], decimal or "", amounts or "", profile)

    merchant = dict[str, str]()

    async def work(opened: Opened) -> tuple[ReadFile, Import | None]:
        scope = opened.scope("import", "cli")
        lines = await _merchant(opened, merchant)
        if not as_json:
            click.echo("\n".join(lines))
        with _opened(file) as content:
            with _bar("reading", _lines(content), as_json) as bar:
                read = await read_import(
                    opened.world,
                    scope,
                    "" if file == "-" else file,
                    content,
                    answers,
                    dry_run=dry_run,
                    tell=lambda line: bar.update(line - bar.pos),
                )
            if read.stored is None:
                return read, None
        with _bar("storing", read.stored.attempt_count, as_json) as bar:
            done = await finish(
                opened.world,
                (scope.merchant_id, read.stored.import_id),
                lambda count: bar.update(count - bar.pos),
            )
        return read, done

    read, done = run(work)
    shown = as_dict(read, done) | {"merchant": merchant}
    click.echo(json.dumps(shown) if as_json else "\n".join(as_text(read, done)))
    if read.questions and not dry_run:
        raise click.exceptions.Exit(1)


async def _merchant(opened: Opened, shown: dict[str, str]) -> list[str]:
    """Shows whose attempts the file becomes, also where it is refused: the portal may have opened
    another merchant."""
    known = await load_merchant(opened.world.db.reader, opened.merchant_id)
    if known is None:
        raise no_such_merchant()
    shown |= {
        "id": str(opened.merchant_id),
        "name": known.merchant.name,
        "world": opened.world.name,
    }
    lines = [
        f"merchant    {shown_by_number(known.merchant.name)} ({opened.merchant_id}), "
        f"{opened.world.name}"
    ]
    if opened.merchant is None:
        names = await of_each(
            opened.world, lambda cell: merchant_names(cell.db.reader, OTHERS_MAX + 1)
        )
        others = [name for name in names if name.merchant_id != opened.merchant_id]
        lines += [
            f"            for {shown_by_number(other.name)}: --merchant {other.merchant_id}"
            for other in others
        ]
    return lines


async def _show(opened: Opened, import_id: str | None) -> None:
    parsed_id = parse_id(import_id or "")
    if parsed_id is None:
        raise Problem(
            "not_found", "There is no such import.", cure="Check the id; recoup import prints it."
        )
    out = getattr(sys.stdout, "unguarded", None) or sys.stdout
    async for part in history(opened.world, opened.merchant_id, UUID(str(parsed_id))):
        out.write(part.decode())
    out.flush()


def _opened(file: str) -> BinaryIO:
    """Raises: Problem(invalid); Problem(too_large)."""
    if file != "-":
        try:
            return Path(file).open("rb")
        except OSError as error:
            raise invalid(
                f"{file!r} cannot be read: {error.strerror}.", "file", "Check its path."
            ) from None
    spooled = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    size = 0
    while chunk := sys.stdin.buffer.read(CHUNK):
        size += len(chunk)
        if size > FILE_BYTES_MAX:
            spooled.close()
            raise Problem(
                "too_large",
                Sentence("The file is larger than {0} MB.", FILE_BYTES_MAX >> 20),
                field="file",
            )
        spooled.write(chunk)
    return spooled


def _lines(content: BinaryIO) -> int:
    """Counts the lines as packed: for the bar only."""
    content.seek(0)
    count = 0
    while chunk := content.read(CHUNK):
        count += chunk.count(b"\n")
    return max(1, count)


def _bar(label: str, length: int, hidden: bool) -> AbstractContextManager[Any]:
    if length < 1:
        return nullcontext(_NoBar())
    return click.progressbar(
        length=length, label=label, hidden=hidden, file=getattr(sys.stdout, "unguarded", None)
    )


class _NoBar:
    pos = 0

    def update(self, steps: int) -> None:
        """Does nothing: there is nothing to show."""


def as_dict(read: ReadFile, done: Import | None) -> dict[str, Any]:
    return {
        "id": str(done.import_id) if done else None,
        "profile": read.profile,
        "questions": [
            {
                "field": question.name,
                "question": question.text,
                "choices": list(question.choices),
                "example": question.example,
            }
            for question in read.questions
        ],
        "rows": read.rows,
        "attempts": read.attempts,
        "bad": sum(read.report["bad"].values()) if read.report else 0,
        "before": read.before,
        "state": done.state if done else None,
        "new": done.new_count if done and not read.before else 0,
        "changed": done.changed_count if done and not read.before else 0,
        "counted": done.counted_count if done and not read.before else 0,
        "report": read.report,
        "notes": read.notes,
        "lines": [{"line": line.line, "code": line.code, "why": line.why} for line in read.lines],
    }


def as_text(read: ReadFile, done: Import | None) -> list[str]:
    text = [f"profile     {read.title} ({read.profile})"]
    for question in read.questions:
        example = f" For example: {shown_by_number(question.example)}." if question.example else ""
        text.append(
            f"question    {question.text}{example} Answer with {_ANSWERED_BY[question.name]}."
        )
    if read.questions:
        return [*text, "Nothing was imported."]
    report = read.report or {}
    text += [
        f"rows        {read.rows:,}, {read.attempts:,} of them attempts",
        "attempts    "
        + ", ".join(f"{report['states'][state]:,} {state.replace('_', ' ')}" for state in STATES),
        f"payments    {report['payments']:,}, {report['declined']:,} of them declined at "
        f"first{_rescued(report)}",
        f"period      {(report['first'] or '–')[:10]} to {(report['last'] or '–')[:10]}",
    ]
    text += [
        f"left out    {count:,} {SKIPPED[reason]}" for reason, count in report["skipped"].items()
    ]
    text += [f"note        {shown_by_number(str(note))}" for note in read.notes]
    text += [f"line {line.line:<7}{shown_by_number(line.why)}" for line in read.lines[:SHOWN_MAX]]
    bad = sum(report["bad"].values())
    if bad:
        text.append(f"bad lines   {bad:,}; nothing was taken from them")
    return [*text, *_result(read, done)]


def _rescued(report: dict[str, Any]) -> str:
    return (
        ""
        if report["rescued"] is None
        else f", {report['rescued']:,} of these paid by a later attempt"
    )


def _result(read: ReadFile, done: Import | None) -> list[str]:
    if done is None:
        return ["This was a dry run; nothing was imported."]
    if read.before:
        return [f"This file was imported before: 0 new, 0 changed.\nid {done.import_id}"]
    if done.state == "stopped":
        return [f"The import was stopped after {done.done_count:,} attempts.\nid {done.import_id}"]
    counted = (
        f" {done.counted_count:,} count as sends of cards that Recoup holds."
        if done.counted_count
        else ""
    )
    return [
        f"Imported: {done.new_count:,} new, {done.changed_count:,} changed.{counted}\nid "
        f"{done.import_id}"
    ]
