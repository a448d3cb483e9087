"""What a partner does with its merchants (contract §16.5): made once, shown once, switched
together, reported."""

import asyncio
import csv
import io
import uuid
from datetime import timedelta
from typing import Any

import pytest
from tests.door import UNKNOWN, Door, evaluate_body
from tests.partner import Partner, developer, make_one, merchant_body
from tests.rescue_shapes import check_refused, fields_of
from tests.rings import each
from tests.stablecoin.door import Merchant, door_over
from tests.stablecoin.signer import Signer

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kit.upkeep import purge_expired
from recoup.onboarding.flows.go_live import onboarding_of
from recoup.onboarding.flows.handover import look
from recoup.rescue.flows.run_due import run_due


@pytest.fixture
def partner(door: Door) -> Partner:
    return make_one(door)


@pytest.fixture
def rival(door: Door) -> Partner:
    return make_one(door, "Rival Ltd")


def test_a_merchant_made_by_its_partner_takes_orders_at_once(door: Door, partner: Partner) -> None:
    told = partner.merchant(name="Tea & Sons")
    caller = developer(door, told)
    assert caller.evaluate().json()["status"] == "SUBMITTED"
    listed = partner.get("/partner/merchants").json()["data"]
    assert [(one["mid"], one["name"], one["state"], one["sites"]) for one in listed] == [
        (told["mid"], "Tea & Sons", "active", 1)
    ]


@pytest.mark.parametrize("key", [True, False])
def test_asked_twice_a_merchant_is_made_once_and_its_secrets_are_told_once(
    door: Door, partner: Partner, key: bool
) -> None:
    headers = {"idempotency-key": "one"} if key else {}
    body = merchant_body() | ({"externalId": None} if key else {})
    first = partner.post("/partner/merchants", body, headers=headers)
    with door.nothing_written():
        again = partner.post("/partner/merchants", body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.headers["cache-control"] == "no-store"
    assert again.json()["mid"] == first.json()["mid"]
    assert again.json()["credentials"] is None
    assert again.json()["handover"] == first.json()["handover"]
    with door.nothing_written():
        other = partner.post("/partner/merchants", body | {"name": "Another"}, headers=headers)
        check_refused(other, 409, "conflict")


def test_many_at_once_make_one_merchant(door: Door, partner: Partner) -> None:
    body = merchant_body()

    async def together() -> list[int]:
        calls = [
            door.client.post("/v1/partner/merchants", json=body, headers=partner.headers)
            for _ in range(8)
        ]
        return sorted(answer.status_code for answer in await asyncio.gather(*calls))

    assert door.run(together()) == [200] * 7 + [201]
    assert len(partner.get("/partner/merchants").json()["data"]) == 1


def test_a_partner_makes_no_more_merchants_than_it_may_even_at_once(
    door: Door, partner: Partner
) -> None:
    partner.set(merchants_max=3)

    async def together() -> list[int]:
        calls = [
            door.client.post("/v1/partner/merchants", json=merchant_body(), headers=partner.headers)
            for _ in range(7)
        ]
        return sorted(answer.status_code for answer in await asyncio.gather(*calls))

    assert door.run(together()) == [201] * 3 + [409] * 4
    assert "Ask the operator" in check_refused(partner.make(), 409, "conflict")["result"]
    assert partner.get("/partner").json()["quota"] | {"callsThisMinute": 0} == {
        "merchantsMax": 3,
        "merchants": 3,
        "callsPerMinute": 60000,
        "callsThisMinute": 0,
    }


def test_the_link_shows_the_credentials_once(door: Door, partner: Partner) -> None:
    told = partner.merchant()
    token = told["handover"]["url"].rpartition("/")[2]
    seen = door.run(look(door.world, token, "request"))
    assert (seen.app_secret, seen.webhook_key) == (
        told["credentials"]["appSecret"],
        told["credentials"]["webhookKey"],
    )
    for bad in (token, token[:-1] + ("A" if token[-1] != "A" else "B"), "x", "é" * 64, "A" * 64):
        with pytest.raises(Problem, match="shows nothing"):
            door.run(look(door.world, bad, "request"))
    rows = door.sql(
        "SELECT sealed, opened_request, opened_at FROM handovers WHERE merchant_id = $1",
        parse_id(told["mid"]),
    )
    assert [(row["sealed"], row["opened_request"]) for row in rows] == [(None, "request")]
    assert rows[0]["opened_at"] is not None


def test_credentials_whose_link_is_over_are_forgotten(door: Door, partner: Partner) -> None:
    merchant = parse_id(partner.merchant()["mid"])

    def sealed() -> bool:
        door.run(purge_expired(door.world))
        [row] = door.sql(
            "SELECT sealed IS NOT NULL AS is_sealed FROM handovers WHERE merchant_id = $1", merchant
        )
        return bool(row["is_sealed"])

    assert sealed()
    door.sql("UPDATE handovers SET expires_at = now() WHERE merchant_id = $1", merchant)
    assert not sealed()


def test_two_who_open_the_link_at_once_see_it_once(door: Door, partner: Partner) -> None:
    token = partner.merchant()["handover"]["url"].rpartition("/")[2]

    async def together() -> list[bool]:
        async def one() -> bool:
            try:
                await look(door.world, token, "request")
            except Problem:
                return False
            return True

        return sorted(await asyncio.gather(*(one() for _ in range(6))))

    assert door.run(together()) == [False] * 5 + [True]


def test_what_a_state_may_be_is_told_without_an_empty_word(door: Door, partner: Partner) -> None:
    told = fields_of(partner.get("/partner/merchants", params={"state": "gone"}))
    assert told["State"][0].endswith("must be one of active, paused.")


@each(
    ("changes", "field"),
    [
        ({"name": ""}, "Name"),
        ({"name": "x" * 129}, "Name"),
        ({"site": None}, "Site.Url"),
        (
            {"site": {"url": "http://a.example", "name": "A", "descriptor": "EXAMPLESHOES"}},
            "Site.Url",
        ),
        (
            {"site": {"url": "https://10.0.0.1", "name": "A", "descriptor": "EXAMPLESHOES"}},
            "Site.Url",
        ),
        ({"site": {"url": "https://a.example", "name": "A", "descriptor": "a"}}, "Site.Descriptor"),
        ({"externalId": "x" * 129}, "ExternalId"),
        ({"site": []}, "Site"),
        ({"country": "EU"}, "Country"),
        ({"country": "Germany"}, "Country"),
    ],
)
def test_a_merchant_that_cannot_be_is_refused_by_field(
    door: Door, partner: Partner, changes: dict[str, Any], field: str
) -> None:
    with door.nothing_written():
        assert field in fields_of(partner.make(**changes))


def test_a_merchant_is_made_with_the_country_of_its_account(door: Door, partner: Partner) -> None:
    made = [partner.merchant(**more)["mid"] for more in ({"country": "de"}, {})]
    found = [
        tuple(
            door.sql(
                "SELECT country, region FROM merchants WHERE merchant_id = $1", uuid.UUID(one)
            )[0]
        )
        for one in made
    ]
    assert found == [("DE", "eea"), (None, "us")], (
        "without one, the sandbox's region, and it cannot go live"
    )


def test_new_keys_end_the_old_ones_now_or_after_the_overlap(door: Door, partner: Partner) -> None:
    told = partner.merchant()
    old = developer(door, told)
    path = f"/partner/merchants/{told['mid']}/keys"
    fresh = partner.post(path, {"overlapHours": 24}).json()
    assert fresh["credentials"]["webhookKey"] == ""
    new = developer(door, fresh | {"credentials": fresh["credentials"] | {"webhookKey": "x"}})
    assert new.get("/orders").status_code == old.get("/orders").status_code == 200
    old.sign_in()
    door.sql(
        "UPDATE api_keys SET retires_at = now() - interval '1 s' WHERE app_key = $1",
        old.shop.keys.app_key,
    )
    body = {"AppKey": old.shop.keys.app_key, "AppSecret": old.shop.keys.app_secret}
    answer = check_refused(door.call("POST", "/v1/oauth2/token", json=body), 400, "bad_credentials")
    assert "This key ended at" in str(answer)
    wrong = check_refused(
        door.call("POST", "/v1/oauth2/token", json=body | {"AppSecret": "x"}), 400
    )
    assert "ended" not in str(wrong), "only whoever has the secret hears that the key was one"
    partner.post(path)
    keys = partner.get(f"/partner/merchants/{told['mid']}").json()["keys"]
    api = [key for key in keys if key["kind"] == "api"]
    assert [key["endsDate"] is None for key in api] == [True, False, False]
    assert api[1]["lastFour"] == new.shop.keys.app_key[-4:]
    assert new.shop.keys.app_secret not in str(keys)


def test_keys_do_not_pile_up(door: Door, partner: Partner) -> None:
    path = f"/partner/merchants/{partner.merchant()['mid']}/keys"
    statuses = [partner.post(path, {"overlapHours": 168}).status_code for _ in range(10)]
    assert statuses == [201] * 9 + [409]
    assert partner.post(path, {}).status_code == 409, (
        "the old ones have a day, unless it is said otherwise"
    )
    assert partner.post(path, {"overlapHours": 0}).status_code == 201
    assert "OverlapHours" in fields_of(partner.post(path, {"overlapHours": 169}))


def test_a_paused_merchant_takes_no_new_orders_and_keeps_what_it_has(
    door: Door, partner: Partner
) -> None:
    told = partner.merchant()
    caller = developer(door, told)
    body = evaluate_body(caller)
    order_id = caller.evaluate(body).json()["orderId"]
    path = f"/partner/merchants/{told['mid']}"
    assert partner.call("PATCH", path, json={"state": "paused"}).json()["state"] == "paused"
    answer = check_refused(caller.evaluate(), 403, "forbidden")
    assert "paused" in answer["result"]
    assert caller.evaluate(body).json()["orderId"] == order_id, (
        "what was taken once is answered again"
    )
    assert caller.get(f"/orders/{order_id}").status_code == 200
    told_by = [step["code"] for step in partner.get(path).json()["missing"]]
    _, holding = door.run(onboarding_of(door.world, uuid.UUID(told["mid"])))
    assert told_by == [one.name for one in holding if not one.holds], (
        "one list, here and in the portal"
    )
    assert told_by[-1] == "active"
    partner.call("PATCH", path, json={"state": "active", "name": "Tea"})
    assert caller.evaluate().status_code == 200
    assert "State" in fields_of(partner.call("PATCH", path, json={"state": "gone"}))


def test_a_name_reaches_the_portals_list(door: Door, partner: Partner) -> None:
    told = partner.merchant(name="Before")
    name = "SELECT name, partner_id FROM merchant_worlds WHERE merchant_id = $1"

    async def known() -> list[tuple[str, Any]]:
        await run_due(door.world, door.orders, merchant_id=parse_id(told["mid"]))
        async with door.world.people.connection() as connection:
            return [tuple(row) for row in await connection.fetch(name, parse_id(told["mid"]))]

    assert door.run(known()) == [("Before", partner.partner_id)]
    partner.call("PATCH", f"/partner/merchants/{told['mid']}", json={"name": "After"})
    assert door.run(known()) == [("After", partner.partner_id)]
    left = door.sql(
        "SELECT FROM due_work WHERE merchant_id = $1 AND kind = 'register_merchant'",
        parse_id(told["mid"]),
    )
    assert not left


def test_the_list_is_filtered_and_paged(door: Door, partner: Partner) -> None:
    made = [partner.merchant(name=f"Shop {n}", externalId=f"e{n}")["mid"] for n in range(5)]
    seen: list[str] = []
    after = ""
    while True:
        page = partner.get(f"/partner/merchants?limit=2{after}").json()
        seen += [one["mid"] for one in page["data"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == made
    assert [
        one["mid"] for one in partner.get("/partner/merchants?name=hOp%203").json()["data"]
    ] == [made[3]]
    assert [
        one["mid"] for one in partner.get("/partner/merchants?externalId=e1").json()["data"]
    ] == [made[1]]
    partner.call("PATCH", f"/partner/merchants/{made[2]}", json={"state": "paused"})
    assert [
        one["mid"] for one in partner.get("/partner/merchants?state=paused").json()["data"]
    ] == [made[2]]
    assert list(fields_of(partner.get("/partner/merchants?state=odd&limit=0&after=x"))) == [
        "Limit",
        "After",
        "State",
    ]
    assert "Query" in fields_of(partner.get("/partner/merchants?nam=x"))


def test_a_bulk_change_answers_for_each_and_a_foreign_one_stops_nothing(
    door: Door, partner: Partner, rival: Partner
) -> None:
    mine, also = partner.merchant()["mid"], partner.merchant()["mid"]
    theirs = rival.merchant()["mid"]
    before = rival.get(f"/partner/merchants/{theirs}").json()
    mids = [mine, theirs, UNKNOWN, also, mine]
    told = partner.post(
        "/partner/merchants/switches", {"mids": mids, "mit": False, "why": "audit"}
    ).json()
    assert [(one["mid"], one["result"]) for one in told["data"]] == [
        (mine, "changed"),
        (theirs, "not_found"),
        (UNKNOWN, "not_found"),
        (also, "changed"),
    ]
    assert told["changed"] == 2
    again = partner.post("/partner/merchants/switches", {"mids": mids, "mit": False}).json()
    assert {one["result"] for one in again["data"]} == {"unchanged", "not_found"}
    assert rival.get(f"/partner/merchants/{theirs}").json() == before
    assert partner.get(f"/partner/merchants/{mine}").json()["mit"] is False
    noted = door.sql("SELECT actor, why FROM switch_changes WHERE merchant_id = $1", parse_id(mine))
    assert [tuple(row) for row in noted] == [(f"partner:{partner.key.app_key}", "audit")]
    for bad in (
        {"mids": []},
        {"mids": ["x"], "mit": True},
        {"mids": [mine]},
        {"mids": "x", "mit": True},
        {"mids": [UNKNOWN] * 501, "mit": True},
        {"mids": [mine], "mit": "maybe"},
    ):
        assert fields_of(partner.post("/partner/merchants/switches", bad))


def test_what_the_operator_closed_a_partner_does_not_open(door: Door, partner: Partner) -> None:
    mid = partner.merchant()["mid"]
    door.sql(
        "UPDATE merchants SET mit = false, version = version + 1 WHERE merchant_id = $1",
        parse_id(mid),
    )
    told = partner.post("/partner/merchants/switches", {"mids": [mid], "mit": True}).json()["data"][
        0
    ]
    assert told["result"] == "forbidden"
    assert "operator" in told["reason"]


def test_a_paused_partner_reads_only(door: Door, partner: Partner) -> None:
    mid = partner.merchant()["mid"]
    partner.set(state="paused")
    with door.nothing_written():
        for method, path, body in (
            ("POST", "/partner/merchants", merchant_body()),
            ("PATCH", f"/partner/merchants/{mid}", {"name": "x"}),
            ("POST", f"/partner/merchants/{mid}/keys", {}),
            ("POST", "/partner/merchants/switches", {"mids": [mid], "mit": False}),
            ("POST", "/partner/policy/check", {"policy": {"tries": {"all": 2}}}),
        ):
            assert (
                "paused"
                in check_refused(partner.call(method, path, json=body), 403, "forbidden")["result"]
            )
    assert partner.get("/partner").json()["state"] == "paused"
    assert partner.get(f"/partner/merchants/{mid}").status_code == 200


def test_the_report_agrees_with_the_ledger_to_the_cent(
    door: Door, partner: Partner, rival: Partner
) -> None:
    told = partner.merchant(name="=Tea")
    caller = developer(door, told)
    partner.merchant()
    foreign = developer(door, rival.merchant())
    foreign.admit()
    for units in (4590, 1001):
        order_id = caller.completed(transaction__amount=units)
    caller.refund(order_id, {"amountToRefund": 3.33})
    now = door.run(caller.shop.now())
    first, last = f"{now - timedelta(days=60):%Y-%m-%d}", f"{now + timedelta(days=1):%Y-%m-%d}"
    report = partner.get(f"/partner/report?from={first}&to={last}").json()
    rows = report["data"]
    assert {row["mid"] for row in rows} == {told["mid"]}
    assert sum(row["amount"] for row in rows if row["kind"] == "placed") == 4590 + 1001
    assert sum(row["count"] for row in rows if row["kind"] == "placed") == 2
    booked = sum(row["amount"] for row in rows if row["kind"] != "placed")
    ledger = door.sql(
        "SELECT -sum(units) FROM entries WHERE merchant_id = $1 AND account = 'merchant_payable'",
        caller.shop.merchant_id,
    )[0][0]
    assert booked == int(ledger)
    refunded = "SELECT sum(refunded_units) FROM order_heads WHERE merchant_id = $1"
    heads = door.sql(refunded, caller.shop.merchant_id)[0][0]
    assert sum(row["amount"] for row in rows if row["kind"] == "refund") == -int(heads) == -333
    text = partner.get(f"/partner/report?from={first}&to={last}&format=csv").text
    lines = list(csv.DictReader(io.StringIO(text)))
    assert {line["merchant"] for line in lines} == {"'=Tea"}
    assert (
        sum(round(float(line["amount"]) * 100) for line in lines if line["kind"] != "placed")
        == booked
    )
    assert not partner.get(f"/partner/report?from={first}&to={last}&currency=EUR").json()["data"]
    assert partner.get("/partner/report").json()["to"] == f"{door.world.clocks.wall():%Y-%m-%d}"
    for bad in (
        "from=2026-13-01",
        "from=2026-03-01&to=2026-02-01",
        "from=2020-01-01",
        "from=2026-03-01&mid=x",
    ):
        assert fields_of(partner.get(f"/partner/report?{bad}"))
    check_refused(
        partner.get(f"/partner/report?from={last}&to={last}&mid={foreign.mid}"), 404, "not_found"
    )


def test_every_merchant_of_a_page_comes_whole(door: Door, partner: Partner) -> None:
    made = [partner.merchant()["mid"] for _ in range(3)]
    for mid in made:
        developer(
            door,
            {"credentials": partner.post(f"/partner/merchants/{mid}/keys").json()["credentials"]},
        ).admit()
    path, seen, after = "/partner/report?from=2026-11-01&limit=1", [], ""
    first = f"{door.world.clocks.wall():%Y-%m-%d}"
    path = f"/partner/report?from={first}&limit=1"
    while True:
        page = partner.get(path + after).json()
        seen += [row["mid"] for row in page["data"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == made


def test_a_paused_merchant_takes_no_charges_and_subscriptions_either(
    door: Door, partner: Partner
) -> None:
    told = partner.merchant()
    shop = developer(door, told).shop
    partner.call("PATCH", f"/partner/merchants/{told['mid']}", json={"state": "paused"})
    plan = {"title": "Tea", "amount": "9.00", "currency": "USDT", "interval_unit": "month"}
    with door_over(door) as stable:
        caller = Merchant(
            stable, shop, Signer(shop.keys.stablecoin_key_id, shop.keys.stablecoin_secret)
        )
        for path, body in (("/charges", caller.body()), ("/subscriptions", plan)):
            answer = caller.post(path, body)
            assert answer.status_code == 403, path
            assert "paused" in answer.json()["error"]["message"]
        assert caller.get("/orders").status_code == 200


def test_a_slip_in_a_name_makes_no_keys_and_no_merchant(door: Door, partner: Partner) -> None:
    told = partner.merchant()
    path = f"/partner/merchants/{told['mid']}"
    with door.nothing_written():
        for where, body, field, alike in (
            (f"{path}/keys", {"overlapHour": 24}, "OverlapHour", "overlapHours"),
            (f"{path}/keys", {"kind": "api"}, "Kind", "kinds"),
            ("/partner/merchants", {"extId": "gym"}, "ExtId", None),
            ("/partner/merchants", {"site": {"webAddress": "x"}}, "Site.WebAddress", None),
            ("/partner/merchants", {"n\u00e4me 1": 1}, "Body", None),
            (
                "/partner/merchants/switches",
                {"mids": [told["mid"]], "mit": False, "reason": "x"},
                "Reason",
                None,
            ),
        ):
            found = fields_of(partner.post(where, body))
            assert alike is None or f"Did you mean {alike}?" in str(found[field])
            assert field in found
        assert "Foo" in fields_of(partner.call("PATCH", path, json={"foo": 1}))
        assert "'no-guid'" in str(
            fields_of(partner.post("/partner/merchants/switches", {"mids": ["no-guid"]}))
        )


def test_new_keys_of_one_kind_with_a_day_to_change_over_made_once(
    door: Door, partner: Partner
) -> None:
    told = partner.merchant()
    path, once = f"/partner/merchants/{told['mid']}/keys", {"Idempotency-Key": "kk1"}
    first = partner.post(path, {"kinds": ["api"]}, headers=once)
    given = first.json()["credentials"]
    assert first.status_code == 201
    assert given["appKey"]
    assert not given["tokenizationKey"]
    again = partner.post(path, {"kinds": ["api"]}, headers=once)
    assert (again.status_code, again.json()["credentials"]) == (200, None)
    assert again.json() | {"credentials": given} == first.json()
    check_refused(partner.post(path, {}, headers=once), 409, "conflict")
    keys = partner.get(f"/partner/merchants/{told['mid']}").json()["keys"]
    assert sorted((key["kind"], key["endsDate"] is None) for key in keys) == [
        ("api", False),
        ("api", True),
        ("stablecoin", True),
        ("tokenization", True),
    ]
    assert developer(door, told).get("/orders").status_code == 200, "the old key has a day"
    assert "Kinds" in fields_of(partner.post(path, {"kinds": ["bogus"]}))


def test_a_link_shows_no_keys_that_were_replaced(door: Door, partner: Partner) -> None:
    told = partner.merchant()
    path = f"/partner/merchants/{told['mid']}/keys"
    token = told["handover"]["url"].rpartition("/")[2]
    other = partner.merchant(name="Other")
    partner.post(path, {"kinds": ["api"], "overlapHours": 0})
    seen = door.run(look(door.world, token, "test"))
    assert (seen.app_key, seen.app_secret) == ("", "")
    assert seen.tokenization_key == told["credentials"]["tokenizationKey"]
    partner.post(f"/partner/merchants/{other['mid']}/keys", {"overlapHours": 0})
    with pytest.raises(Problem, match="were replaced"):
        door.run(look(door.world, other["handover"]["url"].rpartition("/")[2], "test"))
