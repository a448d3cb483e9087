"""/operator: the switch of all sending, with a second factor and a reason; the band says it to
everybody."""

from tests import staff
from tests.people.page.test_second_factor import code, set_up
from tests.settling import sold
from tests.staff import As, portal, texts
from tests.worlds import FUNDS_CARD, Shop, change_world

from recoup.db.server import ServerAddress
from recoup.processors.rules.route_terms import RouteTerms
from recoup.rescue.flows.due import start
from recoup.routes.flows.card_routes import CardRoutes

OFF, ON = "/operator/sending-off", "/operator/sending-on"


def _shared(shop: Shop) -> None:
    world = shop.world
    change_world(world, routes=CardRoutes([RouteTerms("sandbox")], (), world.db, world.clocks))


def test_the_operator_switches_all_sending_off_and_everybody_sees_it(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        _shared(shop)
        olga, owner = await signed_in("olga"), await signed_in("owner")
        secret, _, _ = await set_up(shop, olga)
        assert "SENDING IS OFF" not in texts(await owner.get("/orders"))
        [paid_id] = await sold(shop, 1)
        order_id = await shop.admit(pan=FUNDS_CARD)
        await start(shop.orders, shop.key(order_id))
        for fields, status in (
            ({"reason": "charges twice", "code": ""}, 400),
            ({"reason": "charges twice", "code": "000000"}, 401),
            ({"reason": " ", "code": code(shop, secret, 1)}, 400),
        ):
            assert (await staff.post(olga, "/operator", OFF, **fields)).status_code == status
        assert await shop.value("SELECT count(*) FROM sending_stops") == 0, "nothing was done"
        fields = {"reason": "charges twice", "code": code(shop, secret, 1)}
        assert (await staff.post(olga, "/operator", OFF, **fields)).status_code == 303
        page = texts(await olga.get("/operator"))
        assert "All sending is switched off" in page
        assert "charges twice" in page
        for reader in (olga, owner):
            assert "SENDING IS OFF" in texts(await reader.get("/orders"))
        waits = "All sending is off: it waits until sending is on again."
        assert waits in texts(await owner.get(f"/orders/{order_id}"))
        retried = await staff.post(owner, f"/orders/{order_id}", f"/orders/{order_id}/retry")
        told = texts(await owner.get(retried.headers["location"]))
        assert "it is sent when sending is on again." in told
        assert "sent within seconds" not in told
        fields_of = {"how": "amount", "amount": "10.00", "key": "9" * 32}
        refunded = await staff.post(
            owner, f"/orders/{paid_id}", f"/orders/{paid_id}/refund", **fields_of
        )
        told = texts(await owner.get(refunded.headers["location"]))
        assert (
            "It is owed to the customer. All sending is off: it is sent when sending is on again."
            in told
        )
        assert "is being sent" not in told
        assert "charges twice" not in texts(await owner.get("/orders")), (
            "a reason is for the operator's people"
        )
        used = await staff.post(olga, "/operator", ON, code=fields["code"])
        assert used.status_code in (400, 401), "a code counts once"
        async with shop.world.people.connection() as connection:
            await connection.execute("UPDATE second_factors SET last_step = 0")
        assert (await staff.post(olga, "/operator", ON, code=code(shop, secret))).status_code == 303
        assert "SENDING IS OFF" not in texts(await owner.get("/orders"))
        audit = texts(await olga.get("/audit"))
        assert "switched all sending off" in audit
        assert "switched sending on" in audit

    portal(server, story)


def test_nobody_else_switches_it(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner = await signed_in("owner")
        answer = await staff.post(owner, "/orders", OFF, reason="mine")
        assert answer.status_code == 403
        assert await shop.value("SELECT count(*) FROM sending_stops") == 0

    portal(server, story)
