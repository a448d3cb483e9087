"""`recoup terms parts`: whether a declined payment may be collected in parts."""

from dataclasses import asdict

import click

from recoup.merchants.cli import Opened, Run, in_world, json_option, merchant_option, show
from recoup.parts.flows import part_terms, set_part_terms
from recoup.parts.rules import AT_EXPIRY, COUNT_MAX, OFF, SHARE_MAX, SHARE_MIN, PartTerms
from recoup.settlement.cli import ON_OFF


@click.command()
@merchant_option
@click.option(
    "--parts",
    type=ON_OFF,
    help="Try a part of the amount where a card lacked the money for all of it.",
)
@click.option(
    "--least-share",
    type=click.IntRange(SHARE_MIN, SHARE_MAX),
    help="Percent of the order's amount that a part has at least.",
)
@click.option(
    "--count-max",
    type=click.IntRange(1, COUNT_MAX),
    help="How often a part is tried for one order.",
)
@click.option(
    "--at-expiry",
    type=click.Choice(AT_EXPIRY),
    help="What was collected when the rest never comes: refund it, or keep it and complete the order with it.",
)
@json_option
@in_world
def parts(
    run: Run,
    parts: str | None,
    least_share: int | None,
    count_max: int | None,
    at_expiry: str | None,
    as_json: bool,
) -> None:
    """Shows whether a declined payment may be collected in parts, and what becomes of a part without the rest; an
    option changes it."""
    enabled = {"on": True, "off": False, None: None}[parts]
    given = {
        "enabled": enabled,
        "least_share": least_share,
        "count_max": count_max,
        "at_expiry": at_expiry,
    }

    async def work(opened: Opened) -> PartTerms:
        if any(value is not None for value in given.values()):
            return await set_part_terms(opened.world, opened.scope("terms"), given)
        stored = await part_terms(opened.world, opened.merchant_id)
        return stored.terms if stored is not None else OFF

    found = run(work)
    lines = (
        f"parts {'on' if found.enabled else 'off'}",
        f"least share {found.least_share} %",
        f"tried at most {found.count_max} times an order",
        f"at expiry {found.at_expiry}",
    )
    show(asdict(found), lines, as_json=as_json)
