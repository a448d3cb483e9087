"""Two tabs of one person: what was begun in one is not done to what the other has chosen since."""

from uuid import UUID

from tests.staff import PARTNER, As, portal, texts, token
from tests.worlds import Shop, make_shop

from recoup.db.server import ServerAddress
from recoup.people.flows.make_user import register_merchant


async def second_shop(shop: Shop) -> UUID:
    other = await make_shop(shop.world, shop.orders, shop.deliveries, name="Second Leaf")
    await register_merchant(shop.world, other.merchant_id, "Second Leaf", PARTNER)
    return other.merchant_id


def test_a_form_of_one_merchant_does_nothing_at_another(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        pat, other = await signed_in("pat"), await second_shop(shop)
        here = await token(pat, "/orders")
        chosen = {"merchant": str(shop.merchant_id)}
        assert (await pat.post("/merchant", data=chosen | {"csrf": here})).status_code == 303
        old = await token(pat, "/roles")
        limits = {"csrf": old, "role": "operations", "currency": "USD", "refund_max": "50"}
        assert (
            await pat.post("/merchant", data={"csrf": old, "merchant": str(other)})
        ).status_code == 303
        refused = await pat.post(
            "/roles/limits", data=limits, headers={"origin": "http://portal.test"}
        )
        assert "This form belongs to another merchant or environment" in texts(refused, 409)
        assert "refund_max" not in refused.text, "one click would send it to the other"
        file = {"file": ("a.json", b"[]", "application/json")}
        assert (
            await pat.post("/uploads", data={"csrf": old, "kind": "transmit"}, files=file)
        ).status_code == 409
        assert await shop.value("SELECT count(*) FROM refund_limits") == 0
        assert (
            await pat.post("/account/name", data={"csrf": old, "name": "Pat P"})
        ).status_code == 303
        assert (await pat.post("/merchant", data=chosen | {"csrf": old})).status_code == 303, (
            "back again"
        )
        assert (await pat.post("/roles/limits", data=limits)).status_code == 303
        assert await shop.value("SELECT merchant_id FROM refund_limits") == shop.merchant_id
        assert (
            await pat.post("/merchant", data={"csrf": old, "merchant": str(other)})
        ).status_code == 303
        assert (await pat.post("/signout", data={"csrf": old})).status_code == 303

    portal(server, story)


def test_a_partners_form_goes_on_whichever_merchant_is_looked_at(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        pat, other = await signed_in("pat"), await second_shop(shop)
        old = await token(pat, "/partner")
        assert (
            await pat.post("/merchant", data={"csrf": old, "merchant": str(other)})
        ).status_code == 303
        answer = await pat.post(
            "/partner/switches", data={"csrf": old, "mid": str(other), "MIT": "off"}
        )
        assert answer.status_code not in (403, 409)

    portal(server, story)
