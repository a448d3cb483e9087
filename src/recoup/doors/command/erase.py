"""`recoup erase WHO`: a person's data at one merchant goes; the books stay."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from recoup.doors.command.clock import merchant_of
from recoup.doors.command.verbs import Opened, WithWorld, data_dir_option
from recoup.flows.people.persons import erase_person, find_by_name, no_such_customer
from recoup.kernel.scope import Actor, Scope


def add(cli: click.Group, with_world: WithWorld, load_settings: Callable[..., Any]) -> None:
    @cli.command()
    @click.argument("who")
    @click.option("--merchant", help="Merchant id; default: the bootstrap merchant.")
    @click.option("--yes", is_flag=True, help="Erase without asking.")
    @data_dir_option
    def erase(who: str, merchant: str | None, yes: bool, data_dir: Path | None) -> None:
        """Erases a customer's data. WHO: their e-mail, or the merchant's own id of them, whole."""
        if not yes:
            click.confirm("Names, addresses and notes of all their orders go, for good. Erase them?", abort=True)

        async def work(opened: Opened) -> tuple[int, int]:
            scope = Scope(merchant_of(opened, merchant), Actor("operator", "erase"), "erase")
            payer_id = await find_by_name(opened.world, scope.merchant_id, who)
            if payer_id is None:
                raise no_such_customer()
            return await erase_person(opened.world, scope, payer_id)

        orders, opened = with_world(load_settings(data_dir=data_dir), work)
        click.echo(f"erased from {orders} order{'' if orders == 1 else 's'}"
                   + (f"; {opened} of them still open, and going on without the data" if opened else ""))  # fmt: skip
