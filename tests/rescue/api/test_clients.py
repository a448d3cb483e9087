"""Today's clients, unchanged, against the running server: each does everything that it can do.

No published client of this API can be installed by the test run, so these are replicas of what such
clients send and read; see `clients/`.
"""

import asyncio
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from tests.door import Caller, Door, listening
from tests.rescue.api.clients.gateway_class import GatewayClass
from tests.rescue.api.clients.gateway_library import GatewayLibrary
from tests.rescue.api.clients.subscription_platform import SubscriptionPlatform, days_from
from tests.rescue.api.clients.transport import Card, Credentials, call

from recoup.networks.allow_list import APPROVE_CARDS, PHONE_CARD
from recoup.networks.magic import DECLINE_CARD, script_card

T = TypeVar("T")
SURE = Card(PHONE_CARD, 9, 2031, "999")
NEVER = Card(DECLINE_CARD, 9, 2031, "999")
OFTEN = Card(script_card("visa", "51", 99), 9, 2031, "999")


def credentials(shop: Caller) -> Credentials:
    keys = shop.shop.keys
    return Credentials(
        keys.app_key, keys.app_secret, shop.mid, str(shop.shop.site_id), keys.tokenization_key
    )


def talking(door: Any, story: Callable[[int], T], app: Any = None) -> T:
    """The story in a thread of its own, the server behind a real socket."""

    async def both() -> T:
        async with listening(app or door.app) as port:
            return await asyncio.to_thread(story, port)

    return door.run(both())


def name() -> str:
    return f"SO-{uuid.uuid4().hex[:10]}"


def test_a_gateway_library_sells_by_token_inquires_and_refunds(door: Door, shop: Caller) -> None:
    def story(port: int) -> None:
        gateway = GatewayLibrary(port, credentials(shop))
        token = gateway.store(SURE)
        sold = gateway.purchase(4590, SURE, name(), token=token, mit=True)
        assert (sold.success, sold.params["status"]) == (True, "APPROVED")
        assert gateway.inquire(sold.authorization).params["statusName"] == "COMPLETED"
        back = gateway.refund(1000, sold.authorization)
        assert (back.success, back.params["responseCode"]) == (True, "100")
        again = gateway.refund(4000, back.authorization)
        assert not again.success
        assert "35.90" in again.message
        assert gateway.signed_in == 1, "a token is used until it ends"

    talking(door, story)


def test_a_gateway_library_hands_a_subscription_over_and_voids_it(door: Door, shop: Caller) -> None:
    now = door.run(shop.shop.now())

    def story(port: int) -> None:
        gateway = GatewayLibrary(port, credentials(shop))
        taken = gateway.purchase(
            4590, OFTEN, name(), mit=True, expiry=days_from(now, 21).isoformat()
        )
        assert (taken.success, taken.params["status"]) == (True, "SUBMITTED")
        assert gateway.void(taken.authorization).success
        assert gateway.inquire(taken.authorization).params["statusName"] == "CANCELLED"

    talking(door, story)


def test_a_gateway_library_is_refused_in_words(door: Door, shop: Caller) -> None:
    def story(port: int) -> None:
        gateway = GatewayLibrary(port, credentials(shop))
        declined = gateway.purchase(4590, NEVER, name(), mit=True)
        assert (declined.success, declined.params["status"]) == (False, "DECLINED")
        wrong = gateway.purchase(0, SURE, "", mit=True)
        assert not wrong.success
        assert "Merchant's orderId is required" in wrong.message
        assert not gateway.inquire("00000000-0000-0000-0000-000000000000#USD").success
        assert not gateway.void(
            gateway.purchase(4590, SURE, name(), mit=True).authorization
        ).success
        stranger = GatewayLibrary(port, credentials(shop), token="nonsense", expires=1 << 60)
        assert not stranger.purchase(4590, SURE, name(), mit=True).success

    talking(door, story)


def test_a_gateway_library_authorizes_captures_and_voids(door: Door, shop: Caller) -> None:
    def story(port: int) -> None:
        gateway = GatewayLibrary(port, credentials(shop))
        held = gateway.authorize(
            4590, Card(APPROVE_CARDS[1], 9, 2031, "111"), name(), phone="998888"
        )
        assert (held.success, held.params["status"]) == (True, "CAPTUREREQUIRED")
        assert gateway.inquire(held.authorization).params["statusName"] == "CAPTUREREQUIRED"
        assert gateway.capture(4590, held.authorization, str(uuid.uuid4())).success
        other = gateway.authorize(
            4590, Card(APPROVE_CARDS[1], 9, 2031, "111"), name(), phone="998888"
        )
        assert gateway.void(other.authorization).success

    talking(door, story)


def test_a_gateway_class_with_doubled_slashes(door: Door, shop: Caller) -> None:
    def story(port: int) -> None:
        gateway = GatewayClass(port, credentials(shop))
        token = gateway.tokenize(SURE)
        sold = gateway.evaluate(token, name(), 4590, isMIT=True)
        assert (sold.status, sold.body["status"]) == (200, "APPROVED")
        key = sold.body["orderSessionKey"]
        assert gateway.outcome(key) == "APPROVED"
        assert gateway.order(key)["amount"] == 4590
        assert gateway.refund(key, 1200)
        assert gateway.order(key)["refundedAmount"] == 1200
        assert not gateway.cancel(key), "it is paid"
        open_ = gateway.evaluate(gateway.tokenize(OFTEN), name(), 4590, isMIT=True)
        assert (open_.body["status"], open_.body["success"]) == ("DECLINED", False)
        assert gateway.outcome(open_.body["orderSessionKey"]) == "PROCESSING"
        assert gateway.cancel(open_.body["orderSessionKey"])
        assert gateway.outcome(open_.body["orderSessionKey"]) == "CANCELLED"
        assert gateway.outcome("nothing") == "NOTFOUND"

    talking(door, story)


def test_a_gateway_class_captures(door: Door, shop: Caller) -> None:
    def story(port: int) -> None:
        gateway = GatewayClass(port, credentials(shop))
        held = gateway.evaluate(
            gateway.tokenize(SURE), name(), 4590, transactionType="AUTHORIZATION"
        )
        assert held.body["status"] == "CAPTUREREQUIRED"
        assert gateway.capture(held.body["orderSessionKey"], 4590)

    talking(door, story)


def test_a_subscription_platform_from_the_decline_to_the_refund(door: Door, shop: Caller) -> None:
    now = door.run(shop.shop.now())
    order_id = name()

    def begins(port: int) -> str:
        platform = SubscriptionPlatform(port, credentials(shop))
        assert platform.authenticate()
        assert platform.transmit(order_id, 4590, declined=True).body["result"] == "success"
        token = platform.tokenize(SURE)
        taken = platform.evaluate(token, order_id, 4590, "k1", days_from(now, 21))
        assert (taken.status, taken.body["status"]) == (200, "SUBMITTED")
        again = platform.evaluate(token, order_id, 4590, "k1", days_from(now, 21))
        assert again.body == taken.body
        key: str = taken.body["orderSessionKey"]
        assert platform.sync(key) == "SUBMITTED"
        return key

    def ends(port: int) -> None:
        platform = SubscriptionPlatform(port, credentials(shop))
        platform.authenticate()
        assert platform.sync(key) == "APPROVED"
        assert platform.order(key)["externalOrderId"] == order_id
        assert platform.refund(key, "45.90").body["status"] == "SUCCESS"
        assert platform.order(key)["statusName"] == "RETURNED"
        assert platform.refund(key, "1").body["responseCode"] == "2001"

    key = talking(door, begins)
    shop.advance(days=20)
    talking(door, ends)


def test_a_subscription_platform_that_keeps_asking_and_gives_up(door: Door, shop: Caller) -> None:
    def story(port: int) -> None:
        platform = SubscriptionPlatform(port, credentials(shop))
        platform.authenticate()
        token, order_id = platform.tokenize(OFTEN), name()
        first = platform.evaluate(token, order_id, 4590, "k1", None)
        assert (first.body["status"], first.body["success"]) == ("DECLINED", False)
        second = platform.evaluate(token, order_id, 4590, "k2", None)
        assert second.body["orderSessionKey"] == first.body["orderSessionKey"]
        cancelled = platform.cancel(first.body["orderSessionKey"])
        assert (cancelled.status, cancelled.text) == (200, "{}")
        assert platform.sync(first.body["orderSessionKey"]) == "CANCELLED"

    talking(door, story)


def test_a_bad_key_is_400_to_every_client(door: Door, shop: Caller) -> None:
    def story(port: int) -> None:
        body = {"AppKey": shop.shop.keys.app_key, "AppSecret": "wrong"}
        heard = call(port, "POST", "/v1/oauth2/token", {"Content-Type": "application/json"}, body)
        assert (heard.status, "AppKey" in heard.body) == (400, True)

    talking(door, story)
