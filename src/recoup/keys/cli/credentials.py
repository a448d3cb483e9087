"""`recoup credentials`: a merchant's keys, and what each allows."""

from typing import Annotated

from msgspec import to_builtins

from recoup.kernel.problem import invalid
from recoup.keys.flows.merchant_keys import decide_key, list_keys
from recoup.kit.cli.command import Printed
from recoup.kit.cli.parameters import Option
from recoup.merchants.cli import AtMerchant, verb


@verb(json="")
async def credentials(
    at: AtMerchant,
    *,
    approve: Annotated[
        str | None, Option("Give the key with this print what it waits for.", metavar="PRINT")
    ] = None,
    refuse: Annotated[str | None, Option("Refuse it.", metavar="PRINT")] = None,
    by: Annotated[str, "Who does it, for the audit log."] = "",
) -> Printed:
    """Shows a merchant's keys and what each allows; options decide what one waits for."""
    if approve and refuse:
        raise invalid("Approve or refuse, not both.", "refuse", "Leave one out.")
    scope = at.scope("command", by)
    if decided := approve or refuse:
        await decide_key(at.world, scope, decided, approve=bool(approve))
    keys = await list_keys(at.world, scope)
    rows = [to_builtins(credential) | {"key": f"…{credential.key[-4:]}"} for credential in keys]
    return Printed(
        rows, ("  ".join(f"{name}={value}" for name, value in row.items()) for row in rows)
    )
