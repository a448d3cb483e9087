"""`recoup credentials`: a merchant's keys, and what each allows."""

from collections.abc import Sequence
from typing import Any

import click
from msgspec import to_builtins

from recoup.doors.command.verbs import Opened, Run, in_world, json_option, merchant_option, show
from recoup.flows.merchants.issue_key import KEY_KINDS
from recoup.flows.merchants.merchant_keys import decide_key, list_keys, make_key


@click.command()
@merchant_option
@click.option("--make", "kind", type=click.Choice(KEY_KINDS), help="Make a key; its secret is shown once.")
@click.option("--scope", "scopes", multiple=True, help="What the new key allows, like refunds:read; repeat it.")
@click.option("--approve", metavar="KEY", help="Give the key with this id what it waits for.")
@click.option("--refuse", metavar="KEY", help="Refuse it.")
@click.option("--by", default="", help="Who does it, for the audit log.")
@json_option
@in_world
def credentials(
    run: Run, kind: str | None, scopes: Sequence[str], approve: str, refuse: str, by: str, as_json: bool
) -> None:
    """Shows a merchant's keys and what each allows; options make one, or decide what one waits for."""

    async def work(opened: Opened) -> list[dict[str, Any]]:
        world, scope = opened.world, opened.scope("command", by)
        made = [await make_key(world, scope, kind, None, "", scopes)] if kind else []
        if approve or refuse:
            await decide_key(world, scope, approve or refuse, approve=bool(approve))
        listed = [to_builtins(one) | {"key": f"…{one.key[-4:]}"} for one in await list_keys(world, scope)]
        return [to_builtins(one) for one in made] + listed

    found = run(work)
    show(found, ("  ".join(f"{name}={value}" for name, value in one.items()) for one in found), as_json=as_json)
