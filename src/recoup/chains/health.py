"""State of each chain: how far it was read, what closes it, what its senders lack, and for `recoup
verify --chain` what differs between the book, the logs and the nodes' present state, order by order
and in custody wallets."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from recoup.chains import intake, sends_store, store
from recoup.chains.channels import ChannelSettings, without_secrets
from recoup.chains.compare import TOGETHER, Comparer
from recoup.chains.credit import folded, sweeps_of
from recoup.chains.depth import text_of
from recoup.chains.intake import PROVED_FOR
from recoup.chains.reading import balance_at
from recoup.chains.rpc import AwayError, opened
from recoup.chains.store import BookedAddress, ChainLog
from recoup.chains.units import cent
from recoup.chains.watch import Network, Watcher, networks_of
from recoup.chains.words import NO_FACTORY, PROVED_LONG_AGO, UNPROVED
from recoup.kernel.money import EXPONENTS
from recoup.kernel.problem import Sentence
from recoup.kernel.time import iso
from recoup.kit.proofs.walk import Difference
from recoup.kit.world import World
from recoup.orders.rules.lifecycle import ENDED
from recoup.stablecoin.moves.late_payment import PAID_AFTER_ALL
from recoup.stablecoin.rules.addresses import shown


class ChannelFacts(Struct, frozen=True):
    """A channel as `--json` of each verb names it."""

    code: str
    rpc: list[str]
    chain_id: int
    token: str
    decimals: int
    factory: str | None
    confirmations: str

    @property
    def chain(self) -> str:
        """The chain as people know it: `Base (8453)`."""
        return intake.chain_name(self.chain_id)


class ChannelState(ChannelFacts, frozen=True):
    """`wrong`: why it takes no payments, None where it does. Heights are blocks; `agreed_at` is the
    time of the newest block that its nodes agree on, `polled_at` when they were asked last."""

    network: str
    read_to: int | None
    head: int | None
    agreed_at: datetime | None
    polled_at: datetime | None
    proved_at: datetime | None
    halted: str | None
    late: bool
    wrong: str | None


class SenderState(Struct, frozen=True):
    """`gas`: what its transactions cost so far, in the base units of the chain's coin."""

    chain_id: int
    address: str
    gas: str
    halted: str | None
    trouble: str | None

    @property
    def chain(self) -> str:
        """The chain as people know it: `Base (8453)`."""
        return intake.chain_name(self.chain_id)

    @property
    def spent(self) -> str:
        """Its gas in words: `0.0021 ETH`; in base units where no channel is served any more."""
        channel = intake.channel_on(self.chain_id)
        return channel.coins(self.gas) if channel else self.gas


def facts_of(channel: ChannelSettings) -> dict[str, Any]:
    """The members of `ChannelFacts`."""
    return dict(
        code=channel.code,
        rpc=[without_secrets(url) for url in channel.endpoints],
        chain_id=channel.chain_id,
        token=shown(channel.token, channel.kind),
        decimals=channel.decimals,
        factory=shown(channel.factory, channel.kind) if channel.factory else None,
        confirmations=text_of(channel.confirmations, channel.asset),
    )


async def channels(world: World) -> list[ChannelState]:
    return [await _channel(world, channel) for channel in intake.all_served(world.name)]


async def _channel(world: World, channel: ChannelSettings) -> ChannelState:
    now, db = world.clocks.wall(), world.db.reader
    cursor = await store.cursor_of(db, channel.chain_id)
    proof = await store.gate_of(db, channel.chain_id, channel.factory) if channel.factory else None
    wrong = proof.wrong if proof else UNPROVED if channel.factory else NO_FACTORY
    if proof and not wrong and now > proof.proved_at + PROVED_FOR:
        wrong = PROVED_LONG_AGO
    return ChannelState(
        **facts_of(channel),
        network=channel.network,
        read_to=cursor.block if cursor else None,
        head=cursor.head if cursor else None,
        agreed_at=cursor.agreed_at if cursor else None,
        polled_at=cursor.polled_at if cursor else None,
        proved_at=proof.proved_at if proof else None,
        halted=cursor.halted if cursor else None,
        late=cursor is not None and intake.is_stale(cursor.agreed_at, world.name, now),
        wrong=wrong or None,
    )


async def senders(world: World) -> list[SenderState]:
    kinds = {channel.chain_id: channel.kind for channel in intake.all_served()}
    states = []
    for sender in await sends_store.senders(world.db.reader):
        gas = await sends_store.gas_of(world.db.reader, sender.chain, sender.sender)
        who = shown(sender.sender, kinds.get(sender.chain, "evm"))
        states.append(SenderState(sender.chain, who, str(gas), sender.halted, sender.trouble))
    return states


async def troubles(world: World) -> list[tuple[str, str, str]]:
    """Findings for `recoup doctor`: subject, finding and cure. A chain is named once."""
    findings: dict[tuple[int, str], tuple[str, str, str]] = {}
    for channel in await channels(world):
        if channel.halted:
            cure: str = Sentence(
                "It is halted: look at it, then run `recoup chain lift {0}`.", channel.chain_id
            )
            findings[channel.chain_id, ""] = (channel.chain, channel.halted, cure)
        elif channel.wrong and channel.factory:
            node, colon, text = channel.wrong.partition(": ")
            said: str = Sentence("{0}: {1}", node, text) if colon else channel.wrong
            findings[channel.chain_id, ""] = (
                channel.chain,
                said,
                "It takes no payments: see `recoup chain check`.",
            )
        elif channel.late and channel.agreed_at:
            cure = "See in the worker's log whether its nodes answer."
            findings[channel.chain_id, ""] = (
                channel.chain,
                Sentence("It is read to {0} only.", iso(channel.agreed_at)),
                cure,
            )
    for key in await senders(world):
        if why := key.halted or key.trouble:
            findings[key.chain_id, key.address] = (
                Sentence("sender {0}", key.address),
                why,
                "See `recoup chain sends`.",
            )
    return list(findings.values())


async def differences(world: World) -> list[Difference]:
    """Differences between the book, the logs and the nodes' present state, by order."""
    differences: list[Difference] = []
    rows: list[BookedAddress] = []
    for db in [cell.db.reader for cell in world.every]:
        after = UUID(int=0), UUID(int=0)
        while part := await store.booked_addresses(db, *after, PAID_AFTER_ALL, TOGETHER):
            logs: dict[bytes, list[ChainLog]] = defaultdict(list)
            for log in await store.logs_at(db, [row.address for row in part]):
                logs[log.address].append(log)
            for row in part:
                differences += _of_book(row, logs[row.address])
            rows += part
            after = part[-1].merchant_id, part[-1].order_id
    for network in networks_of(intake.all_served(world.name)):
        differences += await _of_state(
            world, network, [row for row in rows if row.kind == network.kind]
        )
    return differences


def _of_book(row: BookedAddress, logs: Sequence[ChainLog]) -> Iterator[Difference]:
    own = intake.served(row.channel)
    if own is None:
        yield Difference(
            row.merchant_id, row.order_id, "channel", "one that is served", row.channel
        )
        return
    units = own.book
    came = units(folded(row, logs).received) if row.stage in ENDED else 0
    dust = cent(EXPONENTS[own.asset])  # by less the book may be behind
    if not 0 <= came - row.came < dust:
        yield Difference(
            row.merchant_id,
            row.order_id,
            "what came, by the book",
            f"{came} by the logs",
            f"{row.came}",
        )
    went = units(sum(sweep.to_merchant for sweep in sweeps_of(logs, own)))
    if (
        own.settlement == "direct"
        and row.stage == "completed"
        and not 0 <= went - row.settled < dust
    ):
        settled = f"{went} by the factory's logs"
        yield Difference(
            row.merchant_id, row.order_id, "what settled, by the book", settled, f"{row.settled}"
        )


async def _of_state(
    world: World, network: Network, rows: Sequence[BookedAddress]
) -> list[Difference]:
    differences: list[Difference] = []
    cursor = await store.cursor_of(world.db.reader, network.chain)
    why = "nothing of it" if cursor is None or not cursor.block else cursor.halted
    if why and any(
        row.channel in {channel.code for channel in network.channels.values()} for row in rows
    ):
        differences.append(
            Difference(None, None, f"chain {network.chain}", "a chain that is read", why)
        )
    async with opened(network.kind, network.endpoints, world.clocks) as nodes:
        comparer = Comparer(world, Watcher(world, network, nodes))
        try:
            for start in range(0, len(rows), TOGETHER):
                part = {row.address: row for row in rows[start : start + TOGETHER]}
                for address, missing in (await comparer.differing(part)).items():
                    row, field = part[address], f"balance on chain {network.chain}"
                    differences.append(
                        Difference(
                            row.merchant_id, row.order_id, field, "what the logs say", missing
                        )
                    )
            for channel in network.channels.values():
                if channel.settlement != "custodial" or channel.custody is None:
                    continue
                held = min(
                    [await balance_at(node, channel.token, channel.custody) for node in nodes[:2]]
                )
                ours = [row.address for row in rows if row.channel == channel.code]
                got = await store.gathered(
                    world.db.reader, network.chain, channel.token, channel.code, ours
                )
                if held < (least := int(got)):
                    field = f"balance of {shown(channel.custody, channel.kind)} ({channel.code})"
                    differences.append(
                        Difference(None, None, field, f"at least {least}", f"{held}")
                    )
        except AwayError as error:
            differences.append(
                Difference(
                    None, None, f"chain {network.chain}", "an answer of its node", f"{error}"
                )
            )
    return differences
