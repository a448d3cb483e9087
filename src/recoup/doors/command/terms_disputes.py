"""`recoup terms disputes`: who bears disputes about the service, and what a dispute costs the merchant."""

import json
from typing import Any, get_args

import click

from recoup.doors.command.as_of import as_of_options, check_only_shown, from_option, moment, typed_cut
from recoup.doors.command.clock import merchant_of
from recoup.doors.command.verbs import Opened, Run, in_world
from recoup.flows.disputes.terms import DisputeTermsRequest, change_terms
from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.money import from_text, to_text
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import iso
from recoup.rules.money.disputes import Party
from recoup.store.disputes.disputes import DatedTerms, read_terms

_PARTY = click.Choice(get_args(Party))


@click.command()
@click.option("--merchant", help="Merchant id; default: the bootstrap merchant.")
@click.option("--service", type=_PARTY, help="Who bears disputes about goods and services; the operator bears fraud.")
@click.option("--fee", help="Fee per dispute: 15.00; needs --currency.")
@click.option("--fee-by", type=_PARTY, help="Who bears the fee.")
@click.option("--currency", default="", help="Only for this currency.")
@click.option("--block-cards/--allow-cards", default=None, help="Whether a card disputed as fraud is blocked.")
@from_option
@as_of_options
@click.option("--json", "as_json", is_flag=True)
@in_world
def disputes(
    run: Run,
    merchant: str | None,
    as_of: str | None,
    as_of_recorded: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Shows the terms with their history; options set new terms, valid from now or --from. Each dispute follows the
    terms that were valid when its charge was approved."""
    request = _request(**options)
    check_only_shown(as_of, as_of_recorded, changes=request is not None)

    async def work(opened: Opened) -> list[dict[str, Any]]:
        merchant_id = merchant_of(opened, merchant)
        if request is not None:
            await change_terms(opened.world, Scope(merchant_id, Actor("operator", "terms"), "terms"), request)
        cut = await typed_cut(opened.world, merchant_id, as_of, as_of_recorded)
        async with opened.world.db.read() as connection:
            return [_shown(row) for row in await read_terms(connection, merchant_id, *cut)]

    rows = run(work)
    if as_json:
        click.echo(json.dumps(rows))
        return
    if rows:
        click.echo(f"{'from':24}  currency, liability for service disputes, fee, cards, author")
    for row in rows:
        click.echo(
            f"{row['from']}  {row['currency'] or 'every currency':14}  service: {row['service']:8}"
            f"  fee: {row['fee']} by {row['fee_by']}  cards: {row['cards']}  {row['by']}"
        )
    if not rows:
        click.echo("Standard terms: the operator bears all disputes, no fee, cards disputed as fraud are blocked.")


def _request(
    *,
    service: Party | None,
    fee: str | None,
    fee_by: Party | None,
    currency: str,
    block_cards: bool | None,
    valid_from: str | None,
) -> DisputeTermsRequest | None:
    """None without any option that changes. Raises: Problem(invalid)."""
    if service is None and fee is None and fee_by is None and block_cards is None:
        if currency or valid_from:
            raise Problem(
                "invalid",
                "These options contain no new terms: nothing was set.",
                field="service",
                cure="Add --service, --fee, --fee-by or --block-cards/--allow-cards.",
            )
        return None
    asset = currency.upper()
    if fee is not None and asset not in EXPONENTS:
        raise Problem("invalid", "A fee must be an amount of money.", field="currency", cure="Name it with --currency.")
    units = from_text(fee, asset, "fee").units if fee is not None else None
    return DisputeTermsRequest(asset, service, units, fee_by, block_cards, moment(valid_from))


def _shown(row: DatedTerms) -> dict[str, Any]:
    fee = to_text(row.fee_units, EXPONENTS[row.asset]) if row.asset else "0"
    return {
        "from": iso(row.valid_from),
        "currency": row.asset,
        "service": row.service_borne_by,
        "fee": fee,
        "fee_by": row.fee_borne_by,
        "cards": "blocked" if row.block_cards else "allowed",
        "by": row.actor,
        "set_at": iso(row.made_at),
    }
