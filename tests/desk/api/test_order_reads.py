"""Orders that are asked for at once are read together, and each answer is its caller's own."""

import asyncio

import httpx
from tests.door import UNKNOWN, Door

from recoup.desk.api.order import OrderReads
from recoup.orders.store.wire_orders import whole_orders


def test_orders_asked_for_at_once_are_each_answered_to_their_own_merchant(door: Door) -> None:
    shops = [door.shop(), door.shop()]
    orders = [[shop.evaluate().json()["orderId"] for _ in range(3)] for shop in shops]
    asked = [
        (shop, order_id)
        for shop in shops
        for order_id in (*orders[0], *orders[1], orders[0][0], UNKNOWN)
    ]

    async def inside() -> list[httpx.Response]:
        return await asyncio.gather(
            *(
                door.client.get(f"/v1/orders/{order_id}", headers=shop.headers)
                for shop, order_id in asked
            )
        )

    for (shop, order_id), answer in zip(asked, door.run(inside()), strict=True):
        if order_id in orders[shops.index(shop)]:
            alone = shop.get(f"/orders/{order_id}").json()
            assert answer.json() == alone
            assert answer.json()["id"] == order_id
        else:
            assert answer.status_code == 404


def test_who_waits_is_read_with_the_others(door: Door) -> None:
    shop = door.shop()
    ids = [shop.evaluate().json()["orderId"] for _ in range(4)]
    reads = door.services.get(OrderReads)
    sizes: list[int] = []
    read = reads._read

    async def counted(db, merchant_ids, order_ids):  # type: ignore[no-untyped-def]
        sizes.append(len(order_ids))
        return await read(db, merchant_ids, order_ids)

    async def inside() -> None:
        reads._read = counted
        try:
            await asyncio.gather(
                *(door.client.get(f"/v1/orders/{i}", headers=shop.headers) for i in ids * 8)
            )
            await door.client.get(f"/v1/orders/{ids[0]}", headers=shop.headers)
        finally:
            reads._read = whole_orders

    door.run(inside())
    assert sum(sizes) == 33
    assert max(sizes) > 2
    assert sizes[-1] == 1
