"""A partner's one endpoint hears of its merchants: what a merchant is told of it."""

from typing import Any

from tests.door import UNKNOWN, Caller, Door
from tests.partner import Partner, make_one
from tests.partners.api.test_partner import developer
from tests.receiver import receiving
from tests.rescue_shapes import check_refused
from tests.webhooks.api.test_hooks import AT_ONCE

from recoup.onboarding.flows.go_live import onboarding_of


def open_tasks(partner: Partner, told: dict[str, Any]) -> str:
    missing = partner.get(f"/partner/merchants/{told['mid']}").json()["missing"]
    [found] = [one for one in missing if one["code"] == "checklist"]
    return str(found["text"])


def webhook_hops(shop: Caller) -> list[tuple[str, str]]:
    found = shop.post("/connection-test", {"kind": "mit"}).json()
    return [(hop["state"], hop["told"]) for hop in found["hops"] if hop["name"] == "webhook"]


def test_a_partner_with_its_one_endpoint_gets_its_merchants_checklist_green(door: Door) -> None:
    partner, rival = make_one(door), make_one(door)
    told, stranger = partner.merchant(name="Tea"), rival.merchant(name="Coffee")
    shop, other = developer(door, told), developer(door, stranger)
    with receiving(door) as hooks:
        partner.post("/partner/webhooks", {"url": hooks.url("/in?key=hush")})
        assert "Webhook delivered" in open_tasks(partner, told)
        for caller in (shop, other):
            caller.admit(**AT_ONCE)
            door.run(caller.shop.publish())
        assert hooks.events
    assert "Webhook delivered" not in open_tasks(partner, told)
    assert "webhook" not in door.run(onboarding_of(door.world, other.shop.merchant_id))[0].evidence


def test_the_connection_test_tries_the_partners_endpoint_and_tells_its_host_only(
    door: Door,
) -> None:
    partner, rival = make_one(door), make_one(door)
    shop, other = developer(door, partner.merchant()), developer(door, rival.merchant())
    with receiving(door) as hooks:
        made = partner.post("/partner/webhooks", {"url": hooks.url("/in?key=hush")}).json()
        assert webhook_hops(shop) == [
            ("ok", "Your partner's endpoint at 127.0.0.1 took a signed sample.")
        ]
        assert hooks.got[0].data["Mid"] == shop.mid
        assert [state for state, _ in webhook_hops(other)] == ["skipped"]
        [tried] = partner.get(f"/partner/webhooks/{made['id']}/deliveries").json()["data"]
        assert tried["isSample"] is True


def test_a_partner_who_calls_the_merchants_webhooks_is_led_to_its_own(door: Door) -> None:
    partner = make_one(door)
    refused = check_refused(
        partner.post("/webhooks", {"url": "https://hooks.example.com"}), 403, "forbidden"
    )
    assert "/v1/partner/webhooks" in refused["result"]
    unknown = check_refused(partner.get(f"/partner/webhooks/{UNKNOWN}"), 404, "not_found")
    assert "GET /v1/partner/webhooks lists" in unknown["result"]
    partner.post("/partner/webhooks", {"url": "https://hooks.example.com"})
    taken = check_refused(
        partner.post("/partner/webhooks", {"url": "https://hooks.example.com"}), 409, "conflict"
    )
    assert "PATCH /v1/partner/webhooks/" in taken["result"]
