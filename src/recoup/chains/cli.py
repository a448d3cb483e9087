"""`recoup chain`: chains that orders are paid on, and the processes that read and write them."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, cast

import click
from msgspec import to_builtins

from recoup.chains import health, intake, sends_store, store
from recoup.chains.abi import from_hex, to_hex
from recoup.chains.compare import TOGETHER, Comparer, Discrepancy
from recoup.chains.evm_wire import Signer
from recoup.chains.loop import ChainLoop, lift_halt, what_is_wrong
from recoup.chains.rpc import AwayError
from recoup.chains.rpc import opened as opened_nodes
from recoup.chains.send import Sender
from recoup.chains.transfers import send_again, sweep_stray
from recoup.chains.verbs import NetworkName
from recoup.chains.watch import HaltError, Network, Watcher, networks_of
from recoup.kernel.ids import parse_id, wire_id
from recoup.kernel.problem import Problem, Sentence, in_words
from recoup.kernel.scope import Actor, Scope
from recoup.kit.cli.command import Printed, picked
from recoup.kit.cli.parameters import SHOWN, Option
from recoup.kit.cli.verb_group import VerbGroup
from recoup.kit.world import World
from recoup.merchants.cli import Opened, Run, verb
from recoup.orders.flows.find_order import find_one, home_of_order
from recoup.rescue.flows.locked import Orders
from recoup.stablecoin.rules.addresses import shown

PAUSE_SECONDS = 2.0
GWEI = 10**9
SUN = 10**6  # of a TRX
FEE_CAP = 200  # gwei
FEE_LIMIT = 150  # TRX
STUCK_MAX = 100
TX_BYTES = 32


@click.group(cls=VerbGroup, later={})
def chain() -> None:
    """Chains that stablecoin orders are paid on; see docs/chains.md."""


def networks(world: World) -> list[Network]:
    """Raises: Problem(not_found) where no channel of this world names a factory."""
    served = networks_of(intake.all_served(world.name))
    if not served:
        message = "No channel of this world is on a chain with a factory."
        raise Problem(
            "not_found", message, "Add [[channels]] to the settings file; see docs/chains.md."
        )
    return served


@verb(chain, json="")
async def status(opened: Opened) -> Printed:
    """Shows the channels of this world, how far each chain is read,
    and whether it takes payments."""
    rows, now = await health.channels(opened.world), opened.world.clocks.wall()
    lines = [
        f"{row.code}  {row.chain}  {_read_to(row, now)}  {row.halted or row.wrong or 'open'}"
        for row in rows
    ]
    return Printed(to_builtins(rows), lines or ["No channel of this world is on a chain."])


@verb(chain, json="")
async def check(opened: Opened) -> Printed:
    """Asks every node whether it would do what deposit addresses promise, and whether their
    balances are what the logs say. Exit 1 where something differs."""

    world, rows = opened.world, list[dict[str, Any]]()
    book = opened.services.get(Orders)
    for network in networks(world):
        discrepancies: list[Discrepancy] = []
        async with opened_nodes(network.kind, network.endpoints, world.clocks) as nodes:
            try:
                wrong = await what_is_wrong(network, nodes)
                now = world.clocks.wall()
                comparer = Comparer(world, Watcher(world, network, nodes), book)
                for db in [cell.db.reader for cell in world.every]:
                    after = b""
                    while page := await store.watched(db, network.kind, now, after, TOGETHER):
                        discrepancies += await comparer.compare({row.address: row for row in page})
                        after = page[-1].address
            except AwayError as error:
                wrong = f"{error}"
        orders = {
            wire_id("ord", discrepancy.row.order_id): discrepancy.missing
            for discrepancy in discrepancies
        }
        of_chain = {"wrong": wrong or None, "orders": orders}
        rows += [health.facts_of(channel) | of_chain for channel in network.channels.values()]
    lines = [
        f"{row['code']}  {intake.chain_name(row['chain_id'])}  {row['wrong'] or 'ok'}"
        for row in rows
    ]
    lines += [f"{order}: {missing}" for row in rows for order, missing in row["orders"].items()]
    lines = [*dict.fromkeys(lines)]  # an order's address is the same for all channels of its chain
    return Printed(rows, lines, failed=any(row["wrong"] or row["orders"] for row in rows))


@verb(chain)
async def lift(
    opened: Opened,
    number: Annotated[int, Option(metavar="CHAIN")],
    *,
    note: Annotated[str, "What you found, for the audit log."],
) -> str:
    """Lets a halted chain go on: it is read again from its last final block. Look at the chain
    first."""
    why = await lift_halt(opened.world, opened.scope("chain"), number, note)
    return f"chain {number} goes on; it was halted because {why}"


@verb(chain)
async def watch(opened: Opened) -> None:
    """Reads the chains until Ctrl-C, as the worker of `recoup up` does. It needs no keys."""
    world, orders = opened.world, opened.services.get(Orders)
    async with asyncio.TaskGroup() as group:
        for network in networks(world):
            group.create_task(_forever(network, ChainLoop(world, orders, network).once))


@verb(chain, json="")
async def sends(opened: Opened) -> Printed:
    """Shows the keys that send, what their gas cost, and what failed or waits for a person."""
    senders = await health.senders(opened.world)
    stuck = await sends_store.stuck(opened.world.db.reader, STUCK_MAX)
    lines = [
        f"{state.address}  {state.chain}  gas {state.spent}  "
        f"{state.halted or state.trouble or 'ok'}"
        for state in senders
    ] + [
        f"{row.send_id}  {intake.chain_name(row.chain)}  {row.subject_kind} {row.state}: {row.why}"
        for row in stuck
    ]
    waiting = [
        {
            "id": row.send_id,
            "chain_id": row.chain,
            "for": row.subject_kind,
            **picked(row, "state", "why"),
            "tx_hash": to_hex(row.hash) if row.hash else None,
        }
        for row in stuck
    ]
    payload = {"senders": to_builtins(senders), "stuck": waiting}
    return Printed(payload, lines or ["Nothing was sent yet."])


KeyFile = Annotated[Path, click.Path(path_type=Path, dir_okay=False)]


@verb(chain)
def send(
    run: Run,
    *,
    key: Annotated[
        tuple[KeyFile, ...],
        "Encrypted keystore file. The first key sweeps; each sends out of its own custody wallet.",
    ] = (),
    fee_cap: Annotated[float, SHOWN, "The most for a unit of gas, in gwei."] = float(FEE_CAP),
    fee_limit: Annotated[int, SHOWN, "The most for a transaction on TRON, in TRX."] = FEE_LIMIT,
    low_water: Annotated[float, SHOWN, "The coins of a chain below which you are told."] = 0.01,
    again: Annotated[
        str | None, Option("Sends a failed or held one once more, and ends.", metavar="ID")
    ] = None,
    went: Annotated[
        tuple[str, str] | None,
        Option("Says that a held one went by this transaction, and ends.", metavar="ID TX"),
    ] = None,
    go_on: Annotated[
        tuple[int, int] | None,
        Option(
            "Lifts a halt: so many are accounted for; on TRON, the blocks up to this one.",
            metavar="CHAIN COUNT",
        ),
    ] = None,
) -> None:
    """Sends sweeps, refunds and payouts until Ctrl-C. The only process that opens keys; their
    password is asked for, or stands in RECOUP_CHAIN_PASSWORD or the file of
    RECOUP_CHAIN_PASSWORD_FILE."""
    if again is not None:
        run(lambda opened: _once_more(opened, again))
        return
    if not key or (len(key) > 1 and (go_on or went)):
        raise Problem("invalid", "Name one key.", "Name its file: --key sender.json.", field="key")
    signers = [_signer(file) for file in key]
    gas, sun, low = int(fee_cap * GWEI), fee_limit * SUN, int(low_water * GWEI * GWEI)

    async def work(opened: Opened) -> None:
        world = opened.world
        async with AsyncExitStack() as stack:
            made = []
            for network in networks(world):
                nodes = await stack.enter_async_context(
                    opened_nodes(network.kind, network.endpoints, world.clocks)
                )
                for signer in signers:
                    sweeps = signer is signers[0]
                    sender: Sender
                    if (
                        network.kind == "tron"
                    ):  # has energy beside coins: what a transaction may cost should be there
                        from recoup.chains.tron_send import TronSender

                        sender = TronSender(
                            world, network, nodes, signer, sun, low_water=sun, sweeps=sweeps
                        )
                    else:
                        sender = Sender(
                            world, network, nodes, signer, gas, low_water=low, sweeps=sweeps
                        )
                    made.append((network, sender))
                    stack.push_async_callback(sender.close)
            if go_on or went:
                await _decide_by_hand(world, made, went, go_on)
                return
            for _, sender in made:
                await sender.open()
            for kind in dict.fromkeys(network.kind for network, _ in made):
                for signer in signers:
                    click.echo(f"sending from {shown(signer.address, kind)}")
            async with asyncio.TaskGroup() as group:
                for network, sender in made:
                    group.create_task(_forever(network, sender.work))

    run(work)


@verb(chain)
async def sweep(opened: Opened, order: str, token: str, *, network: NetworkName = None) -> str:
    """Has another token (its contract) or the chain's coin (`coin`) swept out of an order's
    address, to where its terms say. The sender does it; the gas is yours."""
    opened = opened.within(await home_of_order(opened.world, order))
    merchant_id, order_id = await find_one(opened.world, order)
    scope = Scope(merchant_id, Actor("operator", "cli"), "cli")
    wanted = await sweep_stray(opened.world, scope, order_id, network, token)
    return f"wanted as {wanted.send_id}; see `recoup chain sends`"


async def _once_more(opened: Opened, text: str) -> None:
    send = await _send(opened.world, text)
    scope = Scope(send.merchant_id, Actor("operator", "cli"), "cli")
    await send_again(opened.world, opened.services.get(Orders), scope, send)


async def _decide_by_hand(
    world: World,
    made: Sequence[tuple[Network, Any]],
    went: tuple[str, str] | None,
    go_on: tuple[int, int] | None,
) -> None:
    send = await _send(world, went[0]) if went else None
    which = send.chain if send is not None else go_on and go_on[0]
    for sender in [sender for network, sender in made if network.chain == which]:
        if send is not None and went:
            await sender.went(send, tx_bytes(went[1]))
        elif go_on:
            click.echo(f"{await sender.go_on(go_on[1])} held; see `recoup chain sends`")


def tx_bytes(text: str) -> bytes:
    """Raises: Problem(invalid)."""
    try:
        raw = from_hex(text)
    except ValueError:
        raw = b""
    if len(raw) != TX_BYTES:
        raise Problem(
            "invalid", "This is no transaction.", "Give 0x and 64 hexadecimal digits.", field="went"
        )
    return raw


async def _send(world: World, text: str) -> Any:
    """Raises: Problem(not_found)."""
    send_id = parse_id(text)
    send = await sends_store.send_of(world.db.reader, send_id) if send_id else None
    if send is None:
        raise Problem("not_found", "There is no such send.", "See `recoup chain sends`.")
    return send


@verb(chain, "key")
def make_key(file: KeyFile) -> str:
    """Makes a key for the sender, encrypted by a password, and prints its address."""
    try:
        signer = _keystore().make_key(file, _password())
    except FileExistsError:
        raise Problem(
            "conflict", Sentence("{0} is there already.", file), "Name another file."
        ) from None
    return shown(signer.address, "evm")


@verb(chain, sandbox_only=True, hidden=True)
async def trial(opened: Opened) -> None:
    """Runs the sender and the miner of `recoup up --chain`."""
    from recoup.chains.dev_node import DevNode
    from recoup.chains.keystore import open_key
    from recoup.chains.trial import PASSWORD, Miner, give_wallets

    world = opened.world
    signer = open_key(opened.data_dir / "chain/sender.json", PASSWORD)

    async def each(network: Network) -> None:
        async with opened_nodes(network.kind, network.endpoints, world.clocks) as nodes:
            sender = Sender(world, network, nodes, signer, FEE_CAP * GWEI)
            miner = Miner(DevNode(nodes[0]))

            async def turn() -> None:
                await give_wallets(world, miner.node)
                await miner.once()
                await sender.work()

            await _forever(network, turn)

    async with asyncio.TaskGroup() as group:
        for network in networks(world):
            group.create_task(each(network))


@verb(chain, json="")
async def deploy(
    opened: Opened,
    code: str,
    *,
    key: Annotated[KeyFile, "Encrypted keystore file."],
    fee_limit: Annotated[int, SHOWN, "The most that it may cost on TRON, in TRX."] = FEE_LIMIT,
) -> Printed:
    """Puts the factory on the chain of a channel: on every EVM network at the same address. Once a
    chain."""
    from recoup.chains.deploy import deploy_factory, deploy_on_tron

    signer, channel = _signer(key), intake.served(code)
    if channel is None or channel.world != opened.world.name:
        message = Sentence("There is no channel {0} in this world.", repr(code))
        raise Problem("not_found", message, "See `recoup chain status`.")
    if channel.kind == "tron":
        factory = await deploy_on_tron(channel, opened.world.clocks, signer, fee_limit * SUN)
    else:
        factory = await deploy_factory(channel, opened.world, signer, FEE_CAP * GWEI)
    address = shown(factory, channel.kind)
    return Printed(health.facts_of(channel) | {"factory": address}, [f'factory = "{address}"'])


def _read_to(row: health.ChannelState, now: datetime) -> str:
    if row.agreed_at is None or row.polled_at is None:
        return "not read yet"
    return (
        f"read to {row.read_to} of {row.head}, {_age(now - row.agreed_at)} old, asked "
        f"{_age(now - row.polled_at)} ago"
    )


def _age(length: timedelta) -> str:
    seconds = max(0, int(length.total_seconds()))
    return (
        f"{seconds} s"
        if seconds < 120
        else f"{seconds // 60} min"
        if seconds < 7200
        else f"{seconds // 3600} h"
    )


async def _forever(network: Network, once: Any) -> None:
    trouble = 0
    while True:
        try:
            await once()
            trouble = 0
        except (AwayError, HaltError, Problem) as error:
            trouble += 1
            click.echo(f"{intake.chain_name(network.chain)}: {error}", err=True)
        except Exception as error:  # noqa: BLE001
            # it ends no other chain; its own text may hold a node's key
            trouble += 1
            click.echo(f"{intake.chain_name(network.chain)}: {in_words(error)}", err=True)
        await asyncio.sleep(min(60.0, PAUSE_SECONDS * 2 ** min(trouble, 5)))


def _signer(file: Path) -> Signer:
    """Raises: Problem(unavailable)."""
    return cast("Signer", _keystore().open_key(file, _password()))


def _keystore() -> Any:
    """Raises: Problem(unavailable)."""
    try:
        from recoup.chains import keystore
    except ModuleNotFoundError as error:
        message = Sentence(
            "The package {0}, which signs transactions, is not installed.", error.name
        )
        cure = "Install it, in a clone: `.venv/bin/pip install -e '.[chain]'`."
        raise Problem("unavailable", message, cure) from None
    return keystore


def _password() -> str:
    return _keystore().given_password() or str(click.prompt("Password of the key", hide_input=True))
