"""`recoup terms settlement`: when a merchant is paid, what is held, what is too small, and who must agree."""

import json
from typing import Any

import click

from recoup.doors.command.as_of import as_of_options, check_only_shown, typed_cut
from recoup.doors.command.clock import merchant_of
from recoup.doors.command.moment import from_option, moment
from recoup.doors.command.verbs import Opened, Run, in_world
from recoup.flows.money.settlement_terms import read_terms, set_terms
from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.money import from_text, to_text
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import iso
from recoup.rules.money.settlement import PERIODS, Terms
from recoup.store.money.settlement import DatedTerms

_FIELDS = ("period", "anchor", "delay_days", "reserve_basis_points", "reserve_days", "account_delay_days")


@click.command()
@click.option("--merchant", help="Merchant id; default: the bootstrap merchant.")
@click.option("--period", type=click.Choice(tuple(PERIODS)), help="Length of a settlement period.")
@click.option(
    "--anchor", type=int, help="First day of the period: day of the week (1: Monday) or of the month (up to 28)."
)
@click.option("--delay-days", type=int, help="Days between the end of a period and its settlement.")
@click.option("--reserve-basis-points", type=int, help="Reserve in basis points of the amounts: 500 is 5 %.")
@click.option("--reserve-days", type=int, help="Days that the reserve is held.")
@click.option("--account-delay-days", type=int, help="Days before a new bank account receives payouts.")
@click.option("--minimum", multiple=True, help="Smaller payouts are carried over: USD=25.00. May be repeated.")
@click.option("--limit", multiple=True, help="Maximum adjustments per person and day: USD=100.00.")
@from_option
@as_of_options
@click.option("--json", "as_json", is_flag=True)
@in_world
def settlement(
    run: Run,
    merchant: str | None,
    minimum: tuple[str, ...],
    limit: tuple[str, ...],
    valid_from: str | None,
    as_of: str | None,
    as_of_recorded: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Shows the settlement terms with their history; options change single terms."""
    change = {name: options[name] for name in _FIELDS if options[name] is not None}
    change |= {name: _amounts(texts) for name, texts in (("minimums", minimum), ("limits", limit)) if texts}
    check_only_shown(as_of, as_of_recorded, changes=bool(change))
    start = moment(valid_from)
    if start is not None and not change:
        raise Problem(
            "invalid",
            "--from without new terms: nothing was set.",
            field="period",
            cure="Add the terms that start then, like --period week.",
        )

    async def work(opened: Opened) -> tuple[Terms, list[DatedTerms]]:
        merchant_id = merchant_of(opened, merchant)
        if change:
            scope = Scope(merchant_id, Actor("operator", "terms"), "terms")
            await set_terms(opened.world, scope, change, start)
        cut = await typed_cut(opened.world, merchant_id, as_of, as_of_recorded)
        return await read_terms(opened.world, merchant_id, cut)

    now, history = run(work)
    shown = [{"from": iso(row.valid_from), "by": row.actor} | _shown_terms(row.terms) for row in history]
    if as_json:
        click.echo(json.dumps({"now": _shown_terms(now), "history": shown}))
        return
    for row in shown or [{"from": "always", "by": "default"} | _shown_terms(now)]:
        click.echo(f"{row['from']}  {row['by']}")
        for name in (*_FIELDS, "minimums", "limits"):
            others = ", any other 0" if name == "limits" and row[name] else ""
            click.echo(f"    {name.replace('_', ' '):22} {_shown(row[name])}{others}")


def _shown_terms(terms: Terms) -> dict[str, Any]:
    return {name: getattr(terms, name) for name in _FIELDS} | {
        name: {asset: to_text(units, EXPONENTS[asset]) for asset, units in getattr(terms, name).items()}
        for name in ("minimums", "limits")
    }


def _shown(value: Any) -> str:
    return ", ".join(f"{asset} {text}" for asset, text in value.items()) or "-" if isinstance(value, dict) else value


def _amounts(texts: tuple[str, ...]) -> dict[str, int]:
    found = {}
    for text in texts:
        asset, _, amount = text.partition("=")
        if asset.upper() not in EXPONENTS:
            raise Problem("invalid", f"{text!r} has no currency.", cure="Write it like USD=25.00.")
        found[asset.upper()] = from_text(amount, asset.upper(), asset).units
    return found
