"""The live world beside the sandbox: one address, two worlds, told apart by credentials; and how a
shop gets there."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from click.testing import CliRunner
from tests.bridge_twin import SECRET, Twin, bridge_twin
from tests.databases import empty
from tests.door import listening
from tests.rescue.api.test_bad_input import real_looking
from tests.rings import each

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, PartnerScope, Scope
from recoup.kit.edge import asgi
from recoup.kit.edge.entry import Entry
from recoup.kit.edge.which_world import ByWorld
from recoup.kit.live_check import WAIVABLE
from recoup.main.app import make_app, refuse
from recoup.main.bootstrap import Bootstrap, bootstrap
from recoup.main.cli import cli
from recoup.main.databases import Databases, prepare
from recoup.main.live_opening import waive
from recoup.main.metrics import CALLS
from recoup.main.settings import Settings
from recoup.main.worlds import Running, open_worlds
from recoup.merchants.store.partners import find_partner
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.onboarding.flows import open_live
from recoup.onboarding.flows.make_merchant import make_keys
from recoup.onboarding.flows.open_live import open_approved
from recoup.onboarding.flows.partners import Quota, set_quota
from recoup.onboarding.store.onboarding import add_request, decide_request
from recoup.partners.flows.partner_merchants import MerchantRequest, create
from recoup.people.rules.totp import code_of, step_at
from recoup.routes.flows.connect import ConnectRequest, connect
from recoup.settlement.flows.fee_terms import FeeTermRequest, set_fee_term
from recoup.terms.rules.fees import Tariff

REAL = real_looking("453955", 16)
PAGES = (
    "/orders",
    "/onboarding",
    "/mailbox",
    "/switches",
    "/reports",
    "/refunds",
    "/disputes",
    "/bank",
    "/reconciliation",
    "/uploads",
    "/imports",
    "/invitations",
    "/applications",
    "/outcome",
    "/account",
)
COUNTS = """
SELECT (SELECT count(*) FROM merchants WHERE mit AND NOT cit_web), (SELECT count(*) FROM sites),
  (SELECT count(*) FROM fee_terms), (SELECT count(*) FROM switch_changes), (SELECT count(*)
    FROM partner_merchants)
FROM merchants WHERE merchant_id = $1
"""
HOOK_KEY = base64.b64encode(b"k" * 32).decode()


@dataclass
class Both:
    """Both worlds of one installation behind one address. `made`: of the sandbox's bootstrap."""

    sandbox: Running
    live: Running
    made: Bootstrap
    client: httpx.AsyncClient
    twin: Twin

    @property
    def merchant_id(self) -> UUID:
        return UUID(self.made.mid)

    async def approved(self, *kinds: str) -> None:
        """The operator has said yes, as the page does it."""
        request_id, now = new_id(), self.sandbox.world.clocks.wall()
        async with self.sandbox.world.db.transaction() as tx:
            await add_request(tx, self.merchant_id, request_id, list(kinds), {}, "user:owner", now)
            assert await decide_request(
                tx, self.merchant_id, request_id, "approved", {}, "", "user:operator", now
            )

    async def partner_of(self, merchant_id: UUID) -> UUID | None:
        async with self.sandbox.world.db.connection() as connection:
            return await connection.fetchval(  # type: ignore[no-any-return]
                "SELECT partner_id FROM merchants WHERE merchant_id = $1", merchant_id
            )

    async def token(self, app_key: str, app_secret: str) -> str:
        answer = await self.client.post(
            "/v1/oauth2/token", json={"AppKey": app_key, "AppSecret": app_secret}
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["accessToken"])

    async def evaluate(
        self, token: str, pan: str, *, is_mit: bool, days: int = 20
    ) -> httpx.Response:
        return await self.client.post(
            "/v1/evaluate",
            json=payment(self.made.mid, self.made.site_id, pan, is_mit=is_mit, days=days),
            headers={"authorization": f"Bearer {token}"},
        )


@asynccontextmanager
async def both(
    server: ServerAddress, folder: Path, *, waived: Sequence[str] = WAIVABLE, **more: Any
) -> AsyncIterator[Both]:
    mark = uuid4().hex[:10]
    people, sandbox, live = [
        await empty(server, kind, f"{kind}_{mark}") for kind in ("people", "world", "live")
    ]
    databases = Databases(people, sandbox, server.dsn("postgres"), None, live)
    await prepare(databases)
    async with bridge_twin() as twin:
        settings = Settings(
            data_dir=folder,
            live_processor_url=twin.url,
            live_processor_secret=SECRET,
            live_acceptor_id="acq-1",
            live_processor_country="US",
            connections=6,
        )
        settings = replace(settings, **more)
        async with open_worlds(settings, databases) as (one, other):
            assert other is not None
            made = await bootstrap(one.world, settings.url)
            await waive(other.world, waived, "a test", "test")
            async with listening(
                make_app(settings, databases),
                "on",
            ) as port:  # type: ignore[arg-type]
                url = f"http://127.0.0.1:{port}"
                async with httpx.AsyncClient(base_url=url, timeout=60) as client:
                    yield Both(one, other, made, client, twin)


def payment(mid: str, site_id: str, pan: str, *, is_mit: bool, days: int) -> dict[str, Any]:
    now, name = datetime.now(UTC), uuid4().hex[:10]
    return {
        "isDeclined": True,
        "isMIT": is_mit,
        "isRecurring": is_mit,
        "mid": mid,
        "siteId": site_id,
        "expiryDateUtc": (now + timedelta(days=days)).isoformat(),
        "orderId": f"SO-{name}",
        "idempotencyKey": name,
        "customerIp": "203.0.113.24",
        "transaction": {
            "id": f"psp-{name}",
            "timestampUtc": now.isoformat(),
            "amount": 4590,
            "currency": "USD",
            "responseCode": "05",
            "responseCodeSource": "nmi",
            "responseStatus": "DECLINED",
            "avsResultCode": "NA",
            "cvvResultCode": "NA",
            "cavvResultCode": "NA",
        },
        "payer": {"id": name, "email": f"{name}@example.test", "phone": "+1 555 010 2030"},
        "paymentMethod": {
            "holderName": "Ana Roe",
            "cardBrand": "VISA",
            "expirationMonth": 9,
            "expirationYear": 2031,
            "cardNumber": pan,
        },
    }


def test_mit_is_live_while_cit_is_in_the_sandbox(server: ServerAddress, tmp_path: Path) -> None:
    async def story() -> None:
        async with both(server, tmp_path) as here:
            assert await open_approved(here.sandbox.world) == 0
            await here.approved("mit")
            assert await open_approved(here.sandbox.world) == 1
            assert await open_approved(here.sandbox.world) == 0, "opened once"
            keys = await make_keys(here.live.world, here.merchant_id, HOOK_KEY)
            assert keys.app_key.startswith("pk_live_")
            live = await here.token(keys.app_key, keys.app_secret)
            test = await here.token(here.made.app_key, here.made.app_secret)
            # the same kinds of payments, by two credentials at one address
            assert (await here.evaluate(live, REAL, is_mit=True)).json()["status"] == "SUBMITTED"
            refused = await here.evaluate(live, REAL, is_mit=False)
            assert refused.status_code == 403, refused.text
            assert "CIT" in refused.text
            assert (await here.evaluate(test, APPROVE_CARDS[1], is_mit=False)).json()[
                "status"
            ] == "APPROVED"
            # what the sandbox warns of, live refuses
            soon = await here.evaluate(live, REAL, is_mit=True, days=5)
            assert soon.status_code == 400, soon.text
            assert "14 days" in soon.text
            assert not here.twin.sent, "the sandbox's never reaches the operator's processor"
            headers = {"authorization": f"Bearer {live}"}
            listed = (await here.client.get("/v1/orders", headers=headers)).json()["orders"]
            assert listed["totalItemCount"] == 1
            history = await here.client.get("/v1/switches", headers=headers)
            assert "operator:go-live" in history.text
            # the rest goes live later, by a question of its own
            await here.approved("cit_web")
            assert await open_approved(here.sandbox.world) == 1
            answer = await here.evaluate(
                await here.token(keys.app_key, keys.app_secret), REAL, is_mit=False
            )
            assert answer.json()["status"] == "APPROVED", answer.text
            assert [sent["card"]["number"] for sent in here.twin.sent.values()] == [REAL]
            for running in (here.sandbox, here.live):
                assert (await verify(running.world)).difference is None

    asyncio.run(story())


def test_a_shop_that_is_opened_by_a_process_that_dies_is_opened_once(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: Any, **__: Any) -> None:
        raise RuntimeError("killed")

    async def story() -> None:
        async with both(server, tmp_path) as here:
            await here.approved("mit")
            operator = Scope(here.merchant_id, Actor("operator", "test"), "test")
            await set_fee_term(here.sandbox.world, operator, FeeTermRequest(Tariff(290)))
            for step in (
                "place_merchant",
                "copy_settings",
                "change",
                "save_merchant",
                "note_opened",
            ):
                with monkeypatch.context() as patched:
                    patched.setattr(open_live, step, dies)
                    with pytest.raises(RuntimeError):
                        await open_approved(here.sandbox.world)
            assert await open_approved(here.sandbox.world) == 1
            async with here.live.world.db.connection() as connection:
                counts = await connection.fetchrow(COUNTS, here.merchant_id)
            assert tuple(counts) == (1, 1, 1, 1, 1)
            assert (await verify(here.live.world)).difference is None

    asyncio.run(story())


def test_no_credential_opens_the_other_world(server: ServerAddress, tmp_path: Path) -> None:
    async def story() -> None:
        async with both(server, tmp_path) as here:
            await here.approved("mit")
            await open_approved(here.sandbox.world)
            keys = await make_keys(here.live.world, here.merchant_id, HOOK_KEY)
            forged = keys.app_key.replace("pk_live_", "pk_test_")
            for key in (forged, here.made.app_key.replace("pk_test_", "pk_live_")):
                answer = await here.client.post(
                    "/v1/oauth2/token", json={"AppKey": key, "AppSecret": keys.app_secret}
                )
                assert answer.status_code == 400, answer.text
            live = await here.token(keys.app_key, keys.app_secret)
            head, body, sign = live.split(".")
            plain = base64.urlsafe_b64decode(body + "==").replace(b'"live"', b'"sandbox"')
            lied = ".".join((head, base64.urlsafe_b64encode(plain).decode().rstrip("="), sign))
            answer = await here.client.get(
                "/v1/orders", headers={"authorization": f"Bearer {lied}"}
            )
            assert answer.status_code == 401
            again = await here.client.post(
                "/v1/oauth2/token", json={"AppKey": keys.app_key, "AppSecret": keys.app_secret}
            )
            given = {"RefreshToken": again.json()["refreshToken"]}
            refreshed = await here.client.post("/v1/oauth2/refresh", json=given)
            assert refreshed.status_code == 200, refreshed.text
            card = {
                "payment_method": {
                    "credit_card": {
                        "first_name": "Ana",
                        "last_name": "Roe",
                        "number": REAL,
                        "month": "09",
                        "year": "2031",
                    }
                }
            }
            for path in (
                "/v1/tokenize?environment=",
                "/V1/Tokenize?Environment=",
            ):  # as clients write them
                taken = await here.client.post(path + keys.tokenization_key, json=card)
                assert taken.status_code == 200, taken.text
            bare = {"authorization": live}
            assert (await here.client.get("/V1/Orders", headers=bare)).status_code == 200
            refused = await here.client.post(
                f"/v1/tokenize?environment={here.made.tokenization_key}", json=card
            )
            assert refused.status_code == 400, "the sandbox takes no real card"
            token = taken.json()["transaction"]["payment_method"]["token"]
            elsewhere = await here.evaluate(
                await here.token(here.made.app_key, here.made.app_secret), token, is_mit=True
            )
            assert elsewhere.status_code == 400

    asyncio.run(story())


def test_the_portal_switches_on_the_same_page(server: ServerAddress, tmp_path: Path) -> None:
    async def story() -> None:
        async with both(server, tmp_path) as here:
            form = {"email": here.made.portal_user, "password": here.made.portal_password}
            assert (await here.client.post("/signin", data=form)).status_code == 303
            page = await here.client.get("/settlements?size=25")
            assert "SANDBOX" in page.text
            refused = await switch(here, page.text)
            assert refused.status_code == 403
            assert "goes live from its Onboarding page" in refused.text
            await here.approved("mit")
            await open_approved(here.sandbox.world)
            begun = re.findall(r'name="csrf" value="([^"]*)"', page.text)[0]
            moved = await switch(here, page.text)
            assert (moved.status_code, moved.headers["location"]) == (303, "/settlements?size=25")
            for path in ("/roles/limits", "/keys", "/orders/bulk", "/operator/sending-off"):
                old = await here.client.post(path, data={"csrf": begun})
                assert old.status_code == 409, (
                    "a form that was begun in the sandbox does nothing where money is real"
                )
            page = await here.client.get("/settlements?size=25")
            assert "Real money." in page.text
            assert "SANDBOX" not in page.text
            assert "Switch to sandbox" in page.text
            for path in PAGES:
                shown = await here.client.get(path)
                assert shown.status_code == 200, f"{path}: {shown.text[:300]}"
                assert "Real money." in shown.text, path
            lost = await here.client.get(f"/orders/{new_id()}")
            assert lost.status_code == 404
            back = await switch(here, lost.text)
            assert back.headers["location"] == "/orders", "one thing of a world is not in the other"
            assert "SANDBOX" in (await here.client.get("/orders")).text
            assert (await here.client.post("/world", data={"csrf": "x"})).status_code == 403

    asyncio.run(story())


def test_a_partner_makes_no_live_merchant_that_nobody_approved(
    server: ServerAddress, tmp_path: Path
) -> None:
    """One shop of a partner went live; with it the partner made others in live, which charged real
    cards at once. Its pause and limits stayed in the sandbox."""

    async def story() -> None:
        async with both(server, tmp_path) as here:
            sandbox, live = here.sandbox.world, here.live.world
            partner_id = UUID(str(await here.partner_of(here.merchant_id)))
            scope = PartnerScope(partner_id, Actor("partner", "anna"), "test")
            await set_quota(sandbox, scope, Quota(merchants_max=3))
            await here.approved("mit")
            await open_approved(sandbox)
            async with live.db.connection() as connection:
                partner = await find_partner(connection, partner_id)
            assert partner is not None
            assert (partner.state, partner.merchants_max) == ("active", 3)
            asked = MerchantRequest("Another", "https://another.example", "Another", "ANOTHER")
            with pytest.raises(Problem, match="begin in the sandbox") as caught:
                await create(live, scope, asked)
            assert caught.value.code == "forbidden"
            assert (await create(sandbox, scope, asked)).merchant_id

    asyncio.run(story())


def test_one_second_factor_holds_in_both_worlds(server: ServerAddress, tmp_path: Path) -> None:
    async def story() -> None:
        async with both(server, tmp_path) as here:
            client, password = here.client, here.made.operator_password
            form = {"email": here.made.operator_user, "password": password}
            assert (await client.post("/signin", data=form)).headers["location"] == "/overview"
            page = await client.get("/orders")
            assert page.status_code == 200, "in the sandbox the operator's people choose"
            assert (await switch(here, page.text)).status_code == 303
            place = "/account/second-factor"
            assert (await client.get("/approvals")).headers["location"] == place
            alone = await client.get(place)
            assert "Real money." in alone.text
            assert "need one wherever money is real" in alone.text
            csrf = re.findall(r'name="csrf" value="([^"]*)"', alone.text)[0]
            begun = await client.post(f"{place}/begin", data={"csrf": csrf, "password": password})
            assert begun.headers["location"] == place
            found = re.search(r"<pre[^>]*>([A-Z2-7 ]+)</pre>", (await client.get(place)).text)
            assert found
            secret, at = found[1].replace(" ", ""), step_at(datetime.now(UTC))
            typed = {"csrf": csrf, "key": "0" * 32, "code": code_of(secret, at)}
            on = await client.post(f"{place}/confirm", data=typed)
            codes = re.findall(r"\b[0-9a-z]{5}-[0-9a-z]{5}\b", on.text)
            assert len(codes) == 10
            assert (await client.get("/approvals")).headers.get("location") != place
            for path in ("/operator", "/live-check"):
                assert (await client.get(path)).status_code == 200, (
                    "where no merchant is live yet, too"
                )
            nothing = await client.get("/orders")
            assert "There is no merchant in this environment yet." in nothing.text
            assert (await switch(here, nothing.text)).headers["location"] == "/orders"
            client.cookies.clear()
            assert (await client.post("/signin", data=form)).headers["location"] == "/signin/code"
            half = client.cookies["recoup_half"]
            client.cookies.clear()
            elsewhere = await client.post(
                "/signin/code",
                data={"code": codes[0]},
                headers={"cookie": f"recoup_session=live.x; recoup_half={half}"},
            )
            assert elsewhere.status_code == 401, "half a sign-in is of one world"
            opened = await client.post(
                "/signin/code", data={"code": codes[0]}, headers={"cookie": f"recoup_half={half}"}
            )
            assert opened.headers["location"] == "/overview"
            async with here.live.world.people.connection() as connection:
                rows = await connection.fetch(
                    "SELECT action, facts ->> 'world' AS at, world FROM account_mails"
                    " JOIN account_log USING (log_id) ORDER BY log_id"
                )
            assert [tuple(row) for row in rows] == [
                ("second_factor_on", "live", "live"),
                ("recovery_code_used", "sandbox", "live"),
            ]

    asyncio.run(story())


def test_a_page_of_live_is_counted_by_its_name_from_the_first_call(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[tuple[str, ...]] = []
    monkeypatch.setattr(CALLS, "add", lambda *values: counted.append(values))

    async def story() -> None:
        async with both(server, tmp_path) as here:
            shown = await here.client.get("/signin", headers={"cookie": "recoup_session=live.x"})
            assert "Real money." in shown.text

    asyncio.run(story())
    assert counted == [("GET /signin", "200")]


def test_live_connects_no_account_in_the_clear_or_of_nobody(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story() -> None:
        async with both(server, tmp_path) as here:
            scope = Scope(here.merchant_id, Actor("operator", "test"), "test")
            for url, why in (
                ("http://127.0.0.1:9", "over HTTPS only"),
                ("https://127.0.0.1:9", "does not exist"),
            ):
                request = ConnectRequest("stripe", "rk_live_first_0001", "whsec_first0001", url=url)
                with pytest.raises(Problem, match=why):
                    await connect(here.live.world, scope, request)

    asyncio.run(story())


async def switch(here: Both, page: str) -> httpx.Response:
    """Presses the button of the band."""
    band = page[page.index('action="/world"') :]
    values = dict(re.findall(r'name="(csrf|next)" value="([^"]*)"', band[:600]))
    return await here.client.post(
        "/world", data={name: value.replace("&amp;", "&") for name, value in values.items()}
    )


def scope_of(
    client: str, scheme: str = "http", path: str = "/v1/orders", **headers: str
) -> asgi.Scope:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": "http",
        "path": path,
        "scheme": scheme,
        "client": (client, 1),
        "headers": pairs,
        "query_string": b"",
    }


@pytest.mark.parametrize(
    ("client", "scheme", "status"),
    [
        ("203.0.113.9", "http", 403),
        ("203.0.113.9", "https", 200),
        ("127.0.0.1", "http", 200),
        ("::1", "http", 200),
        ("unknown", "http", 403),
    ],
)
def test_live_is_not_reached_in_the_clear(client: str, scheme: str, status: int) -> None:
    heard: list[Any] = []

    async def door(scope: asgi.Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        heard.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    doors = ByWorld(door, "recoup_session")
    doors.live = door
    asyncio.run(
        Entry(doors, refuse)(
            scope_of(client, scheme, authorization="ApiKey pk_live_x:y"), receive, send
        )
    )
    assert heard[0]["status"] == status


@each(
    ("more", "is_live"),
    [
        ({"x_api_key": "pk_live_0a"}, True),
        ({"x_api_key": "pk_test_0a"}, False),
        ({}, False),
        ({"authorization": "ApiKey ppk_live_x:y"}, True),
        ({"authorization": "Bearer x.e30.y"}, False),
        (
            {
                "authorization": "Bearer x."
                + base64.b64encode(b'{"x":' + b"[" * 9_999).decode()
                + ".y"
            },
            False,
        ),
        ({"authorization": "Bearer \u00ff.%%%"}, False),
        ({"authorization": "Bearer"}, False),
        ({"path": "/orders", "cookie": "a=b; recoup_session=live.abc"}, True),
        ({"path": "/orders", "cookie": "recoup_session=abc; x=live."}, False),
        ({"path": "/orders", "cookie": 'recoup_session="live'}, False),
        ({"path": "/checkout/live.abc"}, True),
        ({"path": "/checkout/abc"}, False),
        ({"path": "/charge"}, True),
        ({"path": "/inbound/bridge/notices"}, True),
        ({"path": "/inbound/sandbox/notices"}, False),
        ({"path": "/v1/orders/live.abc", "x_api_key": "pk_test_1"}, False),
    ],
)
def test_what_says_which_world(more: dict[str, str], is_live: bool) -> None:
    async def door(scope: asgi.Scope, receive: Any, send: Any) -> None: ...

    doors = ByWorld(door, "recoup_session")
    doors.live, doors.live_routes = door, {"bridge"}
    assert doors.is_live(scope_of("127.0.0.1", **more)) is is_live


def recoup(folder: Path, *words: str, **settings: str) -> tuple[int, str]:
    """The exit code, and what is printed or refused."""
    ended = CliRunner().invoke(cli, [*words, "--data-dir", str(folder)], env=settings)
    refused = ended.exception
    return ended.exit_code, refused.sentence() if isinstance(refused, Problem) else ended.output


def test_live_is_made_on_purpose(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    code, said = recoup(folder, "live", "init")
    assert code == 1
    assert "--embedded" in said
    bad = recoup(
        folder, "live", "init", "--embedded", RECOUP_LIVE_PROCESSOR_URL="http://pay.example.com"
    )
    assert "HTTPS" in bad[1]
    assert not (folder / "postgres").exists(), "nothing is made before its settings are right"
    code, said = recoup(folder, "live", "init", "--embedded")
    assert code == 0, said
    assert "No card processor is set yet" in said
    assert recoup(folder, "--live", "verify")[0] == 0
    key = recoup(folder, "live", "notice-key")[1].strip()
    assert re.fullmatch("[0-9a-f]{64}", key), "without it no bridge can report a dispute"
    assert key != recoup(folder, "sandbox", "notice-key")[1].strip()
    assert "sandbox only" in recoup(folder, "--live", "clock", "now")[1]
