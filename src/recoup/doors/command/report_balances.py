"""`recoup report balances`: what a merchant is owed, now or as of a moment."""

import json
from typing import Any

import click

from recoup.doors.command.as_of import as_of_options, typed_cut
from recoup.doors.command.clock import merchant_of
from recoup.doors.command.verbs import Opened, Run, in_world
from recoup.flows.money.balances import BALANCES, Balance, read_balances
from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.money import to_text


@click.command()
@click.option("--merchant", help="Merchant id; default: the bootstrap merchant.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@as_of_options
@in_world
def balances(run: Run, merchant: str | None, as_json: bool, as_of: str | None, as_of_recorded: str | None) -> None:
    """Shows what a merchant is owed, by currency: for the next settlement, in reserve, on its way."""

    async def work(opened: Opened) -> list[Balance]:
        merchant_id = merchant_of(opened, merchant)
        cut = await typed_cut(opened.world, merchant_id, as_of, as_of_recorded)
        return await read_balances(opened.world, merchant_id, cut)

    rows = run(work)
    if as_json:
        click.echo(json.dumps([_shown(row) for row in rows]))
        return
    for row in rows:
        shown = _shown(row)
        parts = ", ".join(f"{name} {shown[name]}" for name in BALANCES if row.units[name])
        click.echo(f"{row.asset:4} {shown['total']:>14}  {parts}")
    if not rows:
        click.echo("Nothing is owed.")


def _shown(row: Balance) -> dict[str, Any]:
    scale = EXPONENTS[row.asset]
    return {
        "currency": row.asset,
        **{name: to_text(row.units[name], scale) for name in BALANCES},
        "total": to_text(row.total, scale),
    }
