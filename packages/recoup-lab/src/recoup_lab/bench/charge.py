"""Signed charges on the mock channel over HTTP, against pgbench running their statements with one
row a call."""

import hashlib
from collections.abc import Sequence

from recoup.keys.rules.signing import canonical, sign
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.stablecoin.flows.callers import Callers, Signed
from recoup.stablecoin.flows.charge import Charges, StablecoinChargeRequest
from recoup_lab.bench import calls
from recoup_lab.bench.figure import Figure, Size
from recoup_lab.bench.ground import Ground, Shop, make_shop
from recoup_lab.bench.intake import compare
from recoup_lab.bench.pgbench import Mark, script_of
from recoup_lab.bench.record import RecordingDatabase, Statement, next_millisecond

PATH = "/api/v1/charges"


async def charge(ground: Ground, size: Size) -> Figure:
    """Each call is signed, its signature kept; then the order with its payment is admitted."""
    async with ground.world() as (world, db):
        shop = await make_shop(world, "Charges")
        since = await next_millisecond()
        statements, signature = await _record(world, db, shop)
        marks = {
            calls.MARK: Mark("", ":id"),
            signature: Mark(hashlib.sha256(b"bench").hexdigest()[:49], ":id"),
        }
        script = await script_of(ground.sandbox, statements, marks, since=since)
    request = calls.post(PATH, calls.charge_body(), None)
    key = {
        "path": PATH,
        "key_id": shop.keys.stablecoin_key_id,
        "secret": shop.keys.stablecoin_secret,
    }
    return await compare("charge", ground, size, script, {"requests": [request], "signing": key})


async def _record(
    world: World, db: RecordingDatabase, shop: Shop
) -> tuple[Sequence[Statement], str]:
    """Records the statements of one call, and its signature."""
    merchants = Merchants(world)
    await merchants.get(shop.merchant_id)
    callers, charges = Callers(world), Charges(world, merchants)
    await callers.verify(_signed(world, shop, b"first"))
    signed = _signed(world, shop, b"second")
    request = StablecoinChargeRequest(
        f"order-{calls.MARK}", "49.90", "USDT", "mock", facts={"subject": "Pro plan"}
    )
    async with db.recorded() as statements:
        await callers.verify(signed)
        await charges.charge(shop.scope, request)
    return statements, signed.signature


def _signed(world: World, shop: Shop, body: bytes) -> Signed:
    timestamp = str(int(world.clocks.wall().timestamp()))
    message = canonical("POST", PATH.encode(), b"", timestamp, body)
    made = sign(shop.keys.stablecoin_secret.encode(), message)
    return Signed(shop.keys.stablecoin_key_id, timestamp, made, "POST", PATH.encode(), b"", body)
