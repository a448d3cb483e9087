"""GET /wallets and /ledger: what the merchant holds, and every movement. Source: contract
stablecoin-api §2.7."""

from typing import Final, Literal
from uuid import UUID

from msgspec import Struct

from recoup.kernel.ids import wire_id
from recoup.kernel.time import stamp
from recoup.kit.world import World
from recoup.orders.rules.amounts import plain_text
from recoup.orders.rules.ledger import PAYABLE, RECIPES, Recipe
from recoup.stablecoin.api.fields import LIMIT, Limit, Offset, limit_and_offset
from recoup.stablecoin.api.resource import Call, signed_api
from recoup.stablecoin.store.wallets import WalletMovement, balances, movements

Type = Literal["credit", "debit", "fee", "settlement"]


class Wallet(Struct, frozen=True):
    id: str
    """`wlt_` and an opaque text."""
    currency: str
    balance: str
    pending_balance: str
    updated_at: str


class WalletList(Struct, frozen=True):
    data: list[Wallet]


class Movement(Struct, frozen=True):
    id: str
    """`led_` and an opaque text."""
    wallet_id: str
    order_id: str | None
    type: Type
    amount: str
    """Signed."""
    balance_after: str
    currency: str
    reference: str
    """Transaction hash, or a note."""
    created_at: str


class Ledger(Struct, frozen=True):
    data: list[Movement]
    """Newest first."""
    total: int
    limit: int
    offset: int


class PageQuery(Struct, frozen=True):
    limit: Limit = LIMIT
    offset: Offset = 0


api: Final = signed_api("Money", "payouts")


@api("GET /api/v1/wallets")
@api.example("Before the first payment", None, {"data": []})
async def wallets(call: Call) -> WalletList:
    """List wallets. Balances of custodial orders, by currency."""
    world, merchant_id = call.services.world, call.scope.merchant_id
    rows = await balances(world.db.reader, merchant_id)
    return WalletList(
        [
            Wallet(
                wallet_id(world, merchant_id, row.asset),
                row.asset,
                plain_text(row.units, row.asset),
                "0",
                stamp(row.at),
            )
            for row in rows
        ]
    )


@api("GET /api/v1/ledger", query=PageQuery)
async def ledger(call: Call) -> Ledger:
    """List movements. Every change of a balance, append-only."""
    world, merchant_id = call.services.world, call.scope.merchant_id
    limit, offset = limit_and_offset(call.query)
    async with world.db.read() as connection:
        known = await call.services.totals.total(
            connection, merchant_id, "wallet", world.clocks.wall()
        )
        rows, total = await movements(connection, merchant_id, limit, offset, known)
    return Ledger([_movement(world, merchant_id, row) for row in rows], total, limit, offset)


def _movement(world: World, merchant_id: UUID, row: WalletMovement) -> Movement:
    asset = row.asset
    return Movement(
        wire_id("led", row.posting_id),
        wallet_id(world, merchant_id, asset),
        wire_id("ord", row.order_id) if row.order_id else None,
        _type(RECIPES[row.recipe]),
        plain_text(row.units, asset),
        plain_text(row.balance_after, asset),
        asset,
        row.reference,
        stamp(row.business_at),
    )


def wallet_id(world: World, merchant_id: UUID, asset: str) -> str:
    """A wallet is its merchant and currency; its id is made of both."""
    return wire_id("wlt", world.keys.derived_id("wallet", merchant_id.bytes, asset))


def _type(recipe: Recipe) -> Type:
    if recipe.line == "fee":
        return "fee"
    if recipe.debit == PAYABLE:
        return "settlement" if recipe.credit == "clearing" else "debit"
    return "credit"
