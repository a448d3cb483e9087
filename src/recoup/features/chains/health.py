"""How each chain stands: how far it was read, what closes it, and what its senders lack."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from recoup.features.chains import intake, sends_store, store
from recoup.features.chains.addresses import shown
from recoup.features.chains.channels import ChannelSettings, without_secrets
from recoup.features.chains.depth import text_of
from recoup.features.chains.intake import PROVED_FOR
from recoup.flows.world import World
from recoup.kernel.sentence import Sentence
from recoup.kernel.time import iso


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
        """As people know it: `Base (8453)`."""
        return intake.chain_name(self.chain_id)


class ChannelState(ChannelFacts, frozen=True):
    """`wrong`: why it takes no payments, None where it does. Heights are blocks; `agreed_at` is the time of the newest
    block that its nodes agree on, `polled_at` when they were asked last."""

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
        """As people know it: `Base (8453)`."""
        return intake.chain_name(self.chain_id)

    @property
    def spent(self) -> str:
        """Its gas in words: `0.0021 ETH`; in base units where no channel is served any more."""
        one = intake.channel_on(self.chain_id)
        return one.coins(self.gas) if one else self.gas


def facts_of(one: ChannelSettings) -> dict[str, Any]:
    """The members of `ChannelFacts`."""
    return dict(
        code=one.code,
        rpc=[without_secrets(url) for url in one.endpoints],
        chain_id=one.chain_id,
        token=shown(one.token, one.kind),
        decimals=one.decimals,
        factory=shown(one.factory, one.kind) if one.factory else None,
        confirmations=text_of(one.confirmations, one.asset),
    )


async def channels(world: World) -> list[ChannelState]:
    return [await _channel(world, one) for one in intake.all_served(world.name)]


async def _channel(world: World, one: ChannelSettings) -> ChannelState:
    now, db = world.clocks.wall(), world.db.reader
    cursor = await store.cursor_of(db, one.chain_id)
    proof = await store.gate_of(db, one.chain_id, one.factory) if one.factory else None
    wrong = proof.wrong if proof else "not proved yet" if one.factory else "no factory yet"
    if proof and not wrong and now > proof.proved_at + PROVED_FOR:
        wrong = "not proved lately"
    return ChannelState(
        **facts_of(one),
        network=one.network,
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
    kinds = {one.chain_id: one.kind for one in intake.all_served()}
    return [
        SenderState(one.chain, shown(one.sender, kinds.get(one.chain, "evm")), str(one.gas), one.halted, one.trouble)
        for one in await sends_store.senders(world.db.reader)
    ]


async def troubles(world: World) -> list[tuple[str, str, str]]:
    """Findings for `recoup doctor`: subject, finding and cure. A chain is named once."""
    found: dict[tuple[int, str], tuple[str, str, str]] = {}
    for one in await channels(world):
        if one.halted:
            cure: str = Sentence("It is halted: look at it, then run `recoup chain lift {0}`.", one.chain_id)
            found[one.chain_id, ""] = (one.chain, one.halted, cure)
        elif one.wrong and one.factory:
            found[one.chain_id, ""] = (one.chain, one.wrong, "It takes no payments: see `recoup chain check`.")
        elif one.late and one.agreed_at:
            cure = "See in the worker's log whether its nodes answer."
            found[one.chain_id, ""] = (one.chain, Sentence("It is read to {0} only.", iso(one.agreed_at)), cure)
    for key in await senders(world):
        if said := key.halted or key.trouble:
            found[key.chain_id, key.address] = (Sentence("sender {0}", key.address), said, "See `recoup chain sends`.")
    return list(found.values())
