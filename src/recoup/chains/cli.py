"""`recoup chain`: chains that orders are paid on, and the processes that read and write them."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import click
from msgspec import to_builtins

from recoup.chains import health, intake, sends_store, store
from recoup.chains.abi import from_hex, to_hex
from recoup.chains.channels import NETWORK_PRESETS
from recoup.chains.compare import TOGETHER, Comparer, Discrepancy
from recoup.chains.evm_wire import Signer
from recoup.chains.loop import ChainLoop, lift_halt, what_is_wrong
from recoup.chains.rpc import AwayError
from recoup.chains.rpc import opened as opened_nodes
from recoup.chains.send import Sender
from recoup.chains.transfers import send_again, sweep_stray
from recoup.chains.watch import HaltError, Network, Watcher, networks_of
from recoup.kernel.ids import parse_id, wire_id
from recoup.kernel.problem import Problem, Sentence, in_words
from recoup.kernel.scope import Actor, Scope
from recoup.kit.cli.verb_group import VerbGroup
from recoup.kit.world import World
from recoup.merchants.cli import Opened, Run, in_sandbox, in_world, json_option, show
from recoup.orders.flows.find_order import find_one
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
    found = networks_of(intake.all_served(world.name))
    if not found:
        message = "No channel of this world is on a chain with a factory."
        raise Problem(
            "not_found", message, cure="Add [[channels]] to the settings file; see docs/chains.md."
        )
    return found


@chain.command()
@json_option
@in_world
def status(run: Run, as_json: bool) -> None:
    """Shows the channels of this world, how far each chain is read, and whether it takes payments."""

    async def work(opened: Opened) -> tuple[list[health.ChannelState], datetime]:
        return await health.channels(opened.world), opened.world.clocks.wall()

    rows, now = run(work)
    lines = [
        f"{row.code}  {row.chain}  {_read_to(row, now)}  {row.halted or row.wrong or 'open'}"
        for row in rows
    ]
    show(to_builtins(rows), lines or ["No channel of this world is on a chain."], as_json=as_json)


@chain.command()
@json_option
@in_world
def check(run: Run, as_json: bool) -> None:
    """Asks every node whether it would do what deposit addresses promise, and whether their balances are what the logs
    say. Exit 1 where something differs."""

    async def work(opened: Opened) -> list[dict[str, Any]]:
        world, rows = opened.world, []
        for network in networks(world):
            found: list[Discrepancy] = []
            async with opened_nodes(network.kind, network.endpoints, world.clocks) as nodes:
                try:
                    wrong = await what_is_wrong(network, nodes)
                    book, db, now = (
                        opened.services.get(Orders),
                        world.db.reader,
                        world.clocks.wall(),
                    )
                    comparer, after = Comparer(world, Watcher(world, network, nodes), book), b""
                    while page := await store.watched(db, network.kind, now, after, TOGETHER):
                        found += await comparer.compare({row.address: row for row in page})
                        after = page[-1].address
                except AwayError as error:
                    wrong = f"{error}"
            orders = {wire_id("ord", one.row.order_id): one.missing for one in found}
            of_chain = {"wrong": wrong or None, "orders": orders}
            rows += [health.facts_of(channel) | of_chain for channel in network.channels.values()]
        return rows

    rows = run(work)
    lines = [
        f"{row['code']}  {intake.chain_name(row['chain_id'])}  {row['wrong'] or 'ok'}"
        for row in rows
    ]
    lines += [f"{order}: {missing}" for row in rows for order, missing in row["orders"].items()]
    lines = [*dict.fromkeys(lines)]  # an order's address is the same for all channels of its chain
    show(rows, lines, as_json=as_json)
    if any(row["wrong"] or row["orders"] for row in rows):
        raise SystemExit(1)


@chain.command()
@click.argument("number", metavar="CHAIN", type=int)
@click.option("--note", required=True, help="What you found, for the audit log.")
@in_world
def lift(run: Run, number: int, note: str) -> None:
    """Lets a halted chain go on: it is read again from its last final block. Look at the chain first."""

    async def work(opened: Opened) -> str:
        return await lift_halt(opened.world, opened.scope("chain"), number, note)

    click.echo(f"chain {number} goes on; it was halted because {run(work)}")


@chain.command()
@in_world
def watch(run: Run) -> None:
    """Reads the chains until Ctrl-C, as the worker of `recoup up` does. It needs no keys."""

    async def work(opened: Opened) -> None:
        async with asyncio.TaskGroup() as group:
            for network in networks(opened.world):
                group.create_task(
                    _forever(
                        network, ChainLoop(opened.world, opened.services.get(Orders), network).once
                    )
                )

    run(work)


@chain.command()
@json_option
@in_world
def sends(run: Run, as_json: bool) -> None:
    """Shows the keys that send, what their gas cost, and what failed or waits for a person."""

    async def work(opened: Opened) -> dict[str, Any]:
        stuck = await sends_store.stuck(opened.world.db.reader, STUCK_MAX)
        return {
            "senders": await health.senders(opened.world),
            "stuck": [
                {
                    "id": str(one.send_id),
                    "chain_id": one.chain,
                    "for": one.subject_kind,
                    "state": one.state,
                    "why": one.why,
                    "tx_hash": to_hex(one.hash) if one.hash else None,
                }
                for one in stuck
            ],
        }

    found = run(work)
    lines = [
        f"{one.address}  {one.chain}  gas {one.spent}  {one.halted or one.trouble or 'ok'}"
        for one in found["senders"]
    ] + [
        f"{one['id']}  {intake.chain_name(one['chain_id'])}  {one['for']} {one['state']}: {one['why']}"
        for one in found["stuck"]
    ]
    show(to_builtins(found), lines or ["Nothing was sent yet."], as_json=as_json)


@chain.command()
@click.option(
    "--key",
    "files",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Encrypted keystore file. The first key sweeps; each sends out of its own custody wallet.",
)
@click.option(
    "--fee-cap",
    type=float,
    default=float(FEE_CAP),
    show_default=True,
    help="The most for a unit of gas, in gwei.",
)
@click.option(
    "--fee-limit",
    type=int,
    default=FEE_LIMIT,
    show_default=True,
    help="The most for a transaction on TRON, in TRX.",
)
@click.option(
    "--low-water",
    type=float,
    default=0.01,
    show_default=True,
    help="The coins of a chain below which you are told.",
)
@click.option("--again", metavar="ID", help="Sends a failed or held one once more, and ends.")
@click.option(
    "--went",
    nargs=2,
    metavar="ID TX",
    help="Says that a held one went by this transaction, and ends.",
)
@click.option(
    "--go-on",
    nargs=2,
    type=int,
    metavar="CHAIN COUNT",
    help="Lifts a halt: so many are accounted for; on TRON, the blocks up to this one.",
)
@in_world
def send(
    run: Run,
    files: tuple[Path, ...],
    fee_cap: float,
    fee_limit: int,
    low_water: float,
    again: str | None,
    went: tuple[str, str] | None,
    go_on: tuple[int, int] | None,
) -> None:
    """Sends sweeps, refunds and payouts until Ctrl-C. The only process that opens keys; their password is asked for, or
    stands in RECOUP_CHAIN_PASSWORD or the file of RECOUP_CHAIN_PASSWORD_FILE."""
    if again is not None:
        return run(lambda opened: _once_more(opened, again))
    if not files or (len(files) > 1 and (go_on or went)):
        raise Problem(
            "invalid", "Name one key.", field="key", cure="Name its file: --key sender.json."
        )
    signers = [_signer(file) for file in files]
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
                    one: Sender
                    if (
                        network.kind == "tron"
                    ):  # has energy beside coins: what a transaction may cost should be there
                        from recoup.chains.tron_send import TronSender

                        one = TronSender(
                            world, network, nodes, signer, sun, low_water=sun, sweeps=sweeps
                        )
                    else:
                        one = Sender(
                            world, network, nodes, signer, gas, low_water=low, sweeps=sweeps
                        )
                    made.append((network, one))
                    stack.push_async_callback(one.close)
            if go_on is not None or went is not None:
                await _decide_by_hand(world, made, went, go_on)
                return
            for _, one in made:
                await one.open()
            for kind in dict.fromkeys(network.kind for network, _ in made):
                for signer in signers:
                    click.echo(f"sending from {shown(signer.address, kind)}")
            async with asyncio.TaskGroup() as group:
                for network, one in made:
                    group.create_task(_forever(network, one.work))

    return run(work)


@chain.command()
@click.argument("order")
@click.argument("token")
@click.option("--network", type=click.Choice(list(NETWORK_PRESETS)), help="Default: the order's.")
@in_world
def sweep(run: Run, order: str, token: str, network: str | None) -> None:
    """Has another token (its contract) or the chain's coin (`coin`) swept out of an order's address, to where its terms
    say. The sender does it; the gas is yours."""

    async def work(opened: Opened) -> str:
        merchant_id, order_id = await find_one(opened.world, order)
        scope = Scope(merchant_id, Actor("operator", "cli"), "cli")
        return str((await sweep_stray(opened.world, scope, order_id, network, token)).send_id)

    click.echo(f"wanted as {run(work)}; see `recoup chain sends`")


async def _once_more(opened: Opened, text: str) -> None:
    found = await _send(opened.world, text)
    scope = Scope(found.merchant_id, Actor("operator", "cli"), "cli")
    await send_again(opened.world, opened.services.get(Orders), scope, found)


async def _decide_by_hand(
    world: World,
    made: Sequence[tuple[Network, Any]],
    went: tuple[str, str] | None,
    go_on: tuple[int, int] | None,
) -> None:
    found = await _send(world, went[0]) if went is not None else None
    which = found.chain if found is not None else go_on and go_on[0]
    for one in [one for network, one in made if network.chain == which]:
        if found is not None and went is not None:
            await one.went(found, tx_bytes(went[1]))
        elif go_on is not None:
            click.echo(f"{await one.go_on(go_on[1])} held; see `recoup chain sends`")


def tx_bytes(text: str) -> bytes:
    """Raises: Problem(invalid)."""
    try:
        raw = from_hex(text)
    except ValueError:
        raw = b""
    if len(raw) != TX_BYTES:
        raise Problem(
            "invalid",
            "This is no transaction.",
            field="went",
            cure="Give 0x and 64 hexadecimal digits.",
        )
    return raw


async def _send(world: World, text: str) -> Any:
    """Raises: Problem(not_found)."""
    send_id = parse_id(text)
    found = await sends_store.send_of(world.db.reader, send_id) if send_id is not None else None
    if found is None:
        raise Problem("not_found", "There is no such send.", cure="See `recoup chain sends`.")
    return found


@chain.command("key")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def make_key(file: Path) -> None:
    """Makes a key for the sender, encrypted by a password, and prints its address."""
    try:
        signer = _keystore().make_key(file, _password())
    except FileExistsError:
        raise Problem(
            "conflict", Sentence("{0} is there already.", file), cure="Name another file."
        ) from None
    click.echo(shown(signer.address, "evm"))


@chain.command(hidden=True)
@in_sandbox
def trial(run: Run) -> None:
    """Runs the sender and the miner of `recoup up --chain`."""
    from recoup.chains.dev_node import DevNode
    from recoup.chains.keystore import open_key
    from recoup.chains.trial import PASSWORD, Miner, give_wallets

    async def work(opened: Opened) -> None:
        world = opened.world
        signer = open_key(opened.data_dir / "chain/sender.json", PASSWORD)

        async def each(network: Network) -> None:
            async with opened_nodes(network.kind, network.endpoints, world.clocks) as nodes:
                sender, miner = (
                    Sender(world, network, nodes, signer, FEE_CAP * GWEI),
                    Miner(DevNode(nodes[0])),
                )

                async def turn() -> None:
                    await give_wallets(world, miner.node)
                    await miner.once()
                    await sender.work()

                await _forever(network, turn)

        async with asyncio.TaskGroup() as group:
            for network in networks(world):
                group.create_task(each(network))

    run(work)


@chain.command()
@click.argument("code")
@click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="Encrypted keystore file.",
)
@click.option(
    "--fee-limit",
    type=int,
    default=FEE_LIMIT,
    show_default=True,
    help="The most that it may cost on TRON, in TRX.",
)
@json_option
@in_world
def deploy(run: Run, code: str, key: Path, fee_limit: int, as_json: bool) -> None:
    """Puts the factory on the chain of a channel: on every EVM network at the same address. Once a chain."""
    signer = _signer(key)
    from recoup.chains.deploy import deploy_factory, deploy_on_tron

    async def work(opened: Opened) -> dict[str, Any]:
        channel, clocks = intake.served(code), opened.world.clocks
        if channel is None or channel.world != opened.world.name:
            message = Sentence("There is no channel {0} in this world.", repr(code))
            raise Problem("not_found", message, cure="See `recoup chain status`.")
        if channel.kind == "tron":
            factory = await deploy_on_tron(channel, clocks, signer, fee_limit * SUN)
        else:
            factory = await deploy_factory(channel, opened.world, signer, FEE_CAP * GWEI)
        return health.facts_of(channel) | {"factory": shown(factory, channel.kind)}

    made = run(work)
    show(made, [f'factory = "{made["factory"]}"'], as_json=as_json)


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
        except Exception as error:  # noqa: BLE001 - it ends no other chain; its own text may hold a node's key
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
        raise Problem("unavailable", message, cure=cure) from None
    return keystore


def _password() -> str:
    return _keystore().given_password() or str(click.prompt("Password of the key", hide_input=True))
