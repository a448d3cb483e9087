"""Display of an order on a chain, and of its merchant's wallets: by the stablecoin API, and on the
hosted page, where its payer reads where to send what, what came, and what to do when something went
wrong.

The QR code is the plain address: one with a payment URI has sent money to tokens' contracts, so
links to wallets stand beside it. The page asks for itself again while something may still come,
unless its reader holds it still.
"""

from typing import Any, Final, Literal
from uuid import UUID

import msgspec
import segno
from markupsafe import Markup
from msgspec import UNSET
from starlette.responses import RedirectResponse, Response

from recoup.chains import intake, store
from recoup.chains.abi import to_hex
from recoup.chains.channels import NETWORK_PRESETS, ChannelSettings
from recoup.chains.credit import folded
from recoup.chains.depth import Heights, Progress, blocks_of, progress
from recoup.chains.fold import Outcome
from recoup.chains.store import ChainLog, Cursor, DepositAddress
from recoup.chains.transfers import can_refund, give_address
from recoup.chains.units import to_book
from recoup.chains.watch import wanted_depth
from recoup.checkout.visit import Visit, fields_of, problem_texts, render
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.kernel.time import stamp
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.orders.rules.amounts import text_like
from recoup.orders.rules.lifecycle import OPEN, Stage
from recoup.stablecoin.api.paying import Paying
from recoup.stablecoin.api.resource import Services
from recoup.stablecoin.api.shapes import (
    Confirmations,
    Deposit,
    Instruction,
    Payment,
    PaymentException,
    Terms,
    checkout_url,
)
from recoup.stablecoin.rules.addresses import KINDS, shown
from recoup.stablecoin.rules.words import order_status
from recoup.stablecoin.store.stable_orders import StableOrder

WAITING_SECONDS: Final = 10
COUNTING_SECONDS: Final = 5
SHOWN_MAX: Final = 50  # transfers: anybody may send as many as they like
State = Literal["waiting", "partial", "counting", "paid", "expired", "closed"]


@frozen
class SeenDeposit:
    """`channel`: whose token it is, None where no channel is served for it any more. `right`: it
    pays the order."""

    log: ChainLog
    channel: ChannelSettings | None
    right: bool
    progress: Progress

    @property
    def counts(self) -> bool:
        return self.right and self.log.state != "orphaned"

    def amount_like(self, text: str) -> str:
        """Decimal text with as many places as that one; empty where no channel is served for its
        token."""
        return (
            text_like(self.channel.book(self.log.value), self.channel.asset, text)
            if self.channel
            else ""
        )


@frozen
class Seen:
    """`channel`: the order's. `progress`: of the deposit with the fewest confirmations that still
    counts."""

    channel: ChannelSettings
    outcome: Outcome
    deposits: tuple[SeenDeposit, ...]
    progress: Progress

    @property
    def newest(self) -> list[SeenDeposit]:
        """The transfers that are shown, oldest first; of all there are sums."""
        return sorted(self.deposits, key=lambda deposit: deposit.log.block_at)[-SHOWN_MAX:]

    @property
    def received_units(self) -> int:
        """Confirmed, in book units."""
        return self.channel.book(self.outcome.received)

    @property
    def on_its_way_units(self) -> int:
        return self.channel.book(self.outcome.seen)

    @property
    def rest_units(self) -> int:
        """The amount still to be sent, rounded up to book units."""
        units, dust = to_book(self.outcome.rest, self.channel.asset, self.channel.decimals)
        return units + bool(dust)

    def exceptions(self) -> list[PaymentException]:
        outcome = self.outcome
        conditions: dict[PaymentException, bool] = {
            "underpaid": outcome.received + outcome.seen > 0
            and outcome.rest > 0
            or outcome.short > 0,
            "overpaid": outcome.excess > 0,
            "late": outcome.late > 0,
            "wrong_token": bool(outcome.wrong),
        }
        return [name for name, is_so in conditions.items() if is_so]


async def seen_of(world: World, order: StableOrder, *, fresh: bool = False) -> Seen | None:
    """The view of an order; None for one of another channel, or of one that is not served any more.
    `fresh`: nothing is read, as nothing can have come."""
    chain = order.facts.get("chain")
    channel = intake.served(order.channel)
    if chain is None or channel is None:
        return None
    row = (
        None
        if fresh
        else await store.address_of_order(world.db.reader, order.merchant_id, order.order_id)
    )
    if row is None:
        due = int(chain["due"])
        nothing = Outcome(due, 0, 0, due, 0, 0, 0, (), None)
        return Seen(channel, nothing, (), Progress(0, chain["confirmations"]))
    logs = [
        log for log in await store.logs_at(world.db.reader, [row.address]) if log.kind == "deposit"
    ]
    living = {
        (log.chain, log.tx) for log in logs if log.state != "orphaned"
    }  # the others' transactions may be in them
    logs = [log for log in logs if log.state != "orphaned" or (log.chain, log.tx) not in living]
    cursors = {
        chain_id: await store.cursor_of(world.db.reader, chain_id)
        for chain_id in {log.chain for log in logs}
    }
    deposits = tuple(_deposit(log, row, channel, cursors[log.chain]) for log in logs)
    counting = (deposit.progress for deposit in deposits if deposit.counts)
    least = min(
        counting,
        key=lambda count: count.done / count.of,
        default=Progress(0, chain["confirmations"]),
    )
    return Seen(channel, folded(row, logs), deposits, least)


def _deposit(
    log: ChainLog, row: DepositAddress, own: ChannelSettings, cursor: Cursor | None
) -> SeenDeposit:
    channel = intake.served_token(log.chain, log.token)
    if channel is None:
        return SeenDeposit(log, None, right=False, progress=Progress(0, 1))
    wanted = wanted_depth(channel, log, row)
    count = progress(
        log.block, wanted, Heights(cursor.head if cursor else log.block), channel.usual
    )
    if log.state == "confirmed":
        of = blocks_of(wanted, channel.usual)
        count = Progress(of, of)
    elif log.state == "orphaned":
        count = Progress(0, count.of)
    elif count.done == count.of:  # the watcher has the last word
        count = Progress(count.of - 1, count.of)
    return SeenDeposit(log, channel, channel.asset == own.asset, count)


def _instruction(services: Services, order: StableOrder) -> Instruction | None:
    chain = order.facts.get("chain")
    if chain is None:
        return None
    return Instruction(
        "crypto_address",
        checkout_url=checkout_url(services, order),
        expires_at=stamp(order.expires_at) if order.expires_at else UNSET,
        deposit_address=chain["address"],
        amount_due=order.amount_text,
        chain=chain["network"],
        asset=order.asset,
        required_confirmations=chain["confirmations"],
        token_contract=chain["token"],
        decimals=chain["decimals"],
        qr=chain["address"],
        terms=msgspec.convert(chain["terms"], Terms),
    )


async def _payment(
    world: World, order: StableOrder, payment: Payment, fresh: bool
) -> Payment | None:  # noqa: FBT001
    seen = await seen_of(world, order, fresh=fresh)
    if seen is None:
        return None
    first = next((deposit.log.tx for deposit in seen.deposits if deposit.counts), None)
    return msgspec.structs.replace(
        payment,
        status="processing"
        if order.stage is Stage.PROCESSING and order.attempt_state == "planned"
        else payment.status,
        channel_ref=payment.channel_ref or (to_hex(first) if first else ""),
        amount_received=text_like(seen.received_units, order.asset, order.amount_text),
        confirmations=Confirmations(*seen.progress),
        deposits=[_deposit_object(deposit, order.amount_text) for deposit in seen.newest],
        deposit_count=len(seen.deposits),
        exceptions=seen.exceptions(),
    )


def _deposit_object(deposit: SeenDeposit, like: str) -> Deposit:
    """A token that no channel is served for any more has its base units as they are."""
    log, channel = deposit.log, deposit.channel
    return Deposit(
        tx_hash=to_hex(log.tx),
        chain=channel.network if channel else "",
        asset=channel.asset if channel else "",
        token_contract=shown(log.token, channel.kind) if channel else to_hex(log.token),
        right_token=deposit.right,
        amount=deposit.amount_like(like) or str(log.value),
        status=log.state,
        confirmations=Confirmations(*deposit.progress),
        block_at=stamp(log.block_at),
    )


async def _wallets(world: World, merchant_id: UUID) -> dict[str, str]:
    now = world.clocks.business(await known_offset(world.db.reader, merchant_id))
    wallets = {
        kind: await store.settles_to(world.db.reader, merchant_id, kind, now) for kind in KINDS
    }
    return {kind: address for kind, address in wallets.items() if address is not None}


async def pay_page(visit: Visit, order: StableOrder) -> Response | None:
    """The pay page; None for an order of another channel, or of one that is not served any more."""
    world = visit.checkout.world
    settings = await visit.checkout.merchants.get(order.merchant_id)
    merchant, facts = settings.merchant, order.facts
    now = merchant.business(world.clocks.wall())
    over = order.expires_at is not None and order.expires_at <= now
    common = {
        "order": order,
        "merchant": merchant.name,
        **{
            name: facts.get(name) or ""
            for name in ("subject", "description", "return_url", "cancel_url")
        },
        "test": world.policy.test_mode,
        "link": visit.address,
        "now": now,
    }
    seen = await seen_of(world, order)
    typed, problem = "", None
    if visit.request.method == "POST":
        fields = await fields_of(visit.request)
        typed = fields.get("to_address", "")
        try:
            if "channel" not in fields:
                await give_address(world, order, typed)
            elif not (order.channel or over):
                await intake.pick(world, settings, order, fields["channel"])
        except Problem as wrong:
            if wrong.code != "invalid" or seen is None:
                raise
            problem = wrong
        else:
            saved = "" if "channel" in fields else "?saved=1"
            return RedirectResponse(f"{visit.address}{saved}", status_code=303)
    if seen is None:
        networks = (
            []
            if over or "simulate" in visit.request.query_params
            else await intake.choices(world, order)
        )
        named = [
            {"code": network.code, "title": NETWORK_PRESETS[network.network].title}
            for network in networks
        ]
        return (
            render("chains/network.html", visit.language, common | {"networks": named})
            if named
            else None
        )
    state = _state(order, seen, over=over)
    still = visit.request.query_params.get("still") == "1"
    moving = {
        "waiting": WAITING_SECONDS,
        "partial": WAITING_SECONDS,
        "counting": COUNTING_SECONDS,
    }.get(state)
    address = facts["chain"]["address"]
    values = common | {
        "state": state,
        "status": order_status(order.stage, order.units, order.refunded_units),
        "still": still,
        "moving": moving is not None,
        "network": NETWORK_PRESETS[seen.channel.network].title,
        "others": ", ".join(_others(seen.channel)),
        "deposit_address": address,
        "qr": qr_svg(address) if state in ("waiting", "partial") else "",
        "wallets": _wallet_links(seen, address),
        "progress": seen.progress,
        "refund": await _refund(world, order, seen, typed) if state == "paid" else None,
        "saved": "saved" in visit.request.query_params and not problem,
        "wrong": problem_texts(visit.language, problem) if problem else None,
        **_amounts(order, seen, state),
    }
    status, again_in = 400 if problem else 200, None if still else moving
    return render(
        "chains/charge.html", visit.language, values, status=status, scripts=True, again_in=again_in
    )


async def _refund(world: World, order: StableOrder, seen: Seen, typed: str) -> str | None:
    """The value of the field for the refund address; None: nothing can be refunded from here."""
    if not can_refund(order):
        return None
    row = await store.address_of_order(world.db.reader, order.merchant_id, order.order_id)
    if row and row.refund_by == "merchant":
        return None
    given = row.refund_to if row else None
    return typed or (shown(given, seen.channel.kind) if given else "")


def _others(own: ChannelSettings) -> list[str]:
    """Networks on which the same address is watched for the same asset."""
    alike = (
        channel
        for channel in intake.all_served(own.world)
        if (channel.kind, channel.asset) == (own.kind, own.asset)
    )
    return sorted(
        {
            NETWORK_PRESETS[channel.network].title
            for channel in alike
            if channel.network != own.network
        }
    )


def _state(order: StableOrder, seen: Seen, *, over: bool) -> State:
    if order.paid_at:
        return "paid"
    came = seen.received_units + seen.on_its_way_units > 0
    if (
        came
        and not seen.rest_units
        and (order.stage in OPEN or not seen.outcome.unmatched and seen.outcome.seen)
    ):
        return "counting"
    if order.stage in OPEN and not over:
        return "partial" if came else "waiting"
    ended_by_time = (
        order.stage in OPEN
        or order_status(order.stage, order.units, order.refunded_units) == "expired"
    )
    return "expired" if ended_by_time else "closed"


def _amounts(order: StableOrder, seen: Seen, state: State) -> dict[str, Any]:
    """`listed`: the transfers that count, where the page says no other word of them."""

    def text(units: int) -> str:
        return text_like(units, order.asset, order.amount_text)

    excess = seen.channel.book(seen.outcome.excess)
    counting = [deposit for deposit in seen.deposits if deposit.counts]
    has_explorer = any(deposit.channel and deposit.channel.explorer for deposit in counting)
    return {
        "listed": len(counting) > (state in ("counting", "paid")) or has_explorer,
        "kept": any(deposit.log.state != "orphaned" for deposit in seen.deposits),
        "rest": text(seen.rest_units),
        "came": text(seen.received_units + seen.on_its_way_units),
        "excess": text(excess) if excess else "",
        "deposits": [
            {
                "amount": deposit.amount_like(order.amount_text),
                "asset": deposit.channel.asset if deposit.channel else "",
                "counts": deposit.counts,
                "state": deposit.log.state,
                "progress": deposit.progress,
                "link": deposit.channel.link("tx", deposit.log.tx) if deposit.channel else "",
            }
            for deposit in seen.newest
        ],
        "older": len(seen.deposits) - len(seen.newest),
    }


def qr_svg(text: str) -> Markup:
    """Dark on the stylesheet's light ground, whose padding is the rest of its quiet zone."""
    svg = segno.make(text, error="m", micro=False).svg_inline(
        border=2, dark="#10201b", omitsize=True, svgclass="qr", lineclass=None
    )
    return Markup(svg)  # noqa: S704 - drawn by us: squares and numbers only


def _wallet_links(seen: Seen, address: str) -> tuple[str, str] | None:
    """An EIP-681 link and MetaMask's own, with token, network and the remaining amount; none on
    TRON."""
    channel = seen.channel
    if channel.kind != "evm":
        return None
    rest = channel.base(seen.rest_units)
    target = f"{to_hex(channel.token)}@{channel.chain_id}/transfer?address={address}&uint256={rest}"
    return f"ethereum:{target}", f"https://link.metamask.io/send/{target}"


PAYING: Final = Paying(instruction=_instruction, payment=_payment, wallets=_wallets)
