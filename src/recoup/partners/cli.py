"""`recoup partner`: partners and what the operator allows them."""

from typing import Any

import click

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import invalid
from recoup.kernel.scope import Actor, PartnerScope
from recoup.merchants.cli import Opened, Run, in_world, json_option, show
from recoup.merchants.store.partners import Partner, count_merchants, list_partners
from recoup.onboarding.flows.partners import Quota, set_quota

SHOWN_MAX = 1_000


@click.command()
@click.argument("partner_id", required=False)
@click.option("--merchants-max", type=int, help="Maximum number of merchants.")
@click.option(
    "--calls-per-minute", type=int, help="Limit for its own and its merchants' keys, per process."
)
@click.option(
    "--state",
    type=click.Choice(("active", "paused")),
    help="A paused partner can read, but not change anything.",
)
@json_option
@in_world
def partner(run: Run, partner_id: str | None, as_json: bool, **given: Any) -> None:
    """Shows all partners, or one; options change its limits and state."""
    quota = Quota(**given)
    found = run(lambda opened: _work(opened, partner_id, quota))
    lines = (
        f"{one.partner_id}  {one.state:6}  {count}/{one.merchants_max} merchants  "
        f"{one.calls_per_minute} calls/min  {one.name}"
        for one, count in found
    )
    show(
        [
            {
                "id": str(one.partner_id),
                "name": one.name,
                "state": one.state,
                "merchants": count,
                "merchants_max": one.merchants_max,
                "calls_per_minute": one.calls_per_minute,
            }
            for one, count in found
        ],
        lines,
        as_json=as_json,
    )


async def _work(opened: Opened, text: str | None, quota: Quota) -> list[tuple[Partner, int]]:
    world = opened.world
    found = parse_id(text) if text is not None else None
    if found is None and (text is not None or quota != Quota()):
        raise invalid("Name the partner by its id.", "partner_id", "`recoup partner` lists them.")
    if found is not None:
        listed = [
            await set_quota(
                world, PartnerScope(found, Actor("operator", "command"), "command"), quota
            )
        ]
    else:
        listed = await list_partners(world.db.reader, SHOWN_MAX)
    return [(one, await count_merchants(world.db.reader, one.partner_id)) for one in listed]
