"""Verbs that chains add to other groups: `recoup terms address` and `tolerance`; `recoup sandbox
deposit`, a payer's transfer on a development node, with what goes wrong with one."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Annotated, Final
from uuid import UUID

import click

from recoup.chains import intake, store
from recoup.chains import settlement_addresses as flow
from recoup.chains.abi import from_hex
from recoup.chains.channels import NETWORK_PRESETS, ChannelSettings, without_secrets
from recoup.chains.dev_node import DevNode
from recoup.chains.paying import Seen, seen_of
from recoup.chains.rpc import AwayError, opened
from recoup.kernel.ids import new_id
from recoup.kernel.money import from_text, shown
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Actor, Scope
from recoup.kit.cli.command import Printed, plain
from recoup.merchants.cli import AtMerchant, Opened, verb
from recoup.merchants.store.merchants import offset_of
from recoup.orders.flows.find_order import find_one, home_of_order
from recoup.rescue.flows.locked import Orders
from recoup.sandbox.flows.advance_clock import advance_clock
from recoup.stablecoin.store.stable_orders import StableOrder, stable_order
from recoup.webhooks.flows.deliver import Deliveries
from recoup.webhooks.flows.publish import publish_now

PAYER: Final = 1  # an account of the node
COIN: Final = "coin"
COINS: Final = 10**18  # base units of one
AFTER_END: Final = timedelta(minutes=1)
SEEN_SECONDS: Final = 30


By = Annotated[str, "Who does it, for the audit log."]
NetworkName = Annotated[str | None, click.Choice(list(NETWORK_PRESETS)), "Default: the order's."]


@verb(json="")
async def address(
    at: AtMerchant,
    *,
    evm: Annotated[
        str | None, "Enter a wallet on EVM networks: 0x and 40 digits, with its capitals."
    ] = None,
    tron: Annotated[str | None, "Enter a wallet on TRON: 34 characters that begin with T."] = None,
    approve: Annotated[UUID | None, "Approve the address with this id, as another person."] = None,
    withdraw: Annotated[UUID | None, "Withdraw the address with this id."] = None,
    by: Annotated[str, "Who does it, for the audit log; the second person is another."] = "",
) -> Printed:
    """Shows the wallets that a merchant's stablecoins settle to; an option enters, approves or
    withdraws one."""
    world, scope = at.world, at.scope("terms", by)
    if evm:
        await flow.enter_address(world, scope, "evm", evm)
    if tron:
        await flow.enter_address(world, scope, "tron", tron)
    if approve:
        await flow.approve(world, scope, approve)
    if withdraw:
        await flow.withdraw(world, scope, withdraw)
    rows, states, _ = await flow.addresses(world, at.merchant_id)
    wallets = [
        {
            "id": row.address_id,
            "kind": row.kind,
            "address": row.address,
            "state": states[row.address_id],
            "holds_from": row.holds_from,
        }
        for row in rows
    ]
    shown_fields = ("id", "address", "state", "holds_from")
    lines = [
        " ".join(plain(wallet[name]) for name in shown_fields if wallet[name]) for wallet in wallets
    ]
    return Printed(wallets, lines or ["no settlement address"])


@verb(sandbox_only=True)
async def deposit(
    opened: Opened,
    order: str,
    *,
    amount: Annotated[str | None, "Decimal text; default: what is still missing."] = None,
    token: Annotated[
        str | None, "USDC, USDT, or `coin` for the chain's own; default: the order's."
    ] = None,
    network: NetworkName = None,
    late: Annotated[bool, "Moves the merchant's clock behind the order's end first."] = False,
    reorg: Annotated[bool, "Takes the transfer back as soon as it was seen."] = False,
) -> str:
    """Makes the customer's transfer to the address of a stablecoin order, on a development node."""
    opened = opened.within(await home_of_order(opened.world, order))
    return await transfer(opened, order, amount, token, network, late=late, reorg=reorg)


async def transfer(
    run_in: Opened,
    key: str,
    amount: str | None,
    token: str | None,
    network: str | None,
    *,
    late: bool,
    reorg: bool,
) -> str:
    """Sends the transfer and says what was sent. Raises: Problem."""
    row, seen = await _order(run_in, key)
    channel = _channel(seen.channel, network, token)
    if late:
        await _end(run_in, row)
    to = bytes.fromhex(row.facts["chain"]["raw"])
    async with opened(channel.kind, channel.endpoints[:1], run_in.world.clocks) as (endpoint,):
        node = DevNode(endpoint)
        try:
            if token == COIN:
                receipt = await node.send(
                    to, account=PAYER, value=int(Decimal(amount or 1) * COINS)
                )
                return f"sent {amount or 1} of the chain's coin, transaction {receipt.tx}"
            units = (
                from_text(amount, channel.asset, "amount").units
                if amount
                else seen.rest_units or row.units
            )
            value = channel.base(units)
            receipt = await node.transfer(channel.token, to, value, account=PAYER)
            if reorg:
                await _take_back(run_in, node, channel, receipt.tx, receipt.block)
        except AwayError as error:
            message = Sentence(
                "{0} is no development node: {1}.", without_secrets(channel.endpoints[0]), error
            )
            raise Problem("unavailable", message, "See `recoup up --chain`.") from None
    back = ", which its chain took back" if reorg else ""
    sent = f"{shown(units, channel.asset)} {channel.asset} on {channel.network}"
    return f"sent {sent}, transaction {receipt.tx}{back}"


async def _order(opened: Opened, key: str) -> tuple[StableOrder, Seen]:
    """Raises: Problem(not_found)."""
    merchant_id, order_id = await find_one(opened.world, key)
    row = await stable_order(opened.world.db.reader, merchant_id, order_id)
    seen = await seen_of(opened.world, row) if row else None
    if row is None or seen is None:
        message = "This order is not paid on a chain that is served here."
        raise Problem(
            "not_found", message, "Use one made with a network, such as base; see docs/chains.md."
        )
    return row, seen


def _channel(own: ChannelSettings, network: str | None, token: str | None) -> ChannelSettings:
    """The one whose token is sent. Raises: Problem(invalid)."""
    asset = own.asset if token in (None, COIN) else str(token).upper()
    wanted = network or own.network
    for channel in intake.all_served("sandbox"):
        if (channel.network, channel.asset) == (wanted, asset):
            return channel
    served = ", ".join(
        f"{channel.asset} on {channel.network}" for channel in intake.all_served("sandbox")
    )
    raise invalid(
        f"No channel of the sandbox takes {asset} on {wanted}.", "token", f"There is {served}."
    )


async def _end(opened: Opened, order: StableOrder) -> None:
    assert order.expires_at
    offset = await offset_of(opened.world.db.reader, order.merchant_id)
    step = order.expires_at + AFTER_END - opened.world.clocks.business(offset or 0)
    if step > timedelta(0):
        scope = Scope(order.merchant_id, Actor("operator", "sandbox"), "command")
        publish = partial(publish_now, opened.world, opened.services.get(Deliveries))
        by = (scope, new_id())
        await advance_clock(
            opened.world,
            opened.services.get(Orders),
            order.merchant_id,
            step,
            publish,
            requested_by=by,
        )


async def _take_back(
    opened: Opened, node: DevNode, channel: ChannelSettings, tx: str, block: int
) -> None:
    """Reorganises the transfer away once the watcher has seen it. Raises: Problem(unavailable)."""
    for _ in range(SEEN_SECONDS * 2):
        if await store.logs_in(opened.world.db, channel.chain_id, [from_hex(tx)]):
            return await node.reorg(await node.head() - block + 1)
        await asyncio.sleep(0.5)
    raise Problem("unavailable", "Nobody has seen the transfer.", "Is `recoup up` running?")


@verb(json="")
async def tolerance(
    at: AtMerchant,
    *,
    percent: Annotated[
        str | None, "How much less than its amount pays a new order: 0 to 5, like 0.5."
    ] = None,
    by: By = "",
) -> Printed:
    """Shows or sets how much less than its amount pays a stablecoin order on a chain. The merchant
    bears it."""
    if percent is not None:
        await flow.set_tolerance(at.world, at.scope("terms", by), percent)
    tolerance = flow.percent(await store.tolerance_of(at.world.db.reader, at.merchant_id) or 0)
    return Printed({"percent": tolerance}, [f"{tolerance} %"])
