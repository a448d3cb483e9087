"""Chains in the portal: merchants' wallets, to which stablecoins settle; what came to an order; how
chains stand."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from recoup.chains import health, intake, sends_store, store
from recoup.chains import settlement_addresses as flow
from recoup.chains.abi import to_hex
from recoup.chains.channels import COIN, NETWORK_PRESETS, ChannelSettings
from recoup.chains.paying import SHOWN_MAX, Seen, seen_of
from recoup.chains.sends_store import ChainSend
from recoup.chains.store import ChainLog
from recoup.chains.transfers import can_refund, give_address, sweep_stray
from recoup.chains.words import PATH
from recoup.db.statement import Read
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.orders.store.order_page import OrderPage
from recoup.people.page.endpoint import (
    check_reviewed,
    done_of,
    find_id,
    redirect,
    review_mark,
    with_done,
)
from recoup.people.page.feature_parts import Panel, PortalPart
from recoup.people.page.form_shape import Text, read_again
from recoup.people.page.menu import Entry, at_merchant, for_operator
from recoup.people.page.pages import Answer, Values, member
from recoup.people.page.pages import shown as shown_page
from recoup.people.page.portal_visit import Visit, named
from recoup.people.page.rights import operator, role
from recoup.people.page.timeline_entry import LogContext, TimelineEntry, plain
from recoup.people.page.words import State
from recoup.settlement.flows.balances import read_balances
from recoup.stablecoin.flows.payouts import decide_payout
from recoup.stablecoin.rules.addresses import KINDS, Kind, shown
from recoup.stablecoin.store.payouts import PayoutRow, find_payout, requested_payouts
from recoup.stablecoin.store.stable_orders import StableOrder, stable_order
from recoup.terms.rules.settlement import check_second
from recoup.terms.store.settlement_terms import terms_at

STATES: Final = {
    "entered": State("To approve", "hold", "onhold", "The operator approves it."),
    "waiting": State("Approved", "run", "processing", "New orders settle to it after the delay."),
    "holding": State("In use", "ok", "completed", "New orders settle to it."),
    "replaced": State("Replaced", "off", "cancelled", "Another address replaced it."),
    "withdrawn": State("Withdrawn", "off", "cancelled", "No new order settles to it."),
}
KIND_WORDS: Final = {"evm": "EVM networks", "tron": "TRON"}
LOGS: Final = {
    "seen": State("Seen", "run", "processing", "It counts once it lies deep enough."),
    "confirmed": State("Confirmed", "ok", "completed", "It lies deep enough."),
    "orphaned": State(
        "Taken back", "off", "cancelled", "It is in no block any more, and counts for nothing."
    ),
}
EXCEPTIONS: Final = {
    "underpaid": "less than the amount came",
    "overpaid": "more than the amount came",
    "late": "it came after the end",
    "wrong_token": "another token came, which cannot pay this order",
}
DONE: Final = {
    "entered": "The address is entered and waits for the operator’s approval.",
    "approved": "The address is approved.",
    "withdrawn": "The address is withdrawn.",
    "tolerance": "The tolerance is saved. It holds for new orders.",
    "payout": "The payout is approved and is being sent.",
    "payout_refused": "The payout is refused; its money is back in the wallet.",
}
ON_CHAIN: Final = {
    "saved": "The address is saved.",
    "sweep": "The sweep is wanted; the sender does it.",
}
SENDS: Final = {
    "wanted": State("Wanted", "run", "processing", "The sender does it."),
    "signed": State("Sent", "run", "processing", "It counts once it lies deep enough."),
    "held": State("Held", "hold", "onhold", "A person looks at the sender’s key."),
    "done": State("Swept", "ok", "completed", "It is where the order’s terms say."),
    "failed": State("Failed", "bad", "problem", "It moved nothing."),
}
_CHANGE: Final = role("bank", "change settlement addresses", or_operator=True)
_DECIDE: Final = operator("approve settlement addresses")
_PAY: Final = operator("approve payouts")
_NO_KIND: Final = invalid("Choose the kind of network.", "kind", "Choose one from the list.")


@member.page(
    PATH,
    "chains/addresses.html",
    menu=Entry(
        "Money",
        5,
        "Settlement addresses",
        "bank",
        sees=lambda session: at_merchant(session) and is_used(),
    ),
)
async def addresses(visit: Visit) -> Values:
    typed = read_again(post_address, visit.typed)
    rows, states, now = await flow.addresses(visit.world, visit.merchant_id)
    channels = intake.all_served(visit.world.name)
    terms = await terms_at(visit.world.db.reader, visit.merchant_id, now)
    served = {
        kind: ", ".join(channel.name for channel in channels if channel.kind == kind)
        for kind in KINDS
    }
    return dict(
        rows=rows,
        states=states,
        kinds={
            kind: Sentence("{0} ({1})", KIND_WORDS[kind], served[kind])
            if served[kind]
            else KIND_WORDS[kind]
            for kind in KINDS
            if served[kind] or any(row.kind == kind for row in rows)
        },
        delay=terms.account_delay_days,
        tolerance=flow.percent(
            await store.tolerance_of(visit.world.db.reader, visit.merchant_id) or 0
        ),
        may=visit.may("bank", or_operator=True),
        may_approve={
            row.address_id for row in rows if visit.is_operator and _is_another(row.set_by, visit)
        },
        chain_payouts=await _payouts(visit) if visit.is_operator else [],
        typed=typed,
        typed_tolerance=read_again(post_tolerance, visit.typed),
        done=DONE.get(done_of(visit.session, visit.request), ""),
        people=await named(visit, [who for row in rows for who in (row.set_by, row.approved_by)]),
    )


def is_used() -> bool:
    """True when any channel here is on a chain."""
    return bool(intake.all_served())


def _is_another(first: str, visit: Visit) -> bool:
    try:
        check_second(first, visit.scope.actor.text(), "")
    except Problem:
        return False
    return True


@addresses.post(may=_CHANGE)
async def post_address(
    visit: Visit, *, kind: Annotated[Kind, _NO_KIND], address: Annotated[str, Text(80)]
) -> Answer:
    await flow.enter_address(visit.world, visit.scope, kind, address)
    return _back(visit, "entered")


@addresses.post(PATH + "/tolerance", may=_CHANGE)
async def post_tolerance(visit: Visit, *, tolerance: Annotated[str, Text(10)]) -> Answer:
    await flow.set_tolerance(visit.world, visit.scope, tolerance)
    return _back(visit, "tolerance")


_id: Final = find_id(
    "id",
    Problem("not_found", "There is no such settlement address.", "Check the list of addresses."),
)


@addresses.post(PATH + "/{id}/approve", may=_DECIDE, find=_id)
async def post_approval(visit: Visit, address_id: UUID) -> Answer:
    await flow.approve(visit.world, visit.scope, address_id)
    return _back(visit, "approved")


@addresses.post(PATH + "/{id}/withdraw", may=_CHANGE, find=_id)
async def post_withdrawal(visit: Visit, address_id: UUID) -> Answer:
    await flow.withdraw(visit.world, visit.scope, address_id)
    return _back(visit, "withdrawn")


async def _requested(visit: Visit) -> PayoutRow:
    payout = await find_payout(visit.world.db.reader, visit.merchant_id, await _id(visit))
    if payout is None:
        raise Problem("not_found", "There is no such payout.", "Reload the approvals page.")
    return payout


async def _wallet(visit: Visit, row: PayoutRow) -> store.SettlementAddress | None:
    """The settlement address that it goes to; the one in use where it was entered twice."""
    rows, states, _ = await flow.addresses(visit.world, visit.merchant_id)
    named_so = [wallet for wallet in rows if wallet.address == row.destination.partition(":")[2]]
    named_so.sort(key=lambda wallet: states[wallet.address_id] != "holding")
    return named_so[0] if named_so else None


def _facts(row: PayoutRow, wallet: store.SettlementAddress | None) -> tuple[object, ...]:
    """Facts of a review that may change."""
    return (row.payout_id, row.state, wallet.address_id if wallet else "")


@member.page(PATH + "/payouts/{id}", "chains/review.html", may=_PAY)
async def payout_review(visit: Visit) -> Values:
    row = await _requested(visit)
    wallet, balances = (
        await _wallet(visit, row),
        await read_balances(visit.world, visit.merchant_id),
    )
    actors = [row.actor, *((wallet.set_by, wallet.approved_by) if wallet else ())]
    return dict(
        row=row,
        wallet=wallet,
        left=next(
            (balance.units["wallet"] for balance in balances if balance.asset == row.asset), 0
        ),
        theirs=not _is_another(row.actor, visit),
        seen=review_mark(visit.session, *_facts(row, wallet)),
        people=await named(visit, actors),
    )


@payout_review.post(PATH + "/payouts/{id}", may=_PAY, find=_requested)
async def decide(visit: Visit, row: PayoutRow, *, decision: str, seen: str) -> Answer:
    """Approves the payout as it was reviewed; without a review it only shows one. Any other
    decision refuses it."""
    approve = decision == "approve"
    if approve and not seen:
        return shown_page()
    if approve and row.state == "requested":
        check_reviewed(visit.session, seen, *_facts(row, await _wallet(visit, row)))
    await decide_payout(visit.world, visit.scope, row.payout_id, approve=approve)
    return _back(visit, "payout" if approve else "payout_refused")


def _back(visit: Visit, what: str) -> Answer:
    return redirect(with_done(visit.session, PATH, what))


@member.page("/orders/{order_id}/chain", "chains/deposits.html")
async def deposits(visit: Visit) -> Values:
    """Deposits to an order's address and sweeps out of it, whoever sent them."""
    order = await _order(visit)
    seen = await seen_of(visit.world, order)
    if seen is None:
        raise _not_on_chain()
    typed = read_again(post_refund_address, visit.typed)
    row = await store.address_of_order(visit.world.db.reader, order.merchant_id, order.order_id)
    logs = await store.logs_at(visit.world.db.reader, [bytes.fromhex(order.facts["chain"]["raw"])])
    swept = [log for log in logs if log.kind == "sweep"]
    fixed = await _refunds_to(visit.world.db.reader, order.merchant_id, [order.order_id])
    given = shown(row.refund_to, row.kind) if row and row.refund_to else ""
    return dict(
        order=order,
        seen=seen,
        on_chain=order.facts["chain"],
        address_link=seen.channel.link("address", bytes.fromhex(order.facts["chain"]["raw"])),
        deposits=[
            dict(one=deposit, **_read(deposit.log, deposit.channel)) for deposit in seen.newest
        ],
        older=len(seen.deposits) - len(seen.newest),
        others=_others(seen) if visit.is_operator else [],
        sweeps=[
            _read(log, intake.served_token(log.chain, log.token)) for log in swept[-SHOWN_MAX:]
        ],
        refund_to=next(iter(fixed.values()), given),
        refund_by=row.refund_by if row else None,
        can_refund=can_refund(order) and seen.received_units > 0,
        may_refund=visit.may("refund"),
        typed=typed,
        strays=await sends_store.strays_of(
            visit.world.db.reader, order.merchant_id, order.order_id
        ),
        done=ON_CHAIN.get(done_of(visit.session, visit.request), ""),
    )


async def _order(visit: Visit) -> StableOrder:
    order_id = parse_id(visit.request.path_params["order_id"])
    order = (
        await stable_order(visit.world.db.reader, visit.merchant_id, order_id) if order_id else None
    )
    if order is None:
        raise _not_on_chain()
    return order


@deposits.post("/orders/{order_id}/chain/sweep", may=operator("sweep other tokens"), find=_order)
async def post_sweep(
    visit: Visit,
    order: StableOrder,
    *,
    token: Annotated[str, Text(80)],
    network: Annotated[str, Text(20)] = "",
) -> Answer:
    """Another token, or a coin, to where the order's terms say; on the operator's gas."""
    await sweep_stray(visit.world, visit.scope, order.order_id, network or None, token.strip())
    return redirect(with_done(visit.session, f"/orders/{order.order_id}/chain", "sweep"))


def token_text(send: ChainSend) -> str:
    """Text of what is swept, and where."""
    channel = intake.served(send.channel)
    if channel is None:
        return to_hex(send.token)
    preset = NETWORK_PRESETS[channel.network]
    text = preset.coin if send.token == COIN else shown(send.token, channel.kind)
    return f"{text}, {preset.title}"


def _others(seen: Seen) -> list[tuple[str, str, str]]:
    """Each other token that came, then the coin: what it is called, its contract, its network."""
    tokens: dict[tuple[str, str, str], None] = {}
    for deposit in seen.deposits:
        channel = deposit.channel or intake.served_lookalike(deposit.log.chain, deposit.log.token)
        if channel and not deposit.right and deposit.log.state == "confirmed":
            name = channel.lookalikes.get(deposit.log.token, channel.asset)
            tokens[name, shown(deposit.log.token, channel.kind), channel.network] = None
    network = seen.channel.network
    return [*tokens, (NETWORK_PRESETS[network].coin, "coin", network)]


def _not_on_chain() -> Problem:
    message = "No order of this merchant with this id is on a chain."
    return Problem("not_found", message, "Look it up in the list.")


@deposits.post("/orders/{order_id}/refund-address", may=role("refund", "refund"), find=_order)
async def post_refund_address(
    visit: Visit, order: StableOrder, *, to_address: Annotated[str, Text(80)]
) -> Answer:
    """The merchant's yes to where refunds of this order go."""
    await give_address(visit.world, order, to_address, visit.scope)
    return redirect(with_done(visit.session, f"/orders/{order.order_id}/chain", "saved"))


def _read(log: ChainLog, channel: ChannelSettings | None) -> dict[str, Any]:
    """A log for people; in base units where the token is not served."""
    tx = to_hex(log.tx)
    if channel is None:
        alike = intake.served_lookalike(log.chain, log.token)
        link, name = (alike.link("tx", log.tx), alike.lookalikes[log.token]) if alike else ("", "")
        return dict(
            log=log,
            units=None,
            fee=None,
            asset=name,
            network="",
            base=str(log.value),
            tx=tx,
            link=link,
        )
    network, units = NETWORK_PRESETS[channel.network].title, channel.book(log.value)
    more = dict(
        fee=channel.book(log.fee), network=network, base="", tx=tx, link=channel.link("tx", log.tx)
    )
    return dict(log=log, units=units, asset=channel.asset, **more)


@member.page(
    "/chains",
    "chains/chains.html",
    may=operator("see how chains stand"),
    menu=Entry(
        "Operator", 9, "Chains", "route", sees=lambda session: for_operator(session) and is_used()
    ),
)
async def chains(visit: Visit) -> Values:
    """Shows how far each chain is read, what closes it, and what its senders lack."""
    return dict(
        channels=await health.channels(visit.world),
        senders=await health.senders(visit.world),
        troubles=await health.troubles(visit.world),
    )


async def _payouts(visit: Visit) -> list[PayoutRow]:
    """Payouts of custodial money that wait for a second person."""
    networks = {channel.network for channel in intake.all_served(visit.world.name)}
    rows = await requested_payouts(visit.world.db.reader, visit.merchant_id)
    return [row for row in rows if row.destination.partition(":")[0] in networks]


async def _to_approve(visit: Visit) -> dict[str, Any] | None:
    """Payouts and settlement addresses among the operator’s approvals."""
    if not visit.is_operator:
        return None
    rows, states, _ = await flow.addresses(visit.world, visit.merchant_id)
    waiting, payouts = (
        [row for row in rows if states[row.address_id] == "entered"],
        await _payouts(visit),
    )
    if not waiting and not payouts:
        return None
    return dict(
        chain_payouts=payouts,
        wallets=waiting,
        wallet_kinds=KIND_WORDS,
        wallets_theirs={row.address_id for row in waiting if not _is_another(row.set_by, visit)},
        wallet_people=await named(visit, [row.set_by for row in waiting]),
    )


async def _refunds_to(db: Read, merchant_id: UUID, order_ids: Sequence[UUID]) -> dict[UUID, str]:
    rows = await sends_store.waiting_destinations(db, merchant_id, order_ids)
    return {row.request_id: shown(row.address, row.kind) for row in rows}


def _of_order(page: OrderPage) -> dict[str, Any] | None:
    chain = page.order.facts.get("chain")
    return (
        dict(on_chain=chain, chain_title=NETWORK_PRESETS[chain["network"]].title) if chain else None
    )


def _overpaid(context: LogContext) -> TimelineEntry:
    if "short" in context.body:
        return plain("{amount} of what was missing arrived", "It is yours.", "right")(context)
    return plain("{amount} more than asked for", "It goes to your wallet with the rest.", "right")(
        context
    )


PORTAL: Final = PortalPart(
    order=Panel("chains/order.html", _of_order),
    approvals=Panel("chains/approvals.html", _to_approve),
    refunds_to=_refunds_to,
    timeline={
        "unseen": plain(
            "Payment taken back",
            "The chain reorganised: the customer’s transfer is in no block any more. It counts "
            "again once it is.",
            "cancelled",
            "bad",
        ),
        "overpaid": _overpaid,
        "taken_back": plain(
            "The chain took the payment back",
            "A reorganisation went deeper than its confirmations.",
            "problem",
            "bad",
        ),
        "came_back": plain("The payment is on the chain again", "", "check", "ok"),
        "unexplained": lambda context: TimelineEntry(
            "The address holds more or less than its transfers say",
            context.get("missing"),
            "problem",
            "warn",
            "money",
        ),
        "wrong_token": lambda context: TimelineEntry(
            "Another token arrived",
            Sentence("{0}: it pays nothing.", context.get("token")),
            "problem",
            "warn",
        ),
        "wrong_token_swept": plain(
            "The other token was swept", "It is where the order’s terms say.", "check", "ok"
        ),
    },
)
