"""Custodial money on a chain: gathered in the operator's custody wallet, and sent from there as
refunds and payouts.

A refund goes where the merchant says, or the payer on their page; never to the sender's address by
guess. What the payer says is taken by itself only where all the money came from there: an exchange
pays out of wallets of its own, and who only has the page's link may send a little from theirs.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Final, Literal
from uuid import UUID, uuid5

import structlog

from recoup.audit.moves import note
from recoup.chains import intake, sends_store, store
from recoup.chains.channels import COIN, ChannelSettings
from recoup.chains.sends_store import ChainSend, RefundDestination, SubjectKind
from recoup.chains.settlement_addresses import check_wallet
from recoup.chains.store import ChainLog, DepositAddress
from recoup.chains.units import cent
from recoup.db.pool import Database
from recoup.db.statement import Read
from recoup.db.table import hex_of
from recoup.kernel.money import shown as shown_money
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.kit.rights import check_act
from recoup.kit.world import World
from recoup.merchants.flows.cells import home_of
from recoup.orders.moves.change import Change
from recoup.orders.rules.lifecycle import ENDED
from recoup.orders.rules.refund_limits import NONE
from recoup.processors.gateways.channels import PayOut
from recoup.processors.gateways.port import ModificationMessage
from recoup.refunds.flows.send import send_modification
from recoup.refunds.moves.by_hand import try_again
from recoup.refunds.store.refund_limits import list_limits
from recoup.refunds.store.refunds import order_of_modification
from recoup.rescue.flows.locked import Orders
from recoup.settlement.store.settlements import order_of_settlement
from recoup.stablecoin.flows.payouts import pay_out
from recoup.stablecoin.flows.settle import settle, settle_again
from recoup.stablecoin.rules.addresses import read_address, shown
from recoup.stablecoin.store.stable_orders import StableOrder

log = structlog.get_logger()
TOGETHER: Final = 100
FIELD: Final = "to_address"
REQUIRED: Final = "refund_destination_required"
NAMED: Final = "refund_address.named"
Note = Callable[[Change, UUID], None]


async def gather(
    world: World, row: DepositAddress, channels: Iterable[ChannelSettings], logs: Sequence[ChainLog]
) -> None:
    """A sweep of what lies at the address of an order that has ended, to where its terms say, for
    each of these tokens. Repeats want nothing more; money that comes later is another sweep, as is
    one that a reorganisation took back."""
    for channel in channels:
        chain, token = channel.chain_id, channel.token
        here = [
            log for log in logs if (log.chain, log.token, log.state) == (chain, token, "confirmed")
        ]
        came = sum(int(log.value) for log in here if log.kind == "deposit")
        if came - sum(int(log.value + log.fee) for log in here if log.kind == "sweep") >= cent(
            channel.decimals
        ):
            sweeps = [
                log for log in logs if (log.chain, log.token, log.kind) == (chain, token, "sweep")
            ]
            living = {log.tx for log in sweeps if log.state != "orphaned"}
            for lost in (
                "",
                *sorted({log.tx.hex() for log in sweeps} - {tx.hex() for tx in living}),
            ):
                send_id = uuid5(row.order_id, f"{chain}/{token.hex()}/{came}{lost}")
                send = sweep_of(send_id, channel, row, "custody", row.order_id)
                if (
                    await sends_store.want(world.db.alone, send, world.clocks.wall())
                ).state != "done":
                    break


async def sweep_stray(
    world: World, scope: Scope, order_id: UUID, network: str | None, asset: str
) -> ChainSend:
    """A person has another token, or the chain's coin, swept to where the order's terms say. A
    repeat is the same send until that one has ended. `network`: else the order's. Raises:
    Problem."""
    row = await store.address_of_order(world.db.reader, scope.merchant_id, order_id)
    own = intake.served(row.channel) if row else None
    if row is None or own is None:
        raise Problem(
            "not_found", "This order is on no chain that is served here.", "Look it up in the list."
        )
    token = COIN if asset == "coin" else read_address(asset, own.kind, "token")
    alike = (
        channel
        for channel in intake.all_served(world.name)
        if channel.kind == own.kind and channel.factory is not None
    )
    channel = next(
        (channel for channel in alike if channel.network == (network or own.network)), None
    )
    if channel is None:
        raise Problem(
            "not_found",
            "No channel here is on this network.",
            "Put the factory there first: add a channel of that network, then recoup chain deploy.",
            field="network",
        )
    known = intake.served_token(channel.chain_id, token)
    if known and known.asset == own.asset:
        raise Problem(
            "wrong_state",
            "This token pays the order, and is swept by itself.",
            "Wait for its sweep.",
        )
    where = {
        "network": channel.network,
        "token": "coin" if token == COIN else shown(token, own.kind),
    }
    async with world.db.transaction() as tx:
        await note(tx, scope, world.clocks.wall(), "chain.swept", order_id, where)
    for number in count():
        send_id = uuid5(order_id, f"{channel.chain_id}/{token.hex()}/stray/{number}")
        send = sweep_of(send_id, channel, row, "stray", order_id)._replace(token=token)
        wanted = await sends_store.want(world.db.alone, send, world.clocks.wall())
        if wanted.state not in ("done", "failed"):
            return wanted
    raise AssertionError("there is a next number")


async def refund_to(
    world: World, merchant_id: UUID, order_id: UUID, text: str | None
) -> Note | Problem | None:
    """Notes where a refund of a custodial order goes, or says why none may be made; None for any
    other order."""
    if not intake.all_served():
        return None
    row = await store.address_of_order(world.db.reader, merchant_id, order_id)
    channel = intake.served(row.channel) if row else None
    if row is None or channel is None or channel.settlement != "custodial":
        return None
    try:
        raw = (
            await _named(world.db.reader, row, channel)
            if text is None
            else await _read(world, text, channel)
        )
    except Problem as problem:
        return problem
    by: Literal["payer", "merchant"] = "merchant" if text is not None else row.refund_by or "payer"

    def fix(change: Change, refund_id: UUID) -> None:
        if text is not None:
            check_act(change.who, NAMED)
        row = RefundDestination(merchant_id, refund_id, order_id, hex_of(raw), by)
        change.rows.beside.append((sends_store.add_destinations, row))

    return fix


async def give_address(
    world: World, order: StableOrder, text: str, scope: Scope | None = None
) -> None:
    """The payer's word on their page, or the merchant's in the portal, which may be changed until a
    refund is made by it; the payer changes only their own. Raises: Problem(invalid);
    Problem(wrong_state) where nothing is refunded from here, or a refund waits for a second person,
    who has to see where it goes; Problem(forbidden) for a role with limits, as whoever refunds
    later may type no address, and may be a system."""
    channel = intake.served(order.channel)
    not_here = Problem("wrong_state", "This payment is not refunded here.", "Contact the shop.")
    if channel is None or not can_refund(order):
        raise not_here
    raw = await _read(world, text.strip(), channel)
    who = (order.merchant_id, order.order_id)
    async with world.db.transaction() as tx:
        if (
            scope
            and (await list_limits(tx, order.merchant_id)).get(
                (scope.role or "", order.asset), NONE
            )
            != NONE
        ):
            raise Problem(
                "forbidden",
                "Your role has refund limits, so you cannot set an address for refunds that others "
                "make.",
                "Request the refund with this address, or ask the owner.",
            )
        if not await sends_store.name_refund_address(
            tx, *who, raw, "payer" if scope is None else "merchant"
        ):
            raise (
                not_here
                if scope is None
                else Problem(
                    "wrong_state",
                    "A refund of this order is already waiting for approval.",
                    "See Refunds: have it decided, or withdrawn, first.",
                )
            )
        if scope:
            details = {"address": shown(raw, channel.kind)}
            await note(tx, scope, world.clocks.wall(), NAMED, order.order_id, details)


def can_refund(order: StableOrder) -> bool:
    """True when money of it may be in the custody wallet: the payment's, or what came short or
    late."""
    channel = intake.served(order.channel)
    is_custodial = channel is not None and channel.settlement == "custodial"
    if order.paid_at is None:
        return is_custodial and order.stage in ENDED
    return is_custodial and order.refunded_units < order.units


async def _read(world: World, text: str, channel: ChannelSettings) -> bytes:
    """Raises: Problem(invalid) for what is no wallet of the channel's network."""
    raw = read_address(text, channel.kind, FIELD)
    await check_wallet(world, raw, channel.kind, FIELD)
    return raw


async def _named(db: Read, row: DepositAddress, channel: ChannelSettings) -> bytes:
    """The address that the merchant gave, or the payer, if it paid the order from there. Raises:
    Problem(invalid)."""
    message = "A refund of this order needs the address that it goes to."
    cure: str = (
        "Send to_address, save it under Deposits and sweeps, or let the customer enter it "
        "on the order's page."
    )
    if row.refund_to is not None:
        logs = await store.logs_at(db, [row.address]) if row.refund_by == "payer" else []
        came = (channel.chain_id, channel.token, "deposit", "confirmed", row.refund_to)
        own = sum(
            int(log.value)
            for log in logs
            if (log.chain, log.token, log.kind, log.state, log.sender) == came
        )
        if row.refund_by == "merchant" or own >= row.enough:
            return row.refund_to
        cure = Sentence(
            "The customer gave {0}, and did not pay from there: if you agree, send it as "
            "to_address.",
            shown(row.refund_to, channel.kind),
        )
    raise Problem("invalid", message, cure, field=FIELD, detail=REQUIRED)


async def want_refund(
    db: Database, channel: ChannelSettings, message: ModificationMessage, now: datetime
) -> ChainSend | None:
    """Wants a refund; None while nobody has said where it goes: one that a second person agreed to
    may wait for its payer."""
    assert message.merchant_id
    row = await store.address_of_charge(db, message.merchant_id, message.charge_id)
    way = (
        await sends_store.refund_way(db, row.merchant_id, row.order_id, message.id) if row else None
    )
    if row is None or way is None:
        return None
    try:
        to = way.address or await _named(db, row, channel)
    except Problem:
        return None
    send = _transfer(
        channel, message.id, to, message.units, way.merchant_id, "refund", way.modification_id
    )
    return await sends_store.want(db.alone, send, now)


async def want_payout(
    db: Database, channel: ChannelSettings, payout: PayOut, now: datetime
) -> ChainSend:
    to = read_address(payout.destination.partition(":")[2], channel.kind, "destination")
    send = _transfer(channel, payout.id, to, payout.units, payout.merchant_id, "payout", payout.id)
    return await sends_store.want(db.alone, send, now)


def sweep_of(
    send_id: UUID,
    channel: ChannelSettings,
    row: DepositAddress,
    kind: SubjectKind,
    subject_id: UUID,
) -> ChainSend:
    where = channel.chain_id, channel.code, channel.token
    return ChainSend(send_id, row.merchant_id, kind, subject_id, "sweep", *where, terms=row.terms)


def _transfer(
    channel: ChannelSettings,
    send_id: UUID,
    to: bytes,
    units: int,
    merchant_id: UUID,
    kind: SubjectKind,
    subject_id: UUID,
) -> ChainSend:
    where, value = (channel.chain_id, channel.code, channel.token), Decimal(channel.base(units))
    return ChainSend(
        send_id,
        merchant_id,
        kind,
        subject_id,
        "transfer",
        *where,
        source=channel.custody,
        receiver=to,
        value=value,
    )


async def check_payout(
    db: Database, channel: ChannelSettings, merchant_id: UUID, text: str, now: datetime
) -> None:
    """Custodial money leaves for the merchant's settlement address alone. Raises:
    Problem(invalid)."""
    known = await store.settles_to(db.reader, merchant_id, channel.kind, now)
    cure: str = "Enter your wallet's address under Settlement addresses first."
    if known is not None and text == f"{channel.network}:{known}":
        return
    if known is not None:
        cure = Sentence("Send {0} as its destination.", f"{channel.network}:{known}")
    raise invalid("A payout goes to your settlement address.", "destination", cure)


async def tell(world: World, orders: Orders, chain: int) -> int:
    """Passes on what the sender has decided to what wants it, at once; answers how many. What fails
    is told again."""
    count, after = 0, UUID(int=0)
    while rows := await sends_store.unreported(world.db, chain, after, TOGETHER):
        for row in rows:
            try:
                home = await home_of(world, row.merchant_id)
                await _tell(home, orders.at(home), row)
            except Problem as problem:
                log.warning("not reported", send=str(row.send_id), why=problem.message)
                continue
            await sends_store.mark_reported(world.db.alone, row.send_id)
            count += 1
        after = rows[-1].send_id
    return count


async def _tell(world: World, orders: Orders, row: ChainSend) -> None:
    flows: dict[str, Callable[[], Awaitable[None]]] = {
        "settlement": lambda: settle(world, orders, row.merchant_id, row.subject_id),
        "refund": lambda: send_modification(world, orders, row.merchant_id, row.subject_id),
        "payout": lambda: pay_out(world, row.merchant_id, row.subject_id),
    }
    if row.subject_kind in flows and (row.kind == "transfer" or row.state == "failed"):
        await flows[row.subject_kind]()


async def send_again(world: World, orders: Orders, scope: Scope, send: ChainSend) -> None:
    """A person wants a failed one once more: what wants it sends it under a new id. One that is
    held goes on: it did not go. Raises: Problem(wrong_state)."""
    if send.state not in ("failed", "held"):
        raise Problem(
            "wrong_state", "This send has not failed.", "Wait: it is decided on its chain."
        )
    world = await home_of(world, send.merchant_id)
    orders = orders.at(world)
    find = {"settlement": order_of_settlement, "refund": order_of_modification}.get(
        send.subject_kind
    )
    order_id = await find(world.db, send.merchant_id, send.subject_id) if find else None
    if send.subject_kind in ("custody", "stray") or send.state == "held":
        await sends_store.want_again(world.db.alone, send.send_id)
    elif order_id is None:
        raise Problem(
            "wrong_state",
            "Its money is back in the wallet.",
            "Let the merchant request a new payout.",
        )
    elif send.subject_kind == "settlement":
        await settle_again(orders, scope, order_id)
    else:
        await orders.run(
            lambda change: try_again(change, send.subject_id, scope.actor.text()),
            (scope.merchant_id, order_id),
            scope,
        )


def why_it_waits(channel: ChannelSettings, value: int, left: int, today: int) -> str | None:
    """The reason why a transfer has to wait."""

    def text(base: int) -> str:
        return shown_money(channel.book(max(base, 0)), channel.asset)

    most, daily = (
        limit and channel.base(limit) for limit in (channel.send_limit, channel.daily_limit)
    )
    if most is not None and value > most:
        return f"{channel.code}: {text(value)} is above send_limit, {text(most)}"
    if daily is not None and today + value > daily:
        return f"{channel.code}: {text(value)} more today would be above daily_limit, {text(daily)}"
    if value > left:
        return f"{channel.code}: the custody wallet lacks {text(value - left)}"
    return None
