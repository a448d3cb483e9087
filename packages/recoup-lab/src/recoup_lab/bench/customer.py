"""CIT evaluate over HTTP against the sandbox processor: admission, intent, call, outcome while the
caller waits.

Against pgbench running the statements of one such call row by row; the issuer's own book is no part
of its work.
"""

from dataclasses import replace
from uuid import UUID

from recoup.kernel.ids import new_id
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.flows.tokenize import CardGiven, Vault
from recoup_lab.bench import calls
from recoup_lab.bench.figure import Figure, Size
from recoup_lab.bench.ground import Ground, Shop, make_shop, orders_of
from recoup_lab.bench.intake import compare, declined_of, payer_marks, posts
from recoup_lab.bench.pgbench import Mark, Script, prefix_of, script_of
from recoup_lab.bench.record import RecordingDatabase, next_millisecond


async def cit(ground: Ground, size: Size) -> Figure:
    """Customers at the checkout, each approved."""
    async with ground.world() as (world, db):
        shop, token = await make_shop(world, "Checkout"), new_id()
        await Vault(world).store(CardGiven(shop.merchant_id, token, APPROVE_CARDS[1], 9, 2031))
        script = await _script(ground, world, db, shop, token)
    body = calls.evaluate_body(shop.merchant_id, shop.site_id, token, world.clocks.wall())
    for name in ("expiryDateUtc", "subscription", "isRecurring"):
        del body[name]
    body |= {"isMIT": False, "customerIp": "203.0.113.24"}
    return await compare("cit", ground, size, script, posts("/v1/evaluate", body, shop))


async def _script(
    ground: Ground, world: World, db: RecordingDatabase, shop: Shop, token: UUID
) -> Script:
    """Script of one approved CIT, as the flow runs it alone. A magic card's identity is made of
    order and number, there too."""
    merchants = Merchants(world)
    await merchants.get(shop.merchant_id)
    orders, _ = orders_of(world)
    flow = Evaluate(world, orders, merchants, Vault(world))
    given = replace(declined_of(world, shop, token), is_mit=False, expires_at=None)
    since = await next_millisecond()
    async with db.recorded() as statements:
        result = await flow.evaluate(shop.scope, given)
    assert result.evaluate == "APPROVED"
    order = await db.fetchrow(
        "SELECT card_id, pan_id FROM orders WHERE order_id = $1", result.order_id
    )
    assert order is not None
    prefix = prefix_of(0)
    card = f"md5(('{prefix}' || :id)::uuid::text || '{order['pan_id']}')"
    marks = {
        calls.MARK: Mark("", ":id"),
        str(result.order_id): Mark(prefix, ":id"),
        str(order["card_id"]): Mark("", card),
        **payer_marks(statements),
    }
    return await script_of(ground.sandbox, statements, marks, since=since)
