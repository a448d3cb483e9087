"""`recoup report reconciliation`: what moved on a merchant's account in a period, as CSV, with its sums."""

import json
from pathlib import Path
from typing import Any

import click

from recoup.doors.command.as_of import as_of_options, typed_cut
from recoup.doors.command.clock import merchant_of
from recoup.doors.command.verbs import Opened, Run, in_world
from recoup.doors.command.written import write_parts
from recoup.flows.money.report import Total, report_csv, report_totals
from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.money import to_text
from recoup.rules.money.as_of import Window
from recoup.rules.money.report_spans import days, zone_of


@click.command()
@click.option("--from", "first", required=True, help="First day, like 2026-11-01.")
@click.option("--to", "last", required=True, help="Last day (inclusive).")
@click.option("--zone", default="UTC", show_default=True, help="Time zone of the days and of the dates in the file.")
@click.option("--merchant", help="Merchant id; default: the bootstrap merchant.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Output file; default: standard output.")
@click.option("--totals", "only_totals", is_flag=True, help="Only the change of each balance, as JSON.")
@as_of_options
@in_world
def reconciliation(
    run: Run,
    first: str,
    last: str,
    zone: str,
    merchant: str | None,
    out: Path | None,
    only_totals: bool,
    as_of: str | None,
    as_of_recorded: str | None,
) -> None:
    """Exports all movements on a merchant's account in a period as CSV, one line per movement."""
    span = days(first, last, zone)

    async def work(opened: Opened) -> list[Total]:
        merchant_id = merchant_of(opened, merchant)
        window = Window(*span, await typed_cut(opened.world, merchant_id, as_of, as_of_recorded))
        if not only_totals:
            await write_parts(report_csv(opened.world, merchant_id, window, zone_of(zone)), out)
        return await report_totals(opened.world, merchant_id, window)

    totals = run(work)
    if only_totals:
        text = json.dumps([_shown(total) for total in totals])
        out.write_text(text + "\n") if out else click.echo(text)
    else:
        for total in totals:
            click.echo(_words(total), err=True)


def _shown(total: Total) -> dict[str, Any]:
    scale = EXPONENTS[total.asset]
    kinds = {kind: to_text(units, scale) for kind, units in total.kinds.items()}
    return {"currency": total.asset, "balance": total.balance, "net": to_text(total.units, scale), "kinds": kinds}


def _words(total: Total) -> str:
    sums = _shown(total)
    parts = ", ".join(f"{kind.replace('_', ' ')} {amount}" for kind, amount in sums["kinds"].items())
    return f"{sums['balance']} balance moved by {sums['net']} {sums['currency']}: {parts}"
