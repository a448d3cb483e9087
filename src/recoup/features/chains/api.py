"""What the stablecoin API shows of an order on a chain, and of its merchant's wallets."""

from typing import Final
from uuid import UUID

import msgspec
from msgspec import UNSET

from recoup.core.kit.paying import Paying
from recoup.doors.stablecoin.resource import Services
from recoup.doors.stablecoin.shapes import Confirmations, Deposit, Instruction, Payment, Terms, checkout_url
from recoup.features.chains import store
from recoup.features.chains.abi import to_hex
from recoup.features.chains.addresses import KINDS, shown
from recoup.features.chains.checkout import chain_page
from recoup.features.chains.seen import SeenDeposit, seen_of
from recoup.flows.merchant_cache import known_offset
from recoup.flows.world import World
from recoup.rules.order.lifecycle import Stage
from recoup.rules.stable.amounts import text_like
from recoup.rules.stable.words import stamp
from recoup.store.stable.stable_orders import StableOrder


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


async def _payment(world: World, order: StableOrder, payment: Payment, fresh: bool) -> Payment | None:  # noqa: FBT001
    seen = await seen_of(world, order, fresh=fresh)
    if seen is None:
        return None
    first = seen.first_tx
    return msgspec.structs.replace(
        payment,
        status="processing" if order.stage is Stage.PROCESSING and order.attempt_state == "planned" else payment.status,
        channel_ref=payment.channel_ref or (to_hex(first) if first else ""),
        amount_received=text_like(seen.received_units, order.asset, order.amount_text),
        confirmations=Confirmations(*seen.progress),
        deposits=[_deposit(one, order.amount_text) for one in seen.deposits],
        exceptions=seen.exceptions(),
    )


def _deposit(one: SeenDeposit, like: str) -> Deposit:
    """A token that no channel is served for any more has its base units as they are."""
    log, channel = one.log, one.channel
    return Deposit(
        tx_hash=to_hex(log.tx),
        chain=channel.network if channel else "",
        asset=channel.asset if channel else "",
        token_contract=shown(log.token, channel.kind) if channel else to_hex(log.token),
        right_token=one.right,
        amount=one.amount_like(like) or str(log.value),
        status=log.state,
        confirmations=Confirmations(*one.progress),
        block_at=stamp(log.block_at),
    )


async def _wallets(world: World, merchant_id: UUID) -> dict[str, str]:
    now = world.clocks.business(await known_offset(world.db.reader, merchant_id))
    found = {kind: await store.settles_to(world.db.reader, merchant_id, kind, now) for kind in KINDS}
    return {kind: address for kind, address in found.items() if address is not None}


PAYING: Final = Paying(instruction=_instruction, payment=_payment, page=chain_page, wallets=_wallets)
