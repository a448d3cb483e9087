"""What the API tells of a dispute's evidence, and of the networks' monitoring programmes."""

import asyncio
from typing import Any
from uuid import UUID

from starlette.applications import Starlette
from tests.disputes.flows.test_compelling_evidence import VISA, bought, later
from tests.disputes.flows.test_disputes import a_shop, disputed
from tests.door import Caller, changed, client_of
from tests.rescue_operations import check_told, operation_of
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.disputes.flows.monitoring import watch_monitoring
from recoup.insight.flows.watch_rates import watch_rates
from recoup.keys.api.v1_resource import Services
from recoup.main.api import routes

SERIAL = "352099001761481"  # of a phone


async def answer(shop: Shop, method: str, path: str, **more: Any) -> Any:
    services = Services(shop.world, shop.orders, shop.merchants)
    app: Any = Starlette(routes=routes(services))
    async with client_of(app) as client:
        keys = {"AppKey": shop.keys.app_key, "AppSecret": shop.keys.app_secret}
        signed_in = await client.post("/v1/oauth2/token", json=keys)
        bearer = {"authorization": f"Bearer {signed_in.json()['accessToken']}"}
        said = await client.request(method, path, headers=bearer, **more)
    operation = operation_of(method, path)
    if operation is not None:
        check_told(operation, said)
    return said.json()


def test_an_order_tells_which_payments_answer_its_dispute(server: ServerAddress) -> None:
    async def story() -> None:
        async with a_shop(server) as shop:
            first, second = await bought(shop), await bought(shop)
            await later(shop, 125)
            third = await bought(shop)
            await disputed(shop, third)
            (case,) = (await answer(shop, "GET", f"/v1/orders/{third}"))["disputes"]
            found = case["compellingEvidence"]
            assert (found["matches"], found["missing"]) == (["ip", "account"], None)
            assert {one["orderId"] for one in found["payments"]} == {str(first), str(second)}
            assert {one["reason"] for one in found["payments"]} == {None}
            await disputed(shop, first, kind="service")
            (case,) = (await answer(shop, "GET", f"/v1/orders/{third}"))["disputes"]
            found = case["compellingEvidence"]
            assert (found["matches"], found["missing"]["field"]) == ([], "customerIp")
            assert {one["orderId"]: one["reason"] for one in found["payments"]} == {
                str(first): "disputed",
                str(second): "alone",
            }
            (case,) = (await answer(shop, "GET", f"/v1/orders/{first}"))["disputes"]
            assert case["compellingEvidence"] is None, "no dispute of 10.4"

    asyncio.run(story())


def test_the_programmes_are_told_with_their_thresholds(server: ServerAddress) -> None:
    async def story() -> None:
        async with a_shop(server) as shop:
            assert await answer(shop, "GET", "/v1/monitoring") == {
                "countedAt": None,
                "programs": [],
            }
            await disputed(shop, await bought(shop, pan=VISA))
            await watch_rates(shop.world)
            await watch_monitoring(shop.world)
            (row,) = (await answer(shop, "GET", "/v1/monitoring"))["programs"]
            known = {
                name: row[name]
                for name in ("program", "network", "cases", "sales", "casesMin", "basisPointsMin")
            }
            assert known == {
                "program": "VAMP",
                "network": "visa",
                "cases": 1,
                "sales": 1,
                "casesMin": 1500,
                "basisPointsMin": 150,
            }
            assert (row["state"], row["certain"], row["basisPoints"]) == ("below", True, 10_000)

    asyncio.run(story())


def test_a_device_is_kept_with_its_order_and_what_reads_like_a_card_number_is_not(
    shop: Caller,
) -> None:
    known = {"deviceId": "d" * 15, "fingerprint": "f" * 20}
    for details, kept in (
        (known | {"model": "x"}, known),
        ({"deviceId": SERIAL}, {"deviceId": SERIAL}),
        ({"deviceId": VISA}, None),
        ({"deviceId": 7, "fingerprint": ["f"]}, None),
        ({"a": [1]}, None),
    ):
        said = shop.evaluate(changed(shop.body(), {"deviceDetails": details})).json()
        assert said["status"] == "SUBMITTED"
        sql = "SELECT facts -> 'device' FROM orders WHERE order_id = $1"
        assert shop.door.run(shop.shop.value(sql, UUID(said["orderId"]))) == kept
