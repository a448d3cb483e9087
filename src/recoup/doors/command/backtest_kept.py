"""`recoup backtest list` and `recoup backtest show ID`: back-tests that are kept, as text and as JSON."""

import json
from typing import Any

import click

from recoup.doors.command.backtest_summary import figures_of
from recoup.doors.command.clock import merchant_of
from recoup.doors.command.verbs import Opened, Run
from recoup.flows.backtests.kept import LISTED, read_backtest
from recoup.kernel.ids import parse_id
from recoup.kernel.kept_sentence import kept
from recoup.kernel.problem import Problem
from recoup.kernel.time import iso
from recoup.kernel.unseen import shown_by_number
from recoup.rules.backtest.question import name_of_payments, name_of_policy, question_of
from recoup.store.insight.backtests import BacktestRow, list_backtests

VERBS = ("list", "show")


def run_kept(run: Run, verb: str, backtest_id: str | None, merchant: str | None, *, as_json: bool) -> None:
    """Exits with 1 where the one that is shown has failed. Raises: Problem(not_found); Problem(invalid)."""
    if verb == "show":
        row: BacktestRow = run(lambda opened: _one(opened, merchant, backtest_id))
        click.echo(json.dumps(_plain(row) | {"report": row.report}) if as_json else "\n".join(_text(row)))
        if row.failed is not None:
            raise click.exceptions.Exit(1)
        return
    if backtest_id is not None:
        raise Problem("invalid", "The list takes no id.", field="id", cure="Use recoup backtest show ID.")
    rows: list[BacktestRow] = run(lambda opened: _newest(opened, merchant))
    if as_json:
        click.echo(json.dumps({"data": [_plain(row) for row in rows]}))
    else:
        click.echo("\n".join(map(_line, rows)) or "No back-test is kept.")


async def _one(opened: Opened, merchant: str | None, backtest_id: str | None) -> BacktestRow:
    found = parse_id(backtest_id or "")
    if found is None:
        raise Problem("not_found", "There is no such back-test.", cure="Use an id that recoup backtest list shows.")
    return await read_backtest(opened.world, merchant_of(opened, merchant), found)


async def _newest(opened: Opened, merchant: str | None) -> list[BacktestRow]:
    async with opened.world.db.read() as connection:
        return await list_backtests(connection, merchant_of(opened, merchant), None, LISTED)


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


def _line(row: BacktestRow) -> str:
    at = f"{row.requested_at:%Y-%m-%d %H:%M} GMT"
    return f"{row.backtest_id}  {at}  {_state(row):<12}  {_name(row)}"


def _text(row: BacktestRow) -> list[str]:
    saved = f"; saved as version {row.saved_as}" if row.saved_as is not None else ""
    text = [
        f"back-test   {_name(row)}",
        f"asked       {row.requested_at:%Y-%m-%d %H:%M} GMT by {shown_by_number(row.requested_by)}{saved}",
    ]
    if row.failed is not None:
        return [*text, f"failed      {shown_by_number(str(kept(row.failed)))}"]
    if row.report is None:
        return [*text, "figures     are being made"]
    return [*text, *figures_of(row.report)]


def _name(row: BacktestRow) -> str:
    question = question_of(row.question)
    return f"{name_of_payments(question)}: {name_of_policy(question)}"


def _state(row: BacktestRow) -> str:
    if row.made_at is None:
        return "being made"
    if row.report is None:
        return "failed"
    return "not enough" if row.report["missing"] else "made"
