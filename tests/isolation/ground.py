"""Two merchants that have never heard of each other, each with a partner, people of every role and
one object of every kind; every door of the product over them, as one application."""

import base64
import html
import io
import json
import re
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route
from tests.disputes.flows.test_disputes import disputed, the_dispute
from tests.door import APPROVES, FUNDS, GONE, Caller, Door, client_of, opened_door, transmit_body
from tests.partner import Partner, make_one
from tests.refunds.flows.test_refund_desk import stuck
from tests.settling import batches, payouts, person, terms, with_account
from tests.stablecoin.signer import Signer, written
from tests.worlds import Shop, change_world

from recoup.cards.store.card_joins import add_join
from recoup.certificates.rules.months import month_start
from recoup.db.server import ServerAddress
from recoup.imports.flows import read_import
from recoup.imports.rules.answers import Answers
from recoup.insight.flows.certify import certify_month
from recoup.kernel.ids import new_id
from recoup.kernel.scope import Actor, Scope
from recoup.kit.edge.asgi import App
from recoup.kit.edge.entry import Entry
from recoup.main.app import _no_path, door_routes, refuse
from recoup.notifications.store.notification_settings import NewNotification, tell
from recoup.orders.flows.hosted_link import checkout_token
from recoup.orders.rules.refund_limits import Limits
from recoup.people.flows.invitations import Subject, invite
from recoup.people.flows.make_user import Membership, make_user, register_merchant, register_partner
from recoup.people.flows.sessions import open_session, read_session
from recoup.people.page.endpoint import COOKIE
from recoup.refunds.flows.limits import change_limits
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.settlement.flows.adjust import adjust
from recoup.stablecoin.api.resource import make_services as make_stablecoin_services

ROLES = ("owner", "operations", "analyst", "developer")
UNITS = {"zzmark": 777_77, "yyother": 444_44}  # amounts that nobody else has
PASSWORD = "correct horse battery"
Key = tuple[str, str]


@dataclass
class Side:
    """A merchant, its partner and their people. `mark` stands in every name and text of theirs, and
    in nobody else's; `ids`: kind of object -> its id as paths name it. `sessions`: role -> (cookie,
    csrf)."""

    mark: str
    caller: Caller
    partner: Partner
    ids: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, tuple[str, str]] = field(default_factory=dict)
    signer: Any = None

    @property
    def units(self) -> int:
        return UNITS[self.mark]

    @property
    def amount(self) -> str:
        return f"{self.units // 100}.{self.units % 100:02}"

    @property
    def mid(self) -> uuid.UUID:
        return self.caller.shop.merchant_id


@dataclass
class Ground:
    door: Door
    app: App
    client: httpx.AsyncClient
    routes: Sequence[BaseRoute]
    a: Side
    b: Side
    operator: tuple[str, str]
    nobody: tuple[str, str]
    kept: dict[str, Any] = field(default_factory=dict)
    people: dict[str, uuid.UUID] = field(default_factory=dict)  # session -> whose, ended or not

    def run(self, coroutine: Any) -> Any:
        return self.door.run(coroutine)

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        found: httpx.Response = self.run(self.client.request(method, path, **more))
        return found

    def form_key(self, headers: Mapping[str, str]) -> str:
        """What forms carry that whoever sends these headers has before them: of the merchant that
        they look at."""
        found = re.search(
            r'name="csrf" value="([^"]*)"', self.call("GET", "/orders", headers=headers).text
        )
        assert found
        return found[1]

    def stand(self) -> dict[str, str]:
        """A digest of everything that is the first side's, by table: what no stranger changes."""
        found: dict[str, str] = self.run(_stand(self))
        return found


def paths_of(routes: Sequence[BaseRoute]) -> set[Key]:
    """(method, path) of every route; those that answer every method by themselves say which they
    take."""
    found: set[Key] = set()
    for route in routes:
        assert isinstance(route, Route), route
        methods = route.methods - {"HEAD"} if route.methods else _methods_of(route.app)
        found |= {(method, route.path) for method in methods}
    return found


def _methods_of(app: Any) -> set[str]:
    """Of a resource of an API; what is none takes POST."""
    keyed = getattr(app, "_signed", app)
    return set(getattr(keyed, "_methods", {"POST": None}))


def application(routes: Sequence[BaseRoute]) -> App:
    app = Starlette(routes=list(routes))
    app.router.default = _no_path
    app.router.redirect_slashes = False
    typed: Any = app
    return Entry(typed, refuse)


@contextmanager
def opened_ground(server: ServerAddress) -> Iterator[Ground]:
    with opened_door(server) as door:
        services = door.services
        stable = make_stablecoin_services(
            door.world,
            door.orders,
            "http://recoup.test",
            2_000,
            services.merchants,
            limits=services.limits,
        )
        routes = door_routes(services, stable)
        app = application(routes)

        async def client() -> httpx.AsyncClient:
            return client_of(app)

        http = door.run(client())
        try:
            a, b = _side(door, "zzmark"), _side(door, "yyother")
            ground = Ground(door, app, http, routes, a, b, ("", ""), ("", ""))
            ground.operator = _session(
                door, "olga@house.example", [Membership("operator", uuid.UUID(int=0), "owner")]
            )
            ground.nobody = _session(door, "nobody@house.example", [])
            for side in (a, b):
                _uploaded(ground, side)
            ground.people = door.run(_people(ground))
            yield ground
            for connection in ground.kept.get("connections", ()):
                door.run(connection.close())
        finally:
            door.run(http.aclose())


async def _people(ground: Ground) -> dict[str, uuid.UUID]:
    sessions = [ground.operator, *ground.a.sessions.values(), *ground.b.sessions.values()]
    read = [(token, await read_session(ground.door.world, token)) for token, _ in sessions]
    return {token: session.user_id for token, session in read if session is not None}


def _side(door: Door, mark: str) -> Side:
    caller = door.shop(name=f"{mark} Tea", fee_basis_points=290)
    side = Side(mark, caller, make_one(door, f"{mark} Partner"))
    mid, pid, shop = side.mid, side.partner.partner_id, caller.shop
    door.sql("UPDATE merchants SET partner_id = $2 WHERE merchant_id = $1", mid, pid)
    door.sql(
        "INSERT INTO partner_merchants (merchant_id, partner_id, external_id, created_at) VALUES "
        "($1, $2, $3, now())",
        mid,
        pid,
        f"{mark}-crm",
    )
    door.run(register_partner(door.world, pid, f"{mark} Partner"))
    door.run(register_merchant(door.world, mid, f"{mark} Tea", pid))
    _objects(side)
    side.signer = Signer(shop.keys.stablecoin_key_id, shop.keys.stablecoin_secret)
    for role in ROLES:
        side.sessions[role] = _session(
            door, f"{role}@{mark}.example", [Membership("merchant", mid, role)]
        )
        side.sessions[f"partner {role}"] = _session(
            door, f"p-{role}@{mark}.example", [Membership("partner", pid, role)]
        )
    spare = make_user(
        door.world,
        f"spare@{mark}.example",
        f"{mark} Spare",
        PASSWORD,
        [Membership("merchant", mid, "analyst")],
    )
    side.ids["member"] = str(door.run(spare))
    subject = Subject("merchant", mid, f"{mark} Tea")
    asked = invite(
        door.world,
        subject,
        _owner_id(door, side),
        f"guest@{mark}.example",
        "analyst",
        request_id="test",
    )
    side.ids["invitation"] = str(door.run(asked))
    side.ids["notification"] = str(door.run(_told(door, side)))
    made = side.partner.merchant(name=f"{mark} Second")
    hook = {"url": f"https://{mark}.example.com/partner"}
    side.ids["partner_endpoint"] = side.partner.post("/partner/webhooks", hook).json()["id"]
    second = side.partner.post(
        "/partner/webhooks", hook | {"url": f"https://{mark}.example.com/partner-spare"}
    )
    side.ids["spare_partner_endpoint"] = second.json()["id"]
    tested = f"/partner/webhooks/{side.ids['partner_endpoint']}"
    side.partner.post(f"{tested}/test", {}, allow_5xx=True)  # nobody listens there; the try is kept
    side.ids["partner_delivery"] = side.partner.get(f"{tested}/deliveries").json()["data"][0]["id"]
    side.ids |= {
        "mid": str(mid),
        "partner": str(pid),
        "handover": made["handover"]["url"].rpartition("/")[2],
    }
    return side


async def _told(door: Door, side: Side) -> uuid.UUID:
    """What the owner was told."""
    session = await read_session(door.world, side.sessions["owner"][0])
    assert session is not None
    notification_id = new_id()
    async with door.world.people.connection() as connection:
        await tell(
            connection,
            [
                NewNotification(
                    user_id=session.user_id,
                    notification_id=notification_id,
                    world=door.world.name,
                    subject_id=side.mid,
                    subject_name=f"{side.mark} Tea",
                    alert_id=new_id(),
                    kind="go_live",
                    facts={"state": "approved"},
                    on_page=True,
                    created_at=door.world.clocks.wall(),
                    mail_state="none",
                    mail_due_at=None,
                )
            ],
        )
    return notification_id


def _owner_id(door: Door, side: Side) -> uuid.UUID:
    session = door.run(read_session(door.world, side.sessions["owner"][0]))
    assert session is not None
    return session.user_id


def _session(door: Door, email: str, memberships: list[Membership]) -> tuple[str, str]:
    """Signed in, without the sign-in page: its token and its forms' secret."""
    world = door.world

    async def signed_in() -> tuple[str, str]:
        name = email.replace("@", " at ")
        user_id = await make_user(world, email, name, PASSWORD, memberships)
        async with world.people.transaction() as connection:
            token = await open_session(connection, world, user_id, None)
        session = await read_session(world, token)
        assert session is not None
        return token, session.csrf

    return door.run(signed_in())


def _objects(side: Side) -> None:
    """One of every kind that the APIs make; ids by kind."""
    caller, mark, ids = side.caller, side.mark, side.ids
    door, shop = caller.door, caller.shop
    door.run(terms(shop, period="day", delay_days=0))
    site = {
        "url": f"https://{mark}.example.com",
        "name": f"{mark} shop",
        "descriptor": f"{mark.upper()}SHOP",
    }
    ids["site"] = caller.post("/sites", site).json()["id"]
    ids["spare_site"] = caller.post(
        "/sites", site | {"url": f"https://spare-{mark}.example.com"}
    ).json()["id"]
    hook = {"url": f"https://{mark}.example.com/hook", "ownKey": True}
    ids["endpoint"] = caller.post("/webhooks", hook).json()["id"]
    ids["spare_endpoint"] = caller.post(
        "/webhooks", hook | {"url": f"https://{mark}.example.com/spare"}
    ).json()["id"]
    caller.post(
        f"/webhooks/{ids['endpoint']}/test", {}, allow_5xx=True
    )  # nobody listens there; the try is kept
    ids["delivery"] = caller.get(f"/webhooks/{ids['endpoint']}/deliveries").json()["data"][0]["id"]
    about = {
        "siteId": ids["site"],
        "payer__email": f"ana@{mark}.example",
        "transaction__amount": side.units,
        "billingInformation__lastName": mark,
    }
    number = iter(range(100))

    def order(**more: Any) -> str:
        return caller.admit(**(about | {"orderId": f"{mark}-{next(number)}"} | more))

    at_once = {"expiryDateUtc": None, "transaction__responseCode": "91"}
    ids["card"] = caller.token_for(APPROVES)
    door.run(with_account(shop))
    ids["account"] = str(
        door.sql("SELECT account_id FROM bank_accounts WHERE merchant_id = $1", side.mid)[0][0]
    )
    ids["paid"], disputable = order(**at_once), order(**at_once)
    door.run(disputed(shop, uuid.UUID(disputable), kind="service"))
    ids["dispute"] = str(door.run(the_dispute(shop, uuid.UUID(disputable)))["dispute_id"])
    ids["disputed"] = disputable
    files = f"/orders/{disputable}/disputes/{ids['dispute']}/files"
    content = base64.b64encode(b"%%PDF-1.7 %b\n%%%%EOF" % mark.encode()).decode()
    ids["evidence"] = caller.post(files, {"name": f"{mark}.pdf", "content": content}).json()["id"]
    refund = door.run(stuck(shop, side.units))
    ids["stuck_order"], ids["refund"] = str(refund[0]), str(refund[1])
    ids["asked_order"] = order(**at_once)
    ids["asked"] = door.run(_asked(shop, uuid.UUID(ids["asked_order"]), mark))
    caller.advance(days=3)
    ids["settlement"] = str(door.run(batches(shop))[0]["batch_id"])
    ids["backtest"] = caller.call("POST", "/backtests", json={"decider": "retry-1"}).json()["id"]
    ids["certificate"] = str(door.run(_certified(shop)))
    ids["payout"] = str(door.run(payouts(shop))[0]["payout_id"])
    ids["order"] = order(paymentMethod__cardNumber=FUNDS)
    payer = "SELECT payer_id FROM order_payer WHERE order_id = $1"
    ids["customer"] = str(door.sql(payer, uuid.UUID(ids["order"]))[0][0])
    ids["held"] = order(
        isMIT=False, expiryDateUtc=GONE, transactionType="AUTHORIZATION", customerIp="203.0.113.24"
    )
    transmitted = transmit_body(caller, orderId=f"{mark}-t", payer__email=f"ana@{mark}.example")
    ids["transmission"] = caller.post("/transmit", transmitted).json()["transmitId"]
    door.run(adjust(door.world, person(shop, "olga"), -2_000_000_00, "USD", f"{mark} adjustment"))
    ids["adjustment"] = str(
        door.sql("SELECT adjustment_id FROM adjustments WHERE merchant_id = $1", side.mid)[0][0]
    )
    ids["card_join"] = str(
        door.run(_proposed(shop, uuid.UUID(ids["order"]), uuid.UUID(ids["paid"]), mark))
    )
    ids["checkout"] = checkout_token(door.world, side.mid, uuid.UUID(ids["held"]))
    campaign = {"key": f"{mark}-c", "name": f"{mark} campaign"}
    ids["campaign"] = caller.post(f"/sites/{ids['site']}/campaigns", campaign).json()["id"]
    ids["spare_campaign"] = caller.post(
        f"/sites/{ids['site']}/campaigns", campaign | {"key": "spare"}
    ).json()["id"]
    rows = [transmit_body(caller, orderId=f"{mark}-u", payer__email=f"ana@{mark}.example")]
    path = f"/uploads?kind=transmit&filename=transmit_{mark}.json"
    ids["upload"] = caller.raw(path, json.dumps(rows).encode()).json()["id"]
    past = (
        f"orderId,at,amount,currency,approved\n{mark}-past,2024-03-02T06:00:00Z,100,USD,true\nx\n"
    ).encode()
    answers = Answers()
    reading = read_import(
        door.world, shop.scope, f"{mark}.csv", io.BytesIO(past), answers, dry_run=False
    )
    ids["import"] = str(door.run(reading).stored.import_id)
    ids["nothing"] = str(new_id())
    for kind in ("application", "spare_application"):
        ids[kind] = caller.post("/onboarding/application", {"legalName": f"{mark} Ltd"}).json()[
            "id"
        ]
    paper = {"kind": "identity", "name": f"{mark}.pdf", "content": "JVBERi0xLjcKJSVFT0YK"}
    for kind in ("document", "spare_document"):
        paper["name"], paper["kind"] = (
            f"{mark} {kind}.pdf",
            "bank" if kind == "document" else "other",
        )
        ids[kind] = caller.post(
            f"/onboarding/application/{ids['application']}/documents", paper
        ).json()["id"]


async def _proposed(shop: Shop, first: uuid.UUID, second: uuid.UUID, mark: str) -> uuid.UUID:
    """A join of the cards of two orders that waits for a second person."""
    (first, one), (second, other) = sorted(
        [(order_id, (await shop.order(order_id))["card_id"]) for order_id in (first, second)],
        key=lambda pair: pair[1],
    )
    async with shop.world.db.transaction() as tx:
        made = await add_join(
            tx,
            shop.merchant_id,
            new_id(),
            one,
            other,
            first,
            second,
            f"{mark} reason",
            f"{mark} evidence",
            "user:somebody",
            shop.world.clocks.wall(),
        )
    assert made is not None
    return made


async def _certified(shop: Shop) -> uuid.UUID:
    """Of the month in which its orders were sent; nobody waits for its end."""
    at = await shop.value(
        "SELECT min(at) FROM network_sends WHERE merchant_id = $1 AND NOT claimed", shop.merchant_id
    )
    return (await certify_month(shop.world, shop.merchant_id, month_start(at)))[0]


async def _asked(shop: Shop, order_id: uuid.UUID, mark: str) -> str:
    """A refund that waits for a second person."""
    who = Scope(shop.merchant_id, Actor("user", str(uuid.UUID(int=4))), "test", "operations")
    await change_limits(shop.world, who, "operations", "USD", Limits(second_from_units=100))
    asked = RefundRequest(amount="1.00", message=f"{mark} back")
    return str((await refund(shop.world, shop.orders, who, order_id, asked)).refund_id)


def _uploaded(ground: Ground, side: Side) -> None:
    """What the rest of the doors make."""
    charge = {
        "merchant_order_id": f"{side.mark}-s",
        "amount": side.amount,
        "currency": "USDT",
        "channel": "mock",
        "subject": side.mark,
    }
    made = signed(ground, side, "POST", "/api/v1/charges", charge).json()
    side.ids["stable_order"] = made["order"]["id"]
    side.ids["pay"] = made["instruction"]["redirect_url"].rpartition("/")[2]
    plan = {
        "title": f"{side.mark} plan",
        "amount": side.amount,
        "currency": "USDT",
        "interval_unit": "month",
    }
    side.ids["subscription"] = signed(ground, side, "POST", "/api/v1/subscriptions", plan).json()[
        "subscription"
    ]["id"]
    token, csrf = side.sessions["owner"]
    answer = ground.call(
        "POST",
        "/reconciliation/files",
        data={"csrf": csrf, "kind": "processor"},
        headers={"cookie": f"{COOKIE}={token}"},
        files={"file": (f"{side.mark}.csv", _statement(side), "text/csv")},
    )
    assert answer.status_code == 303, answer.text
    side.ids["run"] = answer.headers["location"].rpartition("/")[2]
    _of_lists(ground, side, csrf, {"cookie": f"{COOKIE}={token}"})


def _of_lists(ground: Ground, side: Side, csrf: str, headers: dict[str, str]) -> None:
    """A file that was asked for, and a note on everything that matches."""
    door = ground.door
    if door.world.exports is None:
        change_world(door.world, exports=Path(tempfile.mkdtemp(prefix="recoup-exports-")))
    side.ids["export"], side.ids["act"] = str(new_id()), str(new_id())
    answer = ground.call(
        "POST",
        "/exports",
        headers=headers,
        data={
            "csrf": csrf,
            "key": uuid.UUID(side.ids["export"]).hex,
            "form": "csv",
            "back": "/orders",
        },
    )
    assert answer.status_code == 303, answer.text
    count = door.sql("SELECT count(*) FROM order_heads WHERE merchant_id = $1", side.mid)[0][0]
    answer = ground.call(
        "POST",
        "/orders/bulk",
        headers=headers,
        data={
            "csrf": csrf,
            "key": uuid.UUID(side.ids["act"]).hex,
            "do": "note",
            "all": "yes",
            "sure": "yes",
            "note": side.mark,
            "expected": str(count),
            "back": "/orders",
        },
    )
    assert answer.status_code == 303, answer.text


def _statement(side: Side) -> bytes:
    return (
        f"id,reference,type,amount,currency,date\n,{side.mark},fee,{side.amount},USD,2026-11-05\n"
    ).encode()


def signed(ground: Ground, side: Side, method: str, path: str, body: Any = None) -> httpx.Response:
    content = written(body)
    return ground.call(
        method,
        path,
        content=content,
        headers=side.signer.headers(method, path, "", content)
        | ({"content-type": "application/json"} if content else {}),
    )


def text_of(answer: httpx.Response) -> str:
    return html.unescape(re.sub(r"\s+", " ", answer.text))


_TABLES = """
SELECT c.relname AS name, array_agg(a.attname::text) AS columns FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = ANY(current_schemas(false)::regnamespace[]) AND c.relkind IN ('r', 'p')
  AND NOT c.relispartition
GROUP BY 1 ORDER BY 1
"""


async def _stand(ground: "Ground") -> dict[str, str]:
    door, side = ground.door, ground.a
    if "digests" not in ground.kept:
        world, people = [
            await asyncpg.connect(one, timeout=10)
            for one in (door.world.dsn, door.world.people_dsn)
        ]
        ground.kept["connections"] = (world, people)
        tables = _digests(await world.fetch(_TABLES))
        ours = ", ".join(f'({sql}) AS "{name}"' for name, sql in _PEOPLE.items())
        ground.kept["digests"] = await world.prepare(tables), await people.prepare(f"SELECT {ours}")
    world, people = ground.kept["digests"]
    mid, pid = side.mid, side.partner.partner_id
    return dict(await world.fetchrow(mid, pid)) | dict(
        await people.fetchrow(mid, pid, f"%{side.mark}%")
    )


def _digests(tables: Any) -> str:
    parts = []
    for table in tables:
        columns = set(table["columns"])
        if "owner_id" in columns:
            where = "x.owner_id IN ($1, $2)"
        elif "merchant_id" in columns:
            where = "x.merchant_id = $1"
        elif "partner_id" in columns:
            where = "x.partner_id = $2"
        elif "application_id" in columns:
            where = (
                "x.application_id IN (SELECT application_id FROM applications WHERE owner_id "
                "IN ($1, $2))"
            )
        else:
            continue
        parts.append(
            f"(SELECT md5(coalesce(string_agg(x::text, '|' ORDER BY x::text), '')) FROM "
            f"{table['name']} x"
            f" WHERE {where}) AS {table['name']}"
        )
    return "SELECT $1::uuid, $2::uuid, " + ", ".join(parts)


_DIGEST = "SELECT md5(coalesce(string_agg(x::text, '|' ORDER BY x::text), '')) FROM"
_OURS = "u.email LIKE $3 AND u.email NOT LIKE '%#%' OR u.user_id IN ($1, $2)"
_PEOPLE = {
    "people merchants": f"{_DIGEST} merchant_worlds x WHERE merchant_id = $1 OR partner_id = $2 OR "
    f"name LIKE $3",
    "people views": f"{_DIGEST} saved_views x WHERE merchant_id IN ($1, $2) OR $3 = ''",
    "people members": f"{_DIGEST} memberships x WHERE subject_id IN ($1, $2) OR $3 = ''",
    "people invitations": f"{_DIGEST} invitations x WHERE subject_id IN ($1, $2) OR $3 = ''",
    "people rules": f"{_DIGEST} second_factor_rules x WHERE subject_id IN ($1, $2) OR $3 = ''",
    "people factors": f"{_DIGEST} second_factors x JOIN users u USING (user_id) WHERE {_OURS}",
    "people accounts": f"{_DIGEST} account_log x JOIN users u USING (user_id) WHERE {_OURS}",
    "people notifications": f"{_DIGEST} notifications x WHERE subject_id IN ($1, $2) OR $3 = ''",
    "people choices": f"{_DIGEST} notification_choices x WHERE subject_id IN ($1, $2) OR $3 = ''",
    "people log": f"{_DIGEST} membership_log x WHERE subject_id IN ($1, $2) OR $3 = ''",
    "people users": f"{_DIGEST} users x WHERE email LIKE $3 AND email NOT LIKE '%#%' OR user_id IN "
    f"($1, $2)",
}
