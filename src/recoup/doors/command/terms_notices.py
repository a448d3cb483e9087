"""`recoup terms notices`: which mails a merchant's payers get from us."""

import json

import click

from recoup.doors.command.clock import merchant_of
from recoup.doors.command.verbs import Opened, Run, in_world
from recoup.flows.messages.notices import switch, switches
from recoup.kernel.scope import Actor, Scope
from recoup.rules.messages.notices import NAMES, NOTICES


@click.command()
@click.option("--merchant", help="Merchant id; default: the bootstrap merchant.")
@click.option("--on", multiple=True, type=click.Choice(NAMES), help="Send this notice from now on.")
@click.option("--off", multiple=True, type=click.Choice(NAMES), help="Stop sending this notice.")
@click.option("--json", "as_json", is_flag=True)
@in_world
def notices(run: Run, merchant: str | None, on: tuple[str, ...], off: tuple[str, ...], as_json: bool) -> None:
    """Shows which e-mails payers get; --on and --off change them."""
    wanted = dict.fromkeys(on, True) | dict.fromkeys(off, False)

    async def work(opened: Opened) -> dict[str, bool]:
        merchant_id = merchant_of(opened, merchant)
        if not wanted:
            return await switches(opened.world, merchant_id)
        return await switch(opened.world, Scope(merchant_id, Actor("operator", "terms"), "terms"), wanted)

    found = run(work)
    if as_json:
        click.echo(json.dumps(found))
        return
    for notice in NOTICES:
        click.echo(f"{notice.name:14} {'on' if found[notice.name] else 'off':4} {notice.meaning}")
