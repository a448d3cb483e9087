"""`recoup erase WHO`: a person's data at one merchant goes; the books stay."""

from typing import Annotated

import click

from recoup.desk.flows.persons import erase_all, find_all_by_name
from recoup.merchants.cli import AtMerchant, verb


@verb()
async def erase(
    who: str, *, at: AtMerchant, yes: Annotated[bool, "Erase without confirmation."] = False
) -> str:
    """Erases a customer's data. WHO: the complete e-mail, or the merchant's own customer id. An
    e-mail erases all of the merchant's customers with it."""
    scope = at.scope("erase")
    known = await find_all_by_name(at.world, scope.merchant_id, who)
    if known and not yes:
        click.confirm(
            f"{customers(len(known))} found. Names, addresses and all text typed about their "
            f"orders "
            "will be deleted permanently. Erase?",
            abort=True,
        )
    erased = await erase_all(at.world, scope, who, known)
    plural = "" if erased.orders == 1 else "s"
    left = f"; {erased.opened} still open, now without the data" if erased.opened else ""
    return f"Erased {customers(erased.customers)}, from {erased.orders} order{plural}{left}"


def customers(number: int) -> str:
    return f"{number:,} customer{'' if number == 1 else 's'}"
