"""`recoup report settlement`: a merchant's batches, or one of them line by line, or as the file that proves itself."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from recoup.doors.command.as_of import as_of_options, typed_cut
from recoup.doors.command.clock import merchant_of
from recoup.doors.command.verbs import Opened, Run, in_world
from recoup.doors.command.written import write_parts
from recoup.flows.money.settlement_report import batch_csv, read_batch, settlement_file
from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.ids import parse_id
from recoup.kernel.money import to_text
from recoup.kernel.problem import Problem
from recoup.kernel.time import iso
from recoup.rules.money.bank_payout import shown_state
from recoup.rules.money.settlement import COLUMNS
from recoup.store.money.batches import Batch, BatchFilter, list_batches

BATCHES_MAX = 1_000


@click.command()
@click.option("--merchant", help="Merchant id; default: the bootstrap merchant.")
@click.option("--batch", help="Settlement id; default: all of them, one line each.")
@click.option("--proof", is_flag=True, help="Output as a file for `recoup verify --file`.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Output file; default: standard output.")
@click.option("--json", "as_json", is_flag=True, help="The list as JSON.")
@as_of_options
@in_world
def settlement(
    run: Run,
    merchant: str | None,
    batch: str | None,
    proof: bool,
    out: Path | None,
    as_json: bool,
    as_of: str | None,
    as_of_recorded: str | None,
) -> None:
    """Lists a merchant's settlements, or exports the lines of one as CSV."""
    batch_id = parse_id(batch) if batch else None
    if batch and batch_id is None or proof and batch_id is None:
        raise Problem(
            "invalid",
            f"{batch!r} is not a settlement id." if batch else "--proof needs one settlement.",
            field="batch",
            cure="`recoup report settlement` lists the ids.",
        )

    async def work(opened: Opened) -> str | None:
        merchant_id = merchant_of(opened, merchant)
        cut = await typed_cut(opened.world, merchant_id, as_of, as_of_recorded)
        if batch_id is None:
            async with opened.world.db.read() as connection:
                rows, _ = await list_batches(connection, BatchFilter(merchant_id, cut=cut), BATCHES_MAX, 0)
            shown = [_shown(row) for row in rows]
            return json.dumps(shown) if as_json else "\n".join(_table(shown)) or "No settlements yet."
        found = await read_batch(opened.world, merchant_id, batch_id, cut)
        await write_parts((settlement_file if proof else batch_csv)(opened.world, found), out)
        return None

    text = run(work)
    if text is not None and out is not None:
        out.write_text(text + "\n")
    elif text is not None:
        click.echo(text)


def _shown(row: Batch) -> dict[str, Any]:
    scale = EXPONENTS[row.asset]
    amounts = {kind: to_text(row.units(kind), scale) for kind in (*COLUMNS, "payout")}
    return {
        "settlement": str(row.batch_id),
        "period_from": iso(row.period_from),
        "period_to": iso(row.period_to),
        "currency": row.asset,
        "state": shown_state(row.payout_state),
        "lines": row.lines,
        "payment_ref": row.reference,
        "root": row.root.hex(),
        **amounts,
    }


def _table(rows: list[dict[str, Any]]) -> list[str]:
    head = f"{'settlement':36}  {'first to last day, UTC':24}  {'':4} {'payout':>14}  {'state':9} made up of"
    return [head, *(_words(row) for row in rows)] if rows else []


def _words(row: dict[str, Any]) -> str:
    """A period's end is the instant after its last day."""
    last = datetime.fromisoformat(row["period_to"]) - timedelta(days=1)
    parts = ", ".join(f"{kind.replace('_', ' ')} {row[kind]}" for kind in COLUMNS if row[kind].strip("-0."))
    return (
        f"{row['settlement']}  {row['period_from'][:10]} to {last:%Y-%m-%d}  {row['currency']:4} "
        f"{row['payout']:>14}  {row['state']:9} {parts}"
    )
