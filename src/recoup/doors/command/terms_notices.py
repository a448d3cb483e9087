"""`recoup terms notices`: which mails a merchant's payers get from us."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from recoup.doors.command.clock import merchant_of
from recoup.doors.command.verbs import Opened, WithWorld, data_dir_option
from recoup.flows.messages.notices import switch, switches
from recoup.kernel.scope import Actor, Scope
from recoup.rules.messages.notices import NAMES, NOTICES


def add(terms: click.Group, with_world: WithWorld, load_settings: Callable[..., Any]) -> None:
    @terms.command()
    @click.option("--merchant", help="Merchant id; default: the bootstrap merchant.")
    @click.option("--on", multiple=True, type=click.Choice(NAMES), help="Send this notice from now on.")
    @click.option("--off", multiple=True, type=click.Choice(NAMES), help="Stop sending this notice.")
    @click.option("--json", "as_json", is_flag=True)
    @data_dir_option
    def notices(
        merchant: str | None, on: tuple[str, ...], off: tuple[str, ...], as_json: bool, data_dir: Path | None
    ) -> None:
        """Shows which e-mails payers get; --on and --off change them."""
        wanted = dict.fromkeys(on, True) | dict.fromkeys(off, False)

        async def work(opened: Opened) -> dict[str, bool]:
            merchant_id = merchant_of(opened, merchant)
            if not wanted:
                return await switches(opened.world, merchant_id)
            return await switch(opened.world, Scope(merchant_id, Actor("operator", "terms"), "terms"), wanted)

        found = with_world(load_settings(data_dir=data_dir), work)
        if as_json:
            click.echo(json.dumps(found))
            return
        for notice in NOTICES:
            click.echo(f"{notice.name:14} {'on' if found[notice.name] else 'off':4} {notice.meaning}")
