"""What a merchant's people, its partner's and the operator's look at and do in a day, and its
stablecoin sales."""

import json
import re
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from tests.disputes.flows.test_disputes import disputed
from tests.door import FUNDS, Caller, Door, client_of, transmit_body
from tests.isolation.ground import application
from tests.partner import Partner, make_one
from tests.settling import person, terms, with_account
from tests.stablecoin.signer import Signer, written
from tests.staff import payout_review, review_form
from tests.worlds import change_world

from recoup.kernel.ids import new_id
from recoup.main.app import door_routes
from recoup.orders.rules.refund_limits import Limits
from recoup.people.flows.make_user import Membership, make_user, register_merchant, register_partner
from recoup.people.flows.sessions import open_session, read_session
from recoup.people.page.endpoint import COOKIE
from recoup.refunds.flows.limits import change_limits
from recoup.stablecoin.api.resource import make_services
from recoup.uplift.flows.arms import ArmsChange, set_arms

PASSWORD = "correct horse battery"
# Lists in the ways that they are narrowed, each with what was typed or chosen.
LISTS = (
    "",
    "?status=7",
    "?status=4&status=1",
    "?q=ana",
    "?q=ana-1",
    "?external=SUB-1",
    "?placed=7d",
    "?reason=declined",
    "?code=51",
    "?brand=visa",
    "?issuer=424242",
    "?currency=USD&amount=45.90",
    "?attention=1",
    "?refunded=1",
    "?descriptor=leaf",
    "?last4=4242",
    "?attempts=3",
    "?expires=24h",
    "?sort=amount",
    "?status=7&placed=7d&code=51",
)
DESKS = (
    "/overview",
    "/overview?range=today",
    "/orders/new",
    "/orders/bulk",
    "/customers",
    "/customers?q=ana",
    "/disputes",
    "/disputes?state=all",
    "/refunds",
    "/unknown-outcomes",
    "/settlements",
    "/bank",
    "/approvals",
    "/fees",
    "/reconciliation",
    "/reconciliation/files",
    "/reports",
    "/switches",
    "/uploads",
    "/imports",
    "/keys",
    "/notifications",
    "/onboarding",
    "/invitations",
    "/developers",
    "/audit",
    "/requests",
    "/webhooks",
    "/exports",
    "/mailbox",
    "/roles",
    "/applications",
    "/reports/sites.csv",
    "/reconciliation/report.csv",
)
# Of the newest of each kind. name -> (table, column)
NEWEST = {
    "order": ("orders", "order_id"),
    "payer": ("payers", "payer_id"),
    "dispute": ("disputes", "dispute_id"),
    "batch": ("settlement_batches", "batch_id"),
    "upload": ("uploads", "upload_id"),
    "hook": ("endpoints", "endpoint_id"),
    "sent": ("delivery_tries", "try_id"),
    "export": ("exports", "export_id"),
}
ONES = (
    "/orders/{order}",
    "/orders/{order}.json",
    "/outcome?key={order}",
    "/customers/{payer}",
    "/disputes/{dispute}",
    "/settlements/{batch}",
    "/settlements/{batch}/lines.csv",
    "/settlements/{batch}/file",
    "/uploads/{upload}",
    "/uploads/{upload}/answers",
    "/webhooks/{hook}",
    "/webhooks/{hook}/replay",
    "/webhooks/{hook}/deliveries/{sent}",
    "/exports/{export}/file",
)
API = (
    "/settlements/{batch}",
    "/settlements/{batch}/lines",
    "/uploads",
    "/uploads/{upload}",
    "/webhooks/{hook}",
    "/webhooks/{hook}/deliveries",
    "/switches/history",
    "/sites",
    "/onboarding/application/list",
)
_STABLE = ("/orders", "/ledger", "/payouts", "/wallets", "/subscriptions", "/me", "/channels")


@dataclass
class People:
    """Of one merchant. `cookies`: who -> the session's."""

    door: Door
    caller: Caller
    partner: Partner
    client: httpx.AsyncClient
    cookies: dict[str, str] = field(default_factory=dict)
    signer: Any = None

    def call(self, who: str, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"cookie": f"{COOKIE}={self.cookies[who]}", "accept": "text/html"}
        answer = self.door.run(self.client.request(method, path, headers=headers, **more))
        alert = re.findall(r'(?s)role="alert".*?</div>', answer.text)
        assert answer.status_code < 400, f"{who}: {method} {path}: {answer.status_code} {alert}"
        return answer

    def post(self, who: str, path: str, **data: Any) -> httpx.Response:
        found = re.search(
            r'name="csrf" value="([^"]*)"', self.call(who, "GET", "/orders/bulk").text
        )
        assert found
        return self.call(
            who, "POST", path, files=data.pop("files", None), data={"csrf": found[1]} | data
        )

    def signed(self, method: str, path: str, body: Any = None) -> Any:
        content = written(body)
        headers = self.signer.headers(method, path, "", content)
        headers |= {"content-type": "application/json"} if content else {}
        answer = self.door.run(self.client.request(method, path, content=content, headers=headers))
        assert answer.status_code < 400, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def newest(self) -> dict[str, str]:
        mid, every = self.caller.shop.merchant_id, []
        for name, (table, column) in NEWEST.items():
            every.append(
                f"(SELECT max({column}::text) FROM {table} WHERE merchant_id = $1) AS {name}"
            )
        return {
            name: str(found)
            for name, found in self.door.sql(f"SELECT {', '.join(every)}", mid)[0].items()
        }


@contextmanager
def open_doors(door: Door) -> Iterator[httpx.AsyncClient]:
    """Every door of the product over the world of one."""
    services = door.services
    stable = make_services(
        door.world,
        door.orders,
        "http://door.test",
        2_000,
        services.merchants,
        limits=services.limits,
    )
    app = application(door_routes(services, stable))
    files = tempfile.TemporaryDirectory(prefix="recoup-exports-")
    change_world(door.world, exports=Path(files.name))

    async def client() -> httpx.AsyncClient:
        return client_of(app)

    http = door.run(client())
    try:
        yield http
    finally:
        door.run(http.aclose())
        files.cleanup()


def begin(caller: Caller) -> Partner:
    """What a merchant does once: a partner, a bank account, terms, limits, the engine."""
    door, shop = caller.door, caller.shop
    partner = make_one(door, f"Partner of {shop.merchant_id}")
    door.sql(
        "UPDATE merchants SET partner_id = $2 WHERE merchant_id = $1",
        shop.merchant_id,
        partner.partner_id,
    )
    door.sql(
        "INSERT INTO partner_merchants (merchant_id, partner_id, external_id, created_at)"
        " VALUES ($1, $2, 'crm', now())",
        shop.merchant_id,
        partner.partner_id,
    )
    door.run(terms(shop, period="day", delay_days=0, account_delay_days=0))
    door.run(with_account(shop))
    door.run(
        set_arms(shop.world, shop.scope, None, ArmsChange("share", share=50, holdout=10, explore=5))
    )
    door.run(
        change_limits(
            shop.world, person(shop, "olga"), "operations", "EUR", Limits(second_from_units=100)
        )
    )
    return partner


def gathered(door: Door, client: httpx.AsyncClient, caller: Caller, partner: Partner) -> People:
    """The merchant's people in this database of people."""
    world, mid, pid = door.world, caller.shop.merchant_id, partner.partner_id
    keys = caller.shop.keys
    people = People(
        door, caller, partner, client, signer=Signer(keys.stablecoin_key_id, keys.stablecoin_secret)
    )

    async def inside() -> None:
        await register_partner(world, pid, "Partner")
        await register_merchant(world, mid, "Shop", pid)
        for name, member in {
            "owner": Membership("merchant", mid, "owner"),
            "seat": Membership("partner", pid, "owner"),
            "olga": Membership("operator", uuid.UUID(int=0), "owner"),
        }.items():
            user_id = await make_user(world, f"{name}@{mid.hex}.example", name, PASSWORD, [member])
            async with world.people.transaction() as connection:
                people.cookies[name] = await open_session(connection, world, user_id, None)
            assert await read_session(world, people.cookies[name])

    door.run(inside())
    people.post("olga", "/merchant", merchant=str(mid))
    return people


def sell(people: People) -> None:
    """In stablecoins: paid, refunded in part, cancelled, paid out."""
    number = uuid.uuid4().hex[:10]
    made = [
        people.signed(
            "POST",
            "/api/v1/charges",
            {
                "merchant_order_id": f"s-{number}-{n}",
                "amount": "49.90",
                "currency": "USDT",
                "channel": "mock",
                "subject": "Plan",
            },
        )
        for n in range(3)
    ]
    for one in made[:2]:
        page = httpx.URL(one["instruction"]["redirect_url"]).path
        assert people.door.run(people.client.post(f"{page}/pay")).status_code == 303
    ids = [one["order"]["id"] for one in made]
    people.signed("POST", f"/api/v1/orders/{ids[0]}/refund", {"amount": "1.00"})
    people.signed("POST", f"/api/v1/orders/{ids[2]}/cancel")
    people.door.run(people.caller.shop.settle())
    people.signed(
        "POST",
        "/api/v1/payouts",
        {"amount": "10.00", "currency": "USDT", "destination": "mock:wallet"},
    )
    for path in (*_STABLE, f"/orders/{ids[0]}"):
        people.signed("GET", f"/api/v1{path}")


def run_desks(people: People) -> None:
    """Each kind of thing that people deal with, from its beginning to its end, and every page on
    the way."""
    caller, door, shop = people.caller, people.door, people.caller.shop
    email, refunds = f"ana-{uuid.uuid4().hex[:8]}@example.test", {"amountToRefund": 1_00}
    at_once: dict[str, Any] = {"expiryDateUtc": None, "transaction__responseCode": "91"}
    paid, disputable = caller.admit(**at_once, payer__email=email), caller.admit(**at_once)
    waiting = caller.admit(paymentMethod__cardNumber=FUNDS)
    door.run(shop.settle())
    assert caller.refund(paid, refunds).status_code == 200
    door.run(disputed(shop, uuid.UUID(disputable), kind="service"))
    rows = json.dumps([transmit_body(caller) for _ in range(2)]).encode()
    people.post(
        "owner",
        "/uploads",
        kind="transmit",
        files={"file": ("transmit_day.json", rows, "application/json")},
    )
    people.post(
        "owner", "/exports", key=new_id().hex, form="csv", back="/orders?q=nobody", title="none"
    )
    people.post("owner", f"/orders/{waiting}/notes", note="noted", key=uuid.uuid4().hex)
    people.post("owner", f"/orders/{waiting}/hold", reason="check")
    people.post("owner", f"/orders/{waiting}/release")
    people.post("owner", f"/orders/{waiting}/cancel")
    people.post(
        "owner", "/orders/bulk", do="note", note="noted", sure="yes", order=paid, back="/orders"
    )
    people.post(
        "olga",
        "/approvals/adjustments",
        currency="USD",
        amount="1.00",
        direction="from",
        key=uuid.uuid4().hex,
        note="noted",
    )
    caller.advance(days=1)  # a settlement
    door.run(shop.settle())


def look_round(people: People) -> None:
    """Every page."""
    ids = people.newest()
    for path in (
        *(f"/orders{narrowed}" for narrowed in LISTS),
        *DESKS,
        *(one.format(**ids) for one in ONES),
    ):
        people.call("owner", "GET", path)
    today = datetime.now(UTC)
    days = f"from={today - timedelta(days=7):%Y-%m-%d}&to={today:%Y-%m-%d}"
    span = f"from={today - timedelta(days=2):%Y-%m-%dT00:00:00Z}&to={today:%Y-%m-%dT00:00:00Z}"
    then = f"asOfRecorded={today - timedelta(seconds=3):%Y-%m-%dT%H:%M:%SZ}"
    for path in (f"/settlements?{then}", f"/reports?{then}", f"/reconciliation?{then}"):
        people.call("owner", "GET", path)
    for path in (
        *API,
        "/balances",
        *(f"{one}?{then}" for one in ("/balances", "/settlements")),
        *(
            f"{one}?{span}&{then}"
            for one in ("/reconciliation", "/reports/transactions", "/reports/means")
        ),
        f"/reconciliation?{span}",
        *(
            f"/reports/{one}?{span}"
            for one in ("transactions", "descriptors", "sites", "campaigns", "means")
        ),
    ):
        answer = people.caller.get(path.format(**ids))
        assert answer.status_code < 400, f"{path}: {answer.text}"
    after = people.caller.get(f"/reports/transactions?{span}&limit=5").json()["next"]
    assert (
        people.caller.get(
            f"/reports/transactions?{span}&limit=5&after={after or new_id()}"
        ).status_code
        == 200
    )
    for path in (
        "/partner",
        f"/partner/report?{days}",
        f"/partner/merchants/{people.caller.mid}",
        "/partner/webhooks",
    ):
        people.call("seat", "GET", path)
    for path in ("/partner", "/partner/merchants", f"/partner/report?{days}", "/partner/webhooks"):
        answer = people.partner.get(path)
        assert answer.status_code < 400, f"{path}: {answer.text}"
    for path in ("/approvals", "/disputes", "/refunds", "/orders"):
        people.call("olga", "GET", path)


def finish(people: People) -> None:
    """What was open is decided; a customer is forgotten."""
    door, mid = people.door, people.caller.shop.merchant_id
    for row in door.sql(
        "SELECT dispute_id FROM disputes WHERE merchant_id = $1 AND state = 'open'", mid
    ):
        people.post("olga", f"/disputes/{row['dispute_id']}/decide", decided="won")
    for row in door.sql(
        "SELECT payout_id FROM bank_payouts WHERE merchant_id = $1 AND state = 'created'", mid
    ):
        _, fields = review_form(people.call("olga", "GET", payout_review(row["payout_id"])))
        people.post("olga", "/approvals/payouts", **fields)
    for row in door.sql(
        "SELECT adjustment_id FROM adjustments WHERE merchant_id = $1 AND state = 'waiting'", mid
    ):
        people.post("olga", f"/approvals/adjustments/{row['adjustment_id']}", decision="refuse")
    for row in door.sql(
        "SELECT order_id FROM order_heads WHERE merchant_id = $1 AND status IN (0, 1, 3, 4, 5)", mid
    ):
        people.caller.post(f"/orders/{row['order_id']}/cancel")
    door.run(people.caller.shop.settle())
    found = door.sql(
        "SELECT payer_id, email FROM order_payer WHERE merchant_id = $1 AND email LIKE 'ana-%'"
        " ORDER BY order_id DESC LIMIT 1",
        mid,
    )[0]
    payer = found["payer_id"]
    people.post("owner", f"/customers/{payer}/export")
    people.post("owner", f"/customers/{payer}/block", reason="other")
    for row in door.sql(
        "SELECT block_id FROM blocks WHERE merchant_id = $1 AND lifted_at IS NULL", mid
    ):
        people.post("owner", "/customers/unblock", block=str(row["block_id"]))
    people.post("owner", f"/customers/{payer}/erase", confirm=found["email"])
