"""`recoup erase WHO`: a person's data at one merchant goes; the books stay."""

import click

from recoup.desk.flows.persons import Erased, erase_all, find_all_by_name
from recoup.merchants.cli import Opened, Run, in_world, merchant_option


@click.command()
@click.argument("who")
@merchant_option
@click.option("--yes", is_flag=True, help="Erase without confirmation.")
@in_world
def erase(run: Run, who: str, yes: bool) -> None:
    """Erases a customer's data. WHO: the complete e-mail, or the merchant's own customer id. An e-mail erases all
    of the merchant's customers with it."""

    async def work(opened: Opened) -> Erased:
        scope = opened.scope("erase")
        known = await find_all_by_name(opened.world, scope.merchant_id, who)
        if known and not yes:
            click.confirm(
                f"{customers(len(known))} found. Names, addresses and all text typed about their orders "
                "will be deleted permanently. Erase?",
                abort=True,
            )
        return await erase_all(opened.world, scope, who, known)

    erased = run(work)
    plural = "" if erased.orders == 1 else "s"
    click.echo(
        f"Erased {customers(erased.customers)}, from {erased.orders} order{plural}"
        + (f"; {erased.opened} still open, now without the data" if erased.opened else "")
    )


def customers(number: int) -> str:
    return f"{number:,} customer{'' if number == 1 else 's'}"
