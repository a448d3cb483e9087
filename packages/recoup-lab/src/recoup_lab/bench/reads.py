"""get_order and list_orders over HTTP, against pgbench running the same SELECTs."""

from collections.abc import Sequence
from datetime import timedelta

from recoup.desk.store.order_filter import OrderFilter
from recoup.desk.store.orders import list_orders_page
from recoup.kernel.time import Clocks
from recoup.kit.world import World
from recoup.orders.store.order_totals import Totals
from recoup.orders.store.wire_orders import whole_orders
from recoup_lab.bench import calls
from recoup_lab.bench.figure import Figure, Round, Size, figure
from recoup_lab.bench.ground import Ground, Shop, load, make_shop
from recoup_lab.bench.pgbench import NUMBER, Script, rate_of, script_of
from recoup_lab.bench.prepared import Model, admitted_order, copy_orders, model_of
from recoup_lab.bench.record import RecordingDatabase, Statement, next_millisecond

ORDERS = 10_000
PAGE = 10
AGED = timedelta(hours=1)  # what is listed did not come a moment ago


async def get_order(ground: Ground, size: Size) -> Figure:
    """Any of 10,000 orders."""
    async with ground.world() as (world, db):
        shop, model, number = await _filled(ground, world, size)
        since = await next_millisecond()
        async with db.recorded() as statements:
            async with db.connection() as connection:
                await whole_orders(connection, [shop.merchant_id], [model.order_id])
        marks = model.marks(":o")
        any_order = f"\\set o random({NUMBER + 1}, {NUMBER + number})\n"
        script = await script_of(ground.sandbox, statements, marks, since=since, sets=any_order)
    # without dashes: so the number stays whole
    path = f"/v1/orders/{model.order_prefix()}{calls.MARK}"
    plan = {
        "requests": [calls.get(path, b) for b in shop.bearers],
        "first": NUMBER + 1,
        "last": NUMBER + number,
    }
    return await _compare("get_order", ground, size, script, plan)


async def list_orders(ground: Ground, size: Size) -> Figure:
    """The first page of 10,000 orders, ten of them, with the exact total that the wire promises."""
    async with ground.world() as (world, db):
        shop, _, _ = await _filled(ground, world, size)
        selects = [s for s in await record_list(db, shop) if s.reads]
        script = await script_of(ground.sandbox, selects, {}, since=await next_millisecond())
    plan = {
        "requests": [calls.get(f"/v1/orders?pageSize={PAGE}", b) for b in shop.bearers],
        "first": 1,
        "last": 2,
    }
    return await _compare("list_orders", ground, size, script, plan)


async def record_list(db: RecordingDatabase, shop: Shop) -> Sequence[Statement]:
    """Records the statements of a list as the door reads it once it knows the merchant: the page,
    and how many came since."""
    wanted, totals, wall = OrderFilter(shop.merchant_id, door="rescue"), Totals(), Clocks().wall()
    async with db.connection() as connection:
        await totals.total(connection, shop.merchant_id, "rescue", wall)
    async with db.recorded() as statements:
        async with db.connection() as connection:
            await list_orders_page(connection, wanted, number=1, size=PAGE)
            await totals.total(connection, shop.merchant_id, "rescue", wall)
    return statements


async def _filled(ground: Ground, world: World, size: Size) -> tuple[Shop, Model, int]:
    shop = await make_shop(world, "Reads")
    order_id, number = await admitted_order(world, shop), size.of(ORDERS)
    async with ground.owner() as connection:
        model = await model_of(connection, shop.merchant_id, order_id, aged=AGED)
        await copy_orders(connection, model, 1, number)
    return shop, model, number


async def _compare(
    name: str, ground: Ground, size: Size, script: Script, plan: dict[str, object]
) -> Figure:
    ours, theirs = [], []
    async with ground.doors() as (ports, _):
        for _ in range(size.rounds):
            load_figures = await load(
                plan
                | {
                    "ports": ports,
                    "mark": calls.MARK,
                    "seconds": size.seconds,
                    "connections": size.connections,
                }
            )
            ours.append(
                Round(load_figures["per_second"], load_figures["p50_ms"], load_figures["p99_ms"])
            )
            theirs.append(
                await rate_of(
                    ground.pgbench,
                    ground.sandbox,
                    [script],
                    ground.data_dir,
                    clients=size.clients,
                    seconds=size.seconds,
                )
            )
    return figure(name, ours, theirs)
