"""`recoup backtest [FILE]`: what another policy would have rescued of payments of the past; see
docs/prove-it.md."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import click

from recoup.backtest.cli.backtest_summary import figures_of
from recoup.backtest.cli.backtest_summary import text_of as history_text
from recoup.backtest.cli.backtest_words import text_of
from recoup.backtest.flows.backtest import ENGINE, backtest_policy, target_named
from recoup.backtest.flows.backtest_file import HistoryReport
from recoup.backtest.flows.backtest_file import backtest_history as backtest_of_history
from recoup.backtest.flows.backtest_payments import COLUMNS as KEPT_COLUMNS
from recoup.backtest.flows.backtest_plain import history_plain, judgement_plain, payment_rows
from recoup.backtest.flows.kept import LISTED, read_backtest
from recoup.backtest.rules.log_file import LINE_BYTES_MAX, LogRead, is_log, read_log
from recoup.backtest.rules.question import (
    DAYS,
    DAYS_MAX,
    name_of_payments,
    name_of_policy,
    question_of,
)
from recoup.backtest.rules.recorded import JudgedOrder
from recoup.backtest.rules.replay import ScheduleTarget, Target
from recoup.backtest.rules.report import Judgement, judge
from recoup.backtest.store import BacktestRow, list_backtests
from recoup.imports.rules.answers import Answers
from recoup.imports.rules.attempt import Attempt, BadLine
from recoup.imports.rules.file import look_over
from recoup.imports.rules.reader import Outcome
from recoup.imports.store.imports import import_names
from recoup.kernel.ids import parse_id
from recoup.kernel.kept_sentence import kept
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.spread import cores
from recoup.kernel.time import Clocks, iso
from recoup.kernel.unseen import shown_by_number
from recoup.kit.files.cells import csv_row
from recoup.kit.files.moments import DATES
from recoup.kit.files.source import source_of
from recoup.merchants.cli import Opened, Run, merchant_option, of_orders
from recoup.policies.rules.file import BYTES_MAX, line_number, parsed
from recoup.policies.rules.in_force import InForce, Part
from recoup.policies.rules.policy import ENGINE_2, POLICIES
from recoup.policies.rules.read import read_policy

VERBS = ("list", "show")


def run_kept(run: Run, verb: str, backtest_id: str | None, *, as_json: bool) -> None:
    """Exits with 1 where the one that is shown has failed. Raises: Problem(not_found);
    Problem(invalid)."""
    if verb == "show":
        row, files = run(lambda opened: _one(opened, backtest_id))
        click.echo(
            json.dumps(_plain(row) | {"report": row.report})
            if as_json
            else "\n".join(_text(row, files))
        )
        if row.failed is not None:
            raise click.exceptions.Exit(1)
        return
    if backtest_id is not None:
        raise invalid("The list takes no id.", "id", "Use recoup backtest show ID.")
    rows, files = run(_newest)
    if as_json:
        click.echo(json.dumps({"data": [_plain(row) for row in rows]}))
    else:
        click.echo("\n".join(_line(row, files) for row in rows) or "No back-test is kept.")


Files = Mapping[UUID, str]  # name by the import's id


async def _one(opened: Opened, backtest_id: str | None) -> tuple[BacktestRow, Files]:
    parsed_id = parse_id(backtest_id or "")
    if parsed_id is None:
        raise Problem(
            "not_found",
            "There is no such back-test.",
            cure="Use an id that recoup backtest list shows.",
        )
    row = await read_backtest(opened.world, opened.merchant_id, parsed_id)
    return row, await _files(opened, [row])


async def _newest(opened: Opened) -> tuple[list[BacktestRow], Files]:
    rows = await list_backtests(opened.world.db.reader, opened.merchant_id, None, LISTED)
    return rows, await _files(opened, rows)


async def _files(opened: Opened, rows: Iterable[BacktestRow]) -> Files:
    ids = [
        import_id for row in rows if (import_id := question_of(row.question).import_id) is not None
    ]
    named = await import_names(opened.world.db.reader, opened.merchant_id, ids)
    return {file.import_id: file.file_name for file in named}


def _plain(row: BacktestRow) -> dict[str, Any]:
    return {
        "id": str(row.backtest_id),
        "requestedAt": iso(row.requested_at),
        "requestedBy": row.requested_by,
        "question": row.question,
        "savedAs": row.saved_as,
        "madeAt": iso(row.made_at) if row.made_at is not None else None,
        "failed": str(kept(row.failed)) if row.failed is not None else None,
        "payments": row.payment_count,
    }


def _line(row: BacktestRow, files: Files) -> str:
    at = f"{row.requested_at:%Y-%m-%d %H:%M} GMT"
    return f"{row.backtest_id}  {at}  {_state(row):<12}  {_name(row, files)}"


def _text(row: BacktestRow, files: Files) -> list[str]:
    saved = f"; saved as version {row.saved_as}" if row.saved_as is not None else ""
    text = [
        f"back-test   {_name(row, files)}",
        f"asked       {row.requested_at:%Y-%m-%d %H:%M} GMT by "
        f"{shown_by_number(row.requested_by)}{saved}",
    ]
    if row.failed is not None:
        return [*text, f"failed      {shown_by_number(str(kept(row.failed)))}"]
    if row.report is None:
        return [*text, "figures     are being made"]
    return [*text, *figures_of(row.report)]


def _name(row: BacktestRow, files: Files) -> str:
    question = question_of(row.question)
    file = files.get(question.import_id, "") if question.import_id is not None else ""
    of_file = f" of {shown_by_number(file)}" if file else ""
    return f"{name_of_payments(question)}{of_file}: {name_of_policy(question)}"


def _state(row: BacktestRow) -> str:
    if row.made_at is None:
        return "being made"
    if row.report is None:
        return "failed"
    return "not enough" if row.report["missing"] else "made"


COLUMNS: Final = ("order", "payer", *KEPT_COLUMNS[1:])


def write_payments(file: Path, orders: Iterable[JudgedOrder]) -> None:
    """Amounts in minor units. In a CSV, text that a spreadsheet would run as a formula has an
    apostrophe first."""
    with file.open("w", encoding="utf-8", newline="") as out:
        if file.suffix in (".jsonl", ".json", ".ndjson"):
            out.writelines(
                json.dumps(payment, ensure_ascii=False) + "\n" for payment in payment_rows(orders)
            )
            return
        out.write(csv_row(COLUMNS))
        out.writelines(
            csv_row(_cell(row[name]) for name in COLUMNS) for row in payment_rows(orders)
        )


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(value)
    return str(value).lower() if isinstance(value, bool) else value


REFUSED_SHOWN = 20
REGION = "world"  # a file does not tell where its merchant is


class _File(click.Path):
    """A file that exists, or a verb as text: `./list` is a file."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if str(value) in VERBS else super().convert(value, param, ctx)


@click.command("backtest")
@click.argument(
    "file",
    required=False,
    metavar="[FILE|list|show]",
    type=_File(path_type=Path, exists=True, dir_okay=False),
)
@click.argument("backtest_id", required=False, metavar="[ID]")
@merchant_option
@click.option(
    "--days",
    type=click.IntRange(1, DAYS_MAX),
    default=DAYS,
    show_default=True,
    help="Of a merchant's own orders: how far back.",
)
@click.option(
    "--policy",
    help="A retry policy as a TOML file, which the decider is asked within; or a decider by its "
    "name.",
)
@click.option(
    "--decider",
    type=click.Choice([ENGINE, *POLICIES]),
    default=ENGINE,
    show_default=True,
    help="Who decides within the policy: the engine, or a fixed schedule.",
)
@click.option("--play", help="Of a log with several plays: which, like 1/engine/2.")
@click.option(
    "--send-cost",
    type=click.IntRange(0, 1_000_000),
    default=ENGINE_2.send_units,
    show_default=True,
    help="Cost of a send, in minor units.",
)
@click.option(
    "--payments",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for each payment with its plan and why: CSV, or JSON lines if it ends in .jsonl.",
)
@click.option(
    "--window",
    type=click.IntRange(1, 60),
    default=30,
    show_default=True,
    help="Of a history: days.",
)
@click.option(
    "--zone", default="", help="Of a history: time zone of dates without one, like Europe/Berlin."
)
@click.option(
    "--dates", type=click.Choice(["dmy", "mdy"]), help="Of a history: how to read 03/04/2026."
)
@click.option(
    "--decimal", type=click.Choice([".", ","]), help="Of a history: decimal sign of amounts."
)
@click.option(
    "--amounts",
    type=click.Choice(["major", "minor"]),
    help="Of a history: whole units, or the smallest.",
)
@click.option("--json", "as_json", is_flag=True, help="Output as one JSON object.")
@of_orders
def backtest(
    run: Run,
    file: Path | str | None,
    backtest_id: str | None,
    days: int,
    policy: str | None,
    decider: str,
    play: str | None,
    send_cost: int,
    payments: Path | None,
    window: int,
    zone: str,
    dates: Any,
    decimal: Any,
    amounts: Any,
    as_json: bool,
) -> None:
    """Shows what a policy would have rescued of past declines, beside what was rescued.

    Without FILE, of a merchant's own orders. FILE is a log of `recoup lab compare --log`, or a
    history as `recoup import` takes it; see docs/prove-it.md.

    `recoup backtest list` lists the back-tests that a merchant's people or systems asked for,
    `recoup backtest show ID` shows one. Its exit code is 1 where the back-test has failed.
    """
    if isinstance(file, str):
        run_kept(replace(run, with_orders=False), file, backtest_id, as_json=as_json)
        return
    if backtest_id is not None:
        raise invalid("Only one file is read at a time.", "file", "Read one after another.")
    read, who, within = LogRead(), decider, None
    answers = Answers(zone, DATES[dates or ""], decimal or "", amounts or "")
    if policy is not None and Path(policy).is_file():
        within = _policy_of(Path(policy))
    elif policy is not None:
        who = policy
    if file is None:
        judged = run(lambda opened: _of_merchant(opened, who, within, days, send_cost, payments))
    elif not _is_log(file):
        history, bad = _of_history(file, answers, who, within, timedelta(days=window), send_cost)
        if payments is not None:
            write_payments(payments, history.orders)
        refused = [{"line": refusal.line, "why": str(refusal.why)} for refusal in bad]
        shown = [
            f"line {refusal.line:<7}{shown_by_number(str(refusal.why))}"
            for refusal in bad[:REFUSED_SHOWN]
        ]
        shown += (
            [f"refused     {len(bad):,} lines in all; --json lists them"]
            if len(bad) > REFUSED_SHOWN
            else []
        )
        as_text = "\n".join([*history_text(history), *shown])
        click.echo(
            json.dumps(history_plain(history) | {"refused": refused}) if as_json else as_text
        )
        return
    else:
        read = _of_log(file, who, within, play, plans=payments is not None)
        assert read.target is not None
        judged = judge(read.target.name, read.orders, send_cost)
        judged.sampled_of = read.sampled_of
        if payments is not None:
            write_payments(payments, read.orders)
    if as_json:
        refused = [{"line": number, "why": why} for number, why in read.refused]
        click.echo(
            json.dumps(
                judgement_plain(judged)
                | {"play": read.play, "plays": read.plays, "refused": refused}
            )
        )
        return
    text = text_of(judged, send_cost)
    if len(read.plays) > 1:
        text.append(
            f"play        {read.play}; the file also holds {', '.join(read.plays[1:6])}: --play "
            f"chooses"
        )
    text += [
        f"line {number:<7}{shown_by_number(why)}" for number, why in read.refused[:REFUSED_SHOWN]
    ]
    if len(read.refused) > REFUSED_SHOWN:
        text.append(f"refused     {len(read.refused):,} lines in all; --json lists them")
    click.echo("\n".join(text))


async def _of_merchant(
    opened: Opened,
    who: str,
    within: InForce | None,
    days: int,
    send_cost: int,
    payments: Path | None,
) -> Judgement:
    world, merchant_id = opened.world, opened.merchant_id
    target = await target_named(world, merchant_id, who, within)
    judgement = await backtest_policy(
        world, merchant_id, target, days=days, send_cost=send_cost, plans=payments is not None
    )
    if payments is not None:
        write_payments(payments, judgement.orders)
    return judgement.judgement


def _of_log(
    file: Path, who: str, within: InForce | None, play: str | None, *, plans: bool
) -> LogRead:
    with file.open("rb") as content:
        lines = iter(lambda: content.readline(LINE_BYTES_MAX), b"")
        return read_log(lines, _target(who, within), within=within, play=play, plans=plans)


def _is_log(file: Path) -> bool:
    with file.open("rb") as content:
        return is_log(content.readline(LINE_BYTES_MAX))


def _of_history(
    file: Path,
    answers: Answers,
    who: str,
    within: InForce | None,
    window: timedelta,
    send_cost: int,
) -> tuple[HistoryReport, list[BadLine]]:
    if who not in (ENGINE, *POLICIES):
        _target(who, within)
    bad = list[BadLine]()
    with file.open("rb") as content:
        looked = look_over(source_of(content), answers)
        if looked.questions:
            raise invalid(
                looked.questions[0].text,
                "file",
                "`recoup import --dry-run` asks all that the file does not say; answer by the same "
                "options.",
            )
        attempts = _attempts(looked.read(Clocks().wall(), world=False), bad)
        return backtest_of_history(attempts, who, within, REGION, window, send_cost, cores()), bad


def _attempts(outcomes: Iterable[Outcome], bad: list[BadLine]) -> Iterator[Attempt]:
    for outcome in outcomes:
        if isinstance(outcome, Attempt):
            yield outcome
        elif isinstance(outcome, BadLine):
            bad.append(outcome)


def _target(who: str, within: InForce | None) -> Target | None:
    """The target of a decider; None for the engine that the log names."""
    if who == ENGINE:
        return None
    if who not in POLICIES:
        cure = Sentence(
            "Choose from {0}, or name a TOML file that exists.", ", ".join([ENGINE, *POLICIES])
        )
        raise invalid(Sentence("There is no policy {0}.", who[:60]), "--policy", cure)
    return ScheduleTarget(POLICIES[who], within)


def _policy_of(file: Path) -> InForce:
    with file.open("rb") as content:
        text = content.read(BYTES_MAX + 1).decode("utf-8", "replace")
    terms, complaints = read_policy(parsed(text))
    if complaints:
        first = complaints[0]
        line = line_number(text, first.line)
        where = f"{first.line} (line {line})" if line else first.line
        raise invalid(
            Sentence("{0}: {1}", where, first.why),
            "--policy",
            "`recoup policy check FILE` names each line, and the nearest that could be saved.",
        )
    return InForce((Part("merchant", "", 0, terms),))
