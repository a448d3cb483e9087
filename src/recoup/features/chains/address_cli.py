"""`recoup terms address`: a merchant's settlement addresses."""

from typing import Any
from uuid import UUID

import click

from recoup.doors.command.verbs import Opened, Run, in_world, json_option, merchant_option, show
from recoup.features.chains import addresses_flow as flow
from recoup.kernel.time import iso


@click.command()
@merchant_option
@click.option("--evm", help="Enter a wallet on EVM networks: 0x and 40 digits, with its capitals.")
@click.option("--tron", help="Enter a wallet on TRON: 34 characters that begin with T.")
@click.option("--approve", type=click.UUID, help="Approve the address with this id, as another person.")
@click.option("--withdraw", type=click.UUID, help="Withdraw the address with this id.")
@click.option("--by", default="", help="Who does it, for the audit log; the second person is another.")
@json_option
@in_world
def address(
    run: Run,
    evm: str | None,
    tron: str | None,
    approve: UUID | None,
    withdraw: UUID | None,
    by: str,
    as_json: bool,
) -> None:
    """Shows the wallets that a merchant's stablecoins settle to; an option enters, approves or withdraws one."""

    async def work(opened: Opened) -> list[dict[str, Any]]:
        world, scope = opened.world, opened.scope("terms", by)
        if evm:
            await flow.enter_address(world, scope, "evm", evm)
        if tron:
            await flow.enter_address(world, scope, "tron", tron)
        if approve:
            await flow.approve(world, scope, approve)
        if withdraw:
            await flow.withdraw(world, scope, withdraw)
        rows, states, _ = await flow.addresses(world, opened.merchant_id)
        return [
            {
                "id": str(row.address_id),
                "kind": row.kind,
                "address": row.address,
                "state": states[row.address_id],
                "holds_from": iso(row.holds_from) if row.holds_from else None,
            }
            for row in rows
        ]

    found = run(work)
    lines = [" ".join(filter(None, (one["id"], one["address"], one["state"], one["holds_from"]))) for one in found]
    show(found, lines or ["no settlement address"], as_json=as_json)
