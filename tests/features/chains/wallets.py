"""Merchants' own wallets that hold already."""

from tests.worlds import Shop

from recoup.features.chains.addresses import shown
from recoup.features.chains.channels import Kind


async def agree_on_address(shop: Shop, kind: Kind, wallet: bytes) -> None:
    async with shop.world.db.connection() as connection:
        await connection.execute(
            "INSERT INTO settlement_addresses (merchant_id, kind, address_id, address, set_by, set_at, holds_from,"
            " approved_by, approved_at)"
            " VALUES ($1, $2, $1, $3, 'test', now(), now() - interval '1 day', 'test', now())",
            shop.merchant_id,
            kind,
            shown(wallet, kind),
        )
