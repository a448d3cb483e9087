"""Preparation of a charge on a chain before it is admitted: its terms, and by them the address that
its payer pays to."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar, cast
from uuid import UUID
from weakref import WeakKeyDictionary

from msgspec.structs import replace

from recoup.chains import store
from recoup.chains.artifacts import artifact
from recoup.chains.channels import ChannelSettings, read_channels
from recoup.chains.depth import blocks_of, required
from recoup.chains.terms import Terms, deposit_address, to_json
from recoup.db.pool import Database, retrying
from recoup.kernel.money import shown as shown_money
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.time import iso
from recoup.kit.world import World
from recoup.merchants.store.merchants import MerchantSettings
from recoup.orders.rules.lifecycle import OPEN
from recoup.orders.store.intake import NewOrder
from recoup.orders.store.locks import lock_orders
from recoup.orders.store.rows import add_facts
from recoup.stablecoin.rules import channels
from recoup.stablecoin.rules.addresses import read_address, shown
from recoup.stablecoin.store.stable_orders import StableOrder
from recoup.terms.rules.fees import choose, fee_units

WATCHED: Final = timedelta(days=90)  # behind the order's end
PROVED_FOR: Final = timedelta(hours=3)  # it is proved hourly
STALE: Final = timedelta(minutes=15)
KEPT_SECONDS: Final = 1.0
KEPT_MAX: Final = 20_000
T = TypeVar("T")
_served: dict[str, ChannelSettings] = {}
_by_token: dict[tuple[int, bytes], ChannelSettings] = {}
_known: WeakKeyDictionary[Database, dict[Hashable, tuple[float, asyncio.Task[Any]]]] = (
    WeakKeyDictionary()
)


def serve(channels: Iterable[ChannelSettings]) -> None:
    """Takes these into use, once a process, instead of those of before."""
    _served.clear()
    _served.update((channel.code, channel) for channel in channels)
    _by_token.clear()
    _by_token.update(((channel.chain_id, channel.token), channel) for channel in _served.values())


def serve_tables(tables: object) -> tuple[ChannelSettings, ...]:
    """`[[channels]]` of the settings, in use by this process and shown to its doors. Raises:
    Problem(invalid)."""
    settings = read_channels(tables)
    channels.serve(channel.channel for channel in settings)
    serve(settings)
    return settings


def served_token(chain: int, token: bytes) -> ChannelSettings | None:
    return _by_token.get((chain, token))


def channel_on(chain: int) -> ChannelSettings | None:
    """The settings of one of the channels on this chain, for what all say alike."""
    return next((channel for channel in _served.values() if channel.chain_id == chain), None)


def chain_name(chain: int) -> str:
    """The chain as people know it: `Base (8453)`; its number where no channel is served any
    more."""
    channel = channel_on(chain)
    return channel.chain if channel else f"chain {chain}"


def served_lookalike(chain: int, token: bytes) -> ChannelSettings | None:
    """A channel for whose token payers take this one."""
    return next(
        (
            channel
            for channel in _served.values()
            if channel.chain_id == chain and token in channel.lookalikes
        ),
        None,
    )


def served(code: str | None) -> ChannelSettings | None:
    return _served.get(code or "")


async def complete(world: World, settings: MerchantSettings, row: NewOrder) -> NewOrder:
    """Raises: Problem(invalid) for an amount that the channel does not take, or without an address
    to settle to; Problem(unavailable) for a channel that is not open."""
    channel = served(row.channel)
    if channel is None:
        return row
    return replace(
        row, facts={**row.facts, **await terms_of(world, settings, channel, row, row.site_id)}
    )


async def terms_of(
    world: World,
    settings: MerchantSettings,
    channel: ChannelSettings,
    order: NewOrder | StableOrder,
    site_id: UUID,
) -> dict[str, Any]:
    """Facts of an order on this channel: what it is paid by. Raises: as `complete`."""
    check_amount(channel, order.units)
    await check_open(world, channel)
    assert channel.factory is not None
    assert order.expires_at  # every charge ends
    tariff = choose(
        settings.fee_terms,
        site_id=site_id,
        order_type="STABLE",
        currency=channel.asset,
        at=order.placed_at,
    )
    fee = fee_units(order.units, tariff)
    terms = Terms(
        order=order.order_id,
        merchant=await _receiver(world, channel, order, settings.merchant.version),
        treasury=channel.treasury,
        net=channel.base(order.units - fee),
        fee=channel.base(fee),
    )
    implementation = artifact(channel.kind).implementation_of(channel.factory)
    address = deposit_address(channel.kind, channel.factory, implementation, terms)
    wanted = required(channel.confirmations, order.units)
    version = settings.merchant.version
    read = partial(store.tolerance_of, world.db, order.merchant_id)
    tolerance = await _kept(world, (order.merchant_id, "tolerance", version), read) or 0
    chain: dict[str, Any] = {
        "kind": channel.kind,
        "chain_id": channel.chain_id,
        "network": channel.network,
        "address": shown(address, channel.kind),
        "raw": address.hex(),
        "token": shown(channel.token, channel.kind),
        "decimals": channel.decimals,
        "confirmations": blocks_of(wanted, channel.usual),
        "due": str(terms.due),
        "enough": str(
            terms.due - min(terms.due * tolerance // 10_000, terms.net)
        ),  # of the merchant's part alone
        "terms": to_json(terms, channel.kind),
        "expires_at": iso(order.expires_at),
        "watched_until": iso(
            order.expires_at - timedelta(microseconds=settings.merchant.offset_us) + WATCHED
        ),
    }
    return {"chain": chain, "fee_units": fee, "settles_to": shown(terms.merchant, channel.kind)}


async def check_open(world: World, channel: ChannelSettings) -> None:
    """Raises: Problem(unavailable) before nodes have proved what an address promises, or when that
    was long ago."""
    if channel.factory is None or not await _kept(
        world, channel.chain_id, partial(_is_open, world, channel)
    ):
        raise closed(channel)


async def _is_open(world: World, channel: ChannelSettings) -> bool:
    now, gate = (
        world.clocks.wall(),
        await store.gate_of(world.db, channel.chain_id, channel.factory or b""),
    )
    if gate is None or gate.wrong or gate.halted or now > gate.proved_at + PROVED_FOR:
        return False
    return gate.agreed_at is None or not is_stale(gate.agreed_at, world.name, now)


async def _kept(world: World, key: Hashable, read: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Read once a second at most, and once by those that come together."""
    known, now = _known.setdefault(world.db, {}), world.clocks.monotonic()
    if key not in known or now > known[key][0] + KEPT_SECONDS:
        if len(known) >= KEPT_MAX:
            known.clear()
        known[key] = now, asyncio.create_task(read())
    try:
        return cast("T", await asyncio.shield(known[key][1]))
    except Exception:
        known.pop(key, None)
        raise


def forget(db: Database) -> None:
    """Drops what was cached for this database."""
    _known.pop(db, None)


def is_stale(agreed_at: datetime, world: str, now: datetime) -> bool:
    """Payments are not seen. A sandbox's chain may make no block for long."""
    return world != "sandbox" and now > agreed_at + STALE


def closed(channel: ChannelSettings) -> Problem:
    message = Sentence("The channel {0} takes no payments at the moment.", channel.code)
    cure = "Send it again in a minute, or use another channel."
    return Problem(
        "unavailable", message, cure, retry_after_seconds=60, detail="channel_unavailable"
    )


def check_amount(channel: ChannelSettings, units: int) -> None:
    """Raises: Problem(invalid)."""
    if units < channel.minimum:
        least = shown_money(channel.minimum, channel.asset)
        raise Problem(
            "invalid",
            Sentence("The channel {0} takes {1} and more.", channel.code, least),
            "Use another channel for less.",
            field="amount",
            detail="invalid_amount",
        )
    channel.base(units)


async def _receiver(
    world: World, channel: ChannelSettings, order: NewOrder | StableOrder, version: int
) -> bytes:
    """The wallet that gets the net amount, by this version of the merchant. Raises:
    Problem(invalid)."""
    if channel.settlement == "custodial":
        assert channel.custody is not None
        return channel.custody
    read = partial(store.settles_to, world.db, order.merchant_id, channel.kind, order.placed_at)
    text = await _kept(world, (order.merchant_id, channel.kind, version), read)
    if text is None:
        raise Problem(
            "invalid",
            Sentence("There is no settlement address for {0}.", channel.network),
            "Enter your wallet's address under Settlement addresses first.",
            field="channel",
            detail="settlement_address_required",
        )
    return read_address(text, channel.kind, "channel")


async def choices(world: World, order: StableOrder) -> list[ChannelSettings]:
    """Channels that its payer may pick, where the charge left it open."""
    choices = []
    for channel in _served.values():
        if (
            (channel.world, channel.asset) != (world.name, order.asset)
            or order.channel
            or order.stage not in OPEN
        ):
            continue
        try:
            check_amount(channel, order.units)
            await check_open(world, channel)
        except Problem:
            continue
        choices.append(channel)
    return choices


async def pick(world: World, settings: MerchantSettings, order: StableOrder, code: str) -> None:
    """The payer's choice; the first one stays. Raises: Problem(invalid) for none of the choices; as
    `complete`."""
    channel = next((choice for choice in await choices(world, order) if choice.code == code), None)
    if channel is None:
        raise Problem("invalid", "There is no such way to pay.", "Choose one of those on the page.")
    site = next((site for site in settings.sites if site.is_default), settings.sites[0])
    facts = await terms_of(world, settings, channel, order, site.site_id)
    merchant_id, order_id, attempt_id = order.merchant_id, order.order_id, order.attempt_id

    async def work() -> None:
        async with world.db.transaction() as tx:
            await lock_orders(tx, [(merchant_id, order_id)])
            if await store.pick(tx, merchant_id, order_id, attempt_id, code) == 1:
                await add_facts(tx, merchant_id, order_id, facts)
                await store.add_address(tx, merchant_id, order_id, attempt_id, code, facts["chain"])

    await retrying(work)


def all_served(world: str | None = None) -> tuple[ChannelSettings, ...]:
    """The channels of a world; None: of both."""
    return tuple(channel for channel in _served.values() if world in (None, channel.world))
