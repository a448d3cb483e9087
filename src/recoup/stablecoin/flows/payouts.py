"""A merchant takes custodial money out: the wallet is debited at once, then the money is sent; what
fails comes back.

Payouts and refunds are the two decisions that read a balance, under the lock of the wallet: neither
takes what the other has taken. Direct money is never paid out: its settlement sends it. A channel
of real money waits for a second person's word.
"""

from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

from recoup.audit.moves import note
from recoup.db.pool import retrying
from recoup.db.statement import Tx
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.money import shown
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.kernel.time import WallTime
from recoup.kernel.unseen import check_seen
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.merchants.store.merchants import is_killed
from recoup.merchants.store.sending_stops import standing_stop
from recoup.notifications.moves import alert_now
from recoup.orders.flows.external_call import call_with_timeout, deadline_of
from recoup.orders.flows.repeats import once
from recoup.orders.moves.change import Change
from recoup.orders.moves.pace import SEND_WITHIN
from recoup.orders.rules.amounts import amount_of, check_currency
from recoup.orders.rules.wallet import Wallet
from recoup.processors.gateways.channels import PayOut, is_guarded
from recoup.rescue.flows.locked import Fill, Jobs, Locked
from recoup.stablecoin.moves.wallet import (
    approve_payout,
    close_payout,
    open_payout,
    request_payout,
    wait_payout,
)
from recoup.stablecoin.rules.channels import Channel as ChannelRow
from recoup.stablecoin.rules.channels import enabled
from recoup.stablecoin.rules.destinations import check_destination
from recoup.stablecoin.store.payouts import LockedPayout, NewPayout, lock_payout, lock_wallet
from recoup.stablecoin.store.wallets import available
from recoup.terms.rules.settlement import check_second

DESTINATION_MAX: Final = 512
_DONE: Final = ("paid", "rejected", "failed")


@frozen
class PayoutRequest:
    """`destination`: `chain:address`, or the bank's words."""

    amount: str
    currency: str
    destination_type: Literal["crypto", "bank"]
    destination: str
    key: str | None = None


async def read_wallets(tx: Tx, jobs: Jobs, rows: Locked, wall: WallTime) -> Fill | None:
    """Locks each wallet that money of these jobs' orders may leave, then reads what it holds."""
    debited = [rows[job.key] for job in jobs if job.wallet and job.key in rows]
    keys = sorted({(row.merchant_id, row.asset) for row in debited if row.kind == "stable"})
    if not keys:
        return None
    wallets = {}
    for merchant_id, asset in keys:
        await lock_wallet(tx, merchant_id, asset, wall)
        wallets[merchant_id, asset] = Wallet(asset, await available(tx, merchant_id, asset))

    def fill(change: Change) -> None:
        change.wallet = wallets.get((change.order.merchant_id, change.order.asset))

    return fill


async def ask_payout(
    world: World, merchants: Merchants, scope: Scope, request: PayoutRequest
) -> UUID:
    """The payout's id. The same key with the same content is the same payout.

    Raises: Problem invalid, conflict, wrong_state (detail insufficient_balance), forbidden.
    """
    amount = amount_of(request.amount, check_currency(request.currency))
    channel = _custodial(world, amount.asset, request.destination)
    gateway = world.channels.get(channel.code)
    if request.destination_type == "crypto":
        check_destination(request.destination, channel.pays_out_to)
    elif (
        not 3 <= len(request.destination.strip()) <= DESTINATION_MAX or "\0" in request.destination
    ):
        raise invalid(
            "The destination is no bank account's text.",
            "destination",
            f"Send the bank's words, 3 to {DESTINATION_MAX} characters.",
        )
    check_seen(request.destination.replace("\n", " "), "destination")
    if gateway is not None and is_guarded(gateway):
        await gateway.check_payout(scope.merchant_id, request.destination)
    merchant = (await merchants.get(scope.merchant_id)).merchant
    meant = [amount.units, amount.asset, request.destination_type, request.destination]
    gate = once(world, scope, "payout", request.key, meant, "Idempotency-Key")
    wall = world.clocks.wall()
    now, payout_id = merchant.business(wall), new_id()
    row = NewPayout(
        scope.merchant_id,
        payout_id,
        amount.asset,
        amount.units,
        "requested",
        request.destination_type,
        request.destination,
        request.amount,
        scope.actor.text(),
        now,
    )
    answer = gate.row(payout_id, {"payout_id": str(payout_id)}, wall)

    async def work() -> UUID:
        async with world.db.transaction() as tx:
            await lock_wallet(tx, scope.merchant_id, amount.asset, wall)
            if await is_killed(tx, scope.merchant_id):
                raise Problem(
                    "forbidden",
                    "This merchant takes no money out now.",
                    "Ask the operator.",
                    detail="merchant_suspended",
                )
            free = await available(tx, scope.merchant_id, amount.asset)
            if amount.units > free:
                raise Problem(
                    "wrong_state",
                    f"{shown(max(0, free), amount.asset)} {amount.asset} can be paid out.",
                    "Ask for at most that.",
                    field="amount",
                    detail="insufficient_balance",
                )
            await request_payout(tx, row, now=now, wall=wall, answer=answer)
            fact = {"amount": f"{request.amount} {amount.asset}", "to": request.destination_type}
            if gateway is not None and is_guarded(gateway):
                kind, facts = gateway.payout_waits(fact["amount"])
                await alert_now(tx, scope.merchant_id, kind, payout_id, 1, facts, wall)
            await note(tx, scope, wall, "stablecoin_payout.asked", payout_id, fact)
        return payout_id

    return await gate.run(lambda: retrying(work), lambda known: UUID(known["payout_id"]))


async def decide_payout(world: World, scope: Scope, payout_id: UUID, *, approve: bool) -> None:
    """The second person's word; the caller has made sure that it decides for the operator. What is
    refused goes back into the wallet. Raises: Problem not_found, wrong_state, forbidden."""

    async def work() -> None:
        wall = world.clocks.wall()
        async with world.db.transaction() as tx:
            row = await _locked(tx, scope.merchant_id, payout_id)
            if row.state != "requested":
                raise Problem(
                    "wrong_state",
                    Sentence("This payout is {0}; nothing is to be decided.", row.state),
                    "Reload the page: somebody may have acted first.",
                )
            check_second(row.actor, scope.actor.text(), "A payout")
            if approve:
                await approve_payout(tx, row, wall)
            else:
                await close_payout(tx, row, "rejected", wall, reason="refused")
            await note(
                tx,
                scope,
                wall,
                f"stablecoin_payout.{'approved' if approve else 'refused'}",
                payout_id,
                {"amount": f"{shown(row.units, row.asset)} {row.asset}"},
            )

    await retrying(work)


async def pay_out(world: World, merchant_id: UUID, payout_id: UUID) -> None:
    """Due work `payout`: intent, call, outcome. One that nobody has approved waits, where its
    channel is guarded, and so does a killed merchant's, or any while all sending is off."""
    wall = world.clocks.wall()
    timeout: timedelta = world.policy.call_timeout
    async with world.db.transaction() as tx:
        row = await _locked(tx, merchant_id, payout_id)
        if row.state in _DONE:
            return
        channel = world.channels[_custodial(world, row.asset, row.destination).code]
        if (
            row.killed
            or row.state == "requested"
            and is_guarded(channel)
            or await standing_stop(tx)
        ):
            await wait_payout(tx, row, wall)
            return
        await open_payout(tx, row, wall + SEND_WITHIN + timeout + channel.settled_after)
    payout = PayOut(
        id=payout_id,
        merchant_id=merchant_id,
        units=row.units,
        currency=row.asset,
        destination=row.destination,
        send_before_monotonic=deadline_of(world, wall + SEND_WITHIN),
        timeout_seconds=timeout / timedelta(seconds=1),
    )
    outcome = await call_with_timeout(channel.pay_out(payout), payout.timeout_seconds)
    async with world.db.transaction() as tx:
        row = await _locked(tx, merchant_id, payout_id)
        if row.state in _DONE:
            return
        await close_payout(
            tx,
            row,
            {"approved": "paid", "declined": "failed"}.get(outcome.state, "executing"),
            world.clocks.wall(),
            reference=outcome.reference,
            reason=outcome.own_code,
        )


async def _locked(tx: Tx, merchant_id: UUID, payout_id: UUID) -> LockedPayout:
    """Raises: Problem(not_found)."""
    row = await lock_payout(tx, merchant_id, payout_id)
    if row is None:
        raise Problem(
            "not_found", "There is no such payout.", "Check its id; GET /api/v1/payouts lists them."
        )
    return row


def _custodial(world: World, asset: str, destination: str) -> ChannelRow:
    """Custodial money leaves by the custodial channel of its chain, else by the first of this
    environment. Raises: Problem(invalid)."""
    able = [
        c
        for c in enabled(test=world.policy.test_mode)
        if c.settlement == "custodial" and c.takes(asset)
    ]
    if not able:
        raise Problem(
            "invalid",
            "No custodial channel is open in this environment.",
            "GET /api/v1/channels lists what is.",
            detail="no_route",
        )
    chain = destination.partition(":")[0]
    return next((c for c in able if c.network == chain), able[0])
