"""/connection-test: the way of an order, hop by hop, and never a charge (seed 004, independent
testing)."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest
from tests.door import Caller, Door
from tests.receiver import receiving, signed_by_hand
from tests.rescue_shapes import check_refused, fields_of
from tests.rings import each

# the inquiry; the sample shows among the deliveries, and who sent it in the audit log
KEPT = ("issuer.calls", "delivery_tries", "audit_lines")
HOPS = [
    "credential",
    "merchant",
    "switch_merchant",
    "switch_site",
    "switch_campaign",
    "token_key",
    "processor",
    "webhook",
    "outcome",
]


def way_of(shop: Caller, kind: str = "mit", **more: Any) -> dict[str, Any]:
    answer = shop.post("/connection-test", {"kind": kind} | more)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def states(found: dict[str, Any]) -> dict[str, str]:
    return {hop["name"]: hop["state"] for hop in found["hops"]}


def hop_of(found: dict[str, Any], name: str) -> dict[str, Any]:
    [hop] = [hop for hop in found["hops"] if hop["name"] == name]
    return dict(hop)


@pytest.mark.parametrize("kind", ["mit", "cit_web", "cit_callcenter"])
def test_a_way_that_is_whole(shop: Caller, kind: str) -> None:
    with shop.door.nothing_written(but=KEPT):
        found = way_of(shop, kind)
    assert [hop["name"] for hop in found["hops"]] == HOPS
    left_out = {"switch_campaign", "webhook"}
    assert states(found) == {name: "skipped" if name in left_out else "ok" for name in HOPS}
    assert (found["success"], found["kind"], found["world"]) == (True, kind, "sandbox")


def test_the_webhook_takes_a_signed_sample_and_no_card_is_charged(shop: Caller) -> None:
    with receiving(shop.door) as receiver:
        shop.post("/webhooks", {"url": receiver.url()})
        with shop.door.nothing_written(but=KEPT):
            found = way_of(shop)
        assert hop_of(found, "webhook")["state"] == "ok"
        [delivery] = receiver.got
        signed_by_hand(shop.shop.webhook_key, delivery.headers, delivery.body)
        assert delivery.json["IsTestMode"] is True
        receiver.answers += [500]
        failed = hop_of(way_of(shop), "webhook")
        assert (failed["state"], "500" in failed["told"], bool(failed["cure"])) == (
            "failed",
            True,
            True,
        )


def test_tests_send_no_more_samples_than_may_be(
    shop: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recoup.webhooks.flows.send_sample.SAMPLES_MAX", 2)
    with receiving(shop.door) as receiver:
        made = shop.post("/webhooks", {"url": receiver.url()}).json()
        for _ in range(2):
            assert hop_of(way_of(shop), "webhook")["state"] == "ok"
        left_out = hop_of(way_of(shop), "webhook")
        assert left_out["state"] == "skipped"
        assert "2 samples were sent within a minute" in left_out["told"]
        assert left_out["cure"].startswith("Send the next one in ")
        answer = shop.post(f"/webhooks/{made['id']}/test", {})
        check_refused(answer, 429, "too_many_requests")
        assert 0 < int(answer.headers["retry-after"]) <= 60
        assert len(receiver.got) == 2


def test_every_hop_that_fails_is_told_with_its_cure(door: Door, shop: Caller) -> None:
    site = str(shop.shop.site_id)
    shop.post(f"/sites/{site}/campaigns", {"key": "spring", "mit": False})
    shop.call("PUT", "/switches", json={"kind": "mit", "on": False})
    shop.call("PUT", "/switches", json={"kind": "mit", "on": False, "siteId": site})
    shop.post("/webhooks", {"url": "http://127.0.0.1:9/"})
    shop.set(killed=True)
    door.sql(
        "UPDATE tokenization_keys SET revoked_at = now() WHERE merchant_id = $1",
        shop.shop.merchant_id,
    )
    until = door.world.clocks.wall() + timedelta(minutes=5)
    door.sql("INSERT INTO issuer.faults (kind, until) VALUES ('outage', $1)", until)
    try:
        found = way_of(shop, campaign="Spring")
    finally:
        door.sql("DELETE FROM issuer.faults")
    assert found["success"] is False
    assert {name for name, state in states(found).items() if state == "failed"} == set(HOPS) - {
        "credential",
        "outcome",
    }
    assert all(hop["told"] and hop["cure"] for hop in found["hops"] if hop["state"] == "failed")
    assert found["result"].startswith("The operator has stopped all sending")
    assert states(way_of(shop, "cit_web"))["switch_merchant"] == "ok", "kinds are tested apart"


def test_a_merchant_that_is_paused_is_told(shop: Caller) -> None:
    shop.set(state="paused")
    assert (
        hop_of(way_of(shop), "merchant")["told"]
        == "This merchant is paused: it takes no new orders."
    )


def test_a_campaign_that_nobody_made_is_a_hop_that_fails(shop: Caller) -> None:
    found = hop_of(way_of(shop, campaign="autumn"), "switch_campaign")
    assert (found["state"], "autumn" in found["told"]) == ("failed", True)


def test_a_key_without_its_scopes_is_told(door: Door, shop: Caller) -> None:
    door.sql(
        "UPDATE api_keys SET scopes = '{merchants}' WHERE merchant_id = $1", shop.shop.merchant_id
    )
    shop.sign_in()
    assert {name: state for name, state in states(way_of(shop)).items() if state == "failed"} == {
        "credential": "failed",
        "outcome": "failed",
    }


def test_a_silent_receiver_holds_the_test_for_a_bounded_time(shop: Caller) -> None:
    with receiving(shop.door) as receiver:
        receiver.holding = asyncio.Event()
        for path in ("/a", "/b", "/c", "/d", "/e", "/f"):
            shop.post("/webhooks", {"url": receiver.url(path)})
        begun = shop.door.world.clocks.monotonic()
        hops = [hop for hop in way_of(shop)["hops"] if hop["name"] == "webhook"]
        assert shop.door.world.clocks.monotonic() - begun < 15
        assert [hop["state"] for hop in hops] == ["failed"] * 5 + ["skipped"]
        receiver.holding.set()


@each(
    ("body", "field"),
    [
        ({}, "Kind"),
        ({"kind": "all"}, "Kind"),
        ({"kind": "mit", "siteId": "x"}, "SiteId"),
        ({"kind": "mit", "siteId": str(uuid.UUID(int=7))}, "SiteId"),
        ({"kind": "mit", "campaign": "x" * 65}, "Campaign"),
        ({"kind": "mit", "mid": str(uuid.UUID(int=7))}, "Mid"),
    ],
)
def test_a_wrong_body_names_the_field(shop: Caller, body: dict[str, Any], field: str) -> None:
    assert list(fields_of(shop.post("/connection-test", body))) == [field]


def test_anothers_site_is_not_tested(shop: Caller, other: Caller) -> None:
    assert list(
        fields_of(shop.post("/connection-test", {"kind": "mit", "siteId": str(other.shop.site_id)}))
    ) == ["SiteId"]
