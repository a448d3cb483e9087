"""`recoup credentials`: a merchant's keys, and what each allows."""

import click
from msgspec import to_builtins

from recoup.kernel.problem import invalid
from recoup.keys.flows.merchant_keys import decide_key, list_keys
from recoup.keys.store.merchant_keys import MerchantKey
from recoup.merchants.cli import Opened, Run, in_world, json_option, merchant_option, show


@click.command()
@merchant_option
@click.option("--approve", metavar="PRINT", help="Give the key with this print what it waits for.")
@click.option("--refuse", metavar="PRINT", help="Refuse it.")
@click.option("--by", default="", help="Who does it, for the audit log.")
@json_option
@in_world
def credentials(run: Run, approve: str | None, refuse: str | None, by: str, as_json: bool) -> None:
    """Shows a merchant's keys and what each allows; options decide what one waits for."""

    if approve and refuse:
        raise invalid("Approve or refuse, not both.", "refuse", "Leave one out.")

    async def work(opened: Opened) -> list[MerchantKey]:
        scope = opened.scope("command", by)
        if decided := approve or refuse:
            await decide_key(opened.world, scope, decided, approve=bool(approve))
        return await list_keys(opened.world, scope)

    found = [to_builtins(one) | {"key": f"…{one.key[-4:]}"} for one in run(work)]
    show(
        found,
        ("  ".join(f"{name}={value}" for name, value in one.items()) for one in found),
        as_json=as_json,
    )
