"""`recoup terms parts`: whether a declined payment may be collected in parts."""

import json
from dataclasses import asdict

import click

from recoup.doors.command.clock import merchant_of
from recoup.doors.command.terms_cards import ON_OFF
from recoup.doors.command.verbs import Opened, Run, in_world
from recoup.features.parts.flows import part_terms, set_part_terms
from recoup.features.parts.rules import AT_EXPIRY, COUNT_MAX, OFF, SHARE_MAX, SHARE_MIN, PartTerms
from recoup.kernel.scope import Actor, Scope


@click.command()
@click.option("--merchant", help="Merchant id; default: the bootstrap merchant.")
@click.option("--parts", type=ON_OFF, help="Try a part of the amount where a card lacked the money for all of it.")
@click.option(
    "--least-share",
    type=click.IntRange(SHARE_MIN, SHARE_MAX),
    help="Percent of the order's amount that a part has at least.",
)
@click.option("--count-max", type=click.IntRange(1, COUNT_MAX), help="How often a part is tried for one order.")
@click.option(
    "--at-expiry",
    type=click.Choice(AT_EXPIRY),
    help="What was collected when the rest never comes: refund it, or keep it and complete the order with it.",
)
@click.option("--json", "as_json", is_flag=True)
@in_world
def parts(
    run: Run,
    merchant: str | None,
    parts: str | None,
    least_share: int | None,
    count_max: int | None,
    at_expiry: str | None,
    as_json: bool,
) -> None:
    """Shows whether a declined payment may be collected in parts, and what becomes of a part without the rest; an
    option changes it."""
    enabled = {"on": True, "off": False, None: None}[parts]
    given = {"enabled": enabled, "least_share": least_share, "count_max": count_max, "at_expiry": at_expiry}

    async def work(opened: Opened) -> PartTerms:
        merchant_id = merchant_of(opened, merchant)
        if any(value is not None for value in given.values()):
            scope = Scope(merchant_id, Actor("operator", "terms"), "terms")
            return await set_part_terms(opened.world, scope, given)
        stored = await part_terms(opened.world, merchant_id)
        return stored.terms if stored is not None else OFF

    found = run(work)
    if as_json:
        click.echo(json.dumps(asdict(found)))
        return
    click.echo(f"parts {'on' if found.enabled else 'off'}")
    click.echo(f"least share {found.least_share} %")
    click.echo(f"tried at most {found.count_max} times an order")
    click.echo(f"at expiry {found.at_expiry}")
