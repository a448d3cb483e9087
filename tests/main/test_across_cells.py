"""What crosses cells: notices, partners, pages and learning of merchants that live in two."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote, urlsplit
from uuid import UUID, uuid4

import pytest
from tests.main.test_cells import HOOK_KEY, Seller, TwoCells, two_cells

from recoup.db.pool import Database
from recoup.db.server import ServerAddress
from recoup.db.statement import schema_of_cell
from recoup.disputes.flows.receive import notice_key, take_off, try_notice_again
from recoup.engine.learn.gather import gather
from recoup.insight.flows.share_issuers import share_issuers
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, PartnerScope, Scope
from recoup.kernel.time import WallTime
from recoup.main.bootstrap import OPERATOR_USER, make_operator
from recoup.main.doctor_verb import _cell, look_at
from recoup.main.metrics import scrape
from recoup.merchants.flows.cells import check_known, home_of
from recoup.notices.flows import receive as receiving
from recoup.notices.flows import signals
from recoup.notices.rules import SIGNALS
from recoup.onboarding.flows.make_merchant import make_keys
from recoup.onboarding.flows.partners import make_partner, make_partner_key, merchants_of
from recoup.onboarding.flows.register import register
from recoup.onboarding.store.partner_merchants import MerchantFilter
from recoup.orders.flows.find_order import home_of_order, merchants_with
from recoup.orders.flows.hosted_link import signed_token
from recoup.orders.moves.change import Change
from recoup.orders.rules.events import CATALOGUE
from recoup.outside.inbound import signed
from recoup.people.flows.make_user import Membership, make_user
from recoup.processors.gateways.connector import Notice
from recoup.rescue.flows.due import start
from recoup.rescue.flows.locked import Job
from recoup.rescue.flows.outcome import outcome_of
from recoup.rescue.flows.send import send_attempt
from recoup.rescue.moves.plan import plan_attempt
from recoup.rescue.rules.facts import MERCHANTS_MIN
from recoup.rescue.store.card_updates import OrderOfCard
from recoup.routes.flows.signed_notices import signing_key
from recoup.switches.flows.sending import SwitchedOff, switch_sending_off, switch_sending_on
from recoup.webhooks.flows import endpoints, replay
from recoup.webhooks.flows.delivery_log import LogQuery, log_of
from recoup.webhooks.flows.publish import read_feed

Tell = Callable[[TwoCells], Awaitable[None]]


def story(server: ServerAddress, folder: Path, tell: Tell) -> None:
    async def inside() -> None:
        async with two_cells(server, folder) as here:
            await tell(here)

    asyncio.run(inside())


async def one_in_each(here: TwoCells) -> list[Seller]:
    """Sellers of the first and of the second cell."""
    made: dict[int, Seller] = {}
    while len(made) < 2:
        seller = await here.seller()
        cell = await here.sql(
            "SELECT cell FROM directory.merchants_cells WHERE merchant_id = $1", seller.merchant_id
        )
        made[cell] = seller
    return [made[1], made[2]]


async def evaluated(here: TwoCells, seller: Seller) -> tuple[UUID, UUID]:
    made = await here.evaluate(seller)
    return seller.merchant_id, UUID(made.json()["orderSessionKey"])


async def paid(here: TwoCells, seller: Seller) -> Any:
    """Its approved attempt."""
    world = await home_of(here.running.world, seller.merchant_id)
    orders = here.running.orders.at(world)
    key = await evaluated(here, seller)
    await start(orders, key)
    await orders.change(Job(key, lambda c: plan_attempt(c, c.now, "soft", None), cards=True))
    await send_attempt(world, orders, key)
    sql = f"""SELECT to_jsonb(a) FROM {schema_of_cell(world.cell)}.attempts a
      WHERE merchant_id = $1 AND state = 'approved'"""
    return json.loads(await here.sql(sql, seller.merchant_id))


async def with_token(here: TwoCells, merchant_id: UUID) -> Seller:
    """A partner's merchant with new keys of its own."""
    world = await home_of(here.running.world, merchant_id)
    keys = await make_keys(world, merchant_id, HOOK_KEY)
    schema = schema_of_cell(world.cell)
    site = await here.sql(f"SELECT site_id FROM {schema}.sites WHERE merchant_id = $1", merchant_id)
    seller = Seller(merchant_id, site, keys)
    given = {"AppKey": keys.app_key, "AppSecret": keys.app_secret}
    answer = await here.http.post("/v1/oauth2/token", json=given)
    seller.token = answer.json()["accessToken"]
    return seller


def iso_now(here: TwoCells) -> str:
    return here.running.world.clocks.wall().isoformat()


class Without:
    """The second cell's server is away."""

    def __init__(self, here: TwoCells) -> None:
        self._world = here.running.cells[1].world
        self._db = self._world.db

    def __enter__(self) -> None:
        object.__setattr__(
            self._world, "db", Database("postgresql://nobody@127.0.0.1:1/none", size=1)
        )

    def __exit__(self, *_: object) -> None:
        object.__setattr__(self._world, "db", self._db)


async def post(here: TwoCells, path: str, key: bytes, said: dict[str, Any]) -> Any:
    body = json.dumps(said).encode()
    sign = signed(key, body, here.running.world.clocks.wall())
    headers = {"recoup-signature": sign, "content-type": "application/json"}
    return await here.http.post(path, content=body, headers=headers)


def test_a_notice_goes_to_its_merchants_cell_and_counts_once(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Disputes and a connector's notices; one cell away is asked again later."""

    async def tell(here: TwoCells) -> None:
        world, orders = here.running.world, here.running.orders
        first, second = await one_in_each(here)
        charges = [await paid(here, first), await paid(here, second)]
        for seller, charge in zip((first, second), charges, strict=True):
            notice = {
                "noticeId": f"n-{seller.site_id}",
                "caseId": f"c-{seller.site_id}",
                "merchantId": str(seller.merchant_id),
                "chargeId": charge["attempt_id"],
                "stage": "first",
                "status": "open",
                "amount": 4590,
                "currency": "USD",
                "reasonCode": "4837",
                "fee": 0,
            }
            key = notice_key(world, "sandbox")
            for status in ("applied", "repeated"):
                answer = await post(here, "/inbound/sandbox/notices", key, notice)
                assert (answer.status_code, answer.json()["status"]) == (200, status), answer.text
        assert await here.sql("SELECT count(*) FROM cell.disputes") == 1
        assert await here.sql("SELECT count(*) FROM cell_2.disputes") == 1
        nobody = notice | {"merchantId": str(uuid4()), "noticeId": "n-0"}
        answer = await post(here, "/inbound/sandbox/notices", key, nobody)
        assert (answer.status_code, answer.json()["status"]) == (200, "unmatched")

        notices: list[Notice] = []
        stub = SimpleNamespace(read_notices=lambda *_: notices)
        monkeypatch.setattr(receiving, "connector_of", lambda _: stub)

        async def take(about: str) -> list[str]:
            notices[:] = [
                Notice(
                    id=f"evt-{charge['attempt_id']}",
                    kind="charge",
                    object_kind="charge",
                    at=WallTime(world.clocks.wall()),
                    subject="charge",
                    about=about,
                    message_id=UUID(charge["key"]),
                    mine=True,
                )
                for charge in charges
            ]
            reply = await receiving.take(world, orders, "sandbox", {}, b"")
            return cast("list[str]", json.loads(reply.body)["notices"])

        with Without(here), pytest.raises(Problem) as refused:
            await take("ch_1")
        assert refused.value.code == "unavailable"
        assert await take("ch_1") == ["repeated", "taken"], "the first's was kept before"
        assert await take("ch_1") == ["repeated", "repeated"]
        for schema in ("cell", "cell_2"):
            assert await here.sql(f"SELECT count(*) FROM {schema}.processor_notices") == 1
        charges[1]["key"] = str(uuid4())
        assert await take("ch_2") == ["taken", "not_ours"]
        del charges[1]
        with Without(here):  # what is found needs no other cell
            assert await take("ch_3") == ["taken"]

    story(server, tmp_path, tell)


def test_a_signal_reaches_orders_of_every_cell(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def tell(here: TwoCells) -> None:
        world = here.running.world
        known = [OrderOfCard(*await evaluated(here, each)) for each in await one_in_each(here)]
        for order in known:
            home = await home_of(world, order.merchant_id)
            key = (order.merchant_id, order.order_id)
            plan = Job(
                key, lambda c: plan_attempt(c, c.now + timedelta(days=1), "soft", None), cards=True
            )
            await start(here.running.orders.at(home), key)
            await here.running.orders.at(home).change(plan)
        seen = list[UUID]()

        async def of_cards(*_: Any) -> list[OrderOfCard]:
            return known

        async def cards(*_: Any) -> list[UUID]:
            return [uuid4()]

        def approved(change: Change, *_: Any) -> bool:
            seen.append(change.order.order_id)
            return True

        monkeypatch.setattr(signals, "_cards", cards)
        monkeypatch.setattr(signals, "orders_of_cards", of_cards)
        monkeypatch.setattr(signals, "approved_elsewhere", approved)
        said = {"signalId": "s-1", "approvedAt": world.clocks.wall().isoformat(), "method": "pm_1"}
        body = json.dumps(said).encode()
        sign = signed(signing_key(world, SIGNALS, "sandbox"), body, world.clocks.wall())
        await signals.take_signal(world, here.running.orders, "sandbox", body, sign, "test")
        assert sorted(seen) == sorted(order.order_id for order in known)
        with Without(here), pytest.raises(Problem) as refused:
            await signals.take_signal(world, here.running.orders, "sandbox", body, sign, "test")
        assert refused.value.code == "unavailable"

    story(server, tmp_path, tell)


async def partner_of(here: TwoCells) -> tuple[PartnerScope, dict[str, str]]:
    """A partner, and the headers of its calls."""
    world, partner_id = here.running.world, uuid4()
    await make_partner(world, partner_id, "Leaf")
    key = await make_partner_key(world, partner_id, is_first=True)
    given = {"AppKey": key.app_key, "AppSecret": key.app_secret}
    answer = await here.http.post("/v1/oauth2/token", json=given)
    scope = PartnerScope(partner_id, Actor("operator", "test"), "test")
    return scope, {"authorization": f"Bearer {answer.json()['accessToken']}"}


async def its_sellers(here: TwoCells, headers: dict[str, str]) -> dict[int, list[UUID]]:
    """Its merchants by cell, made by its own calls; two in each."""
    made: dict[int, list[UUID]] = {1: [], 2: []}
    while min(map(len, made.values())) < 2:
        name = f"Tea {uuid4().hex[:6]}"
        site = {"url": "https://tea.example", "name": "Tea", "descriptor": "TEASHOP"}
        body = {"name": name, "site": site}
        answer = await here.http.post("/v1/partner/merchants", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        mid = UUID(answer.json()["mid"])
        home = await home_of(here.running.world, mid)
        made[home.cell].append(mid)
        if len(made[home.cell]) > 3:  # or all would be the emptiest one's
            await here.sql(
                f"UPDATE {schema_of_cell(home.cell)}.closers SET feed_no = feed_no + 1000"
                " WHERE merchant_id = $1",
                mid,
            )
    return made


def test_a_partner_sees_its_merchants_of_every_cell(server: ServerAddress, tmp_path: Path) -> None:
    async def tell(here: TwoCells) -> None:
        scope, headers = await partner_of(here)
        made = await its_sellers(here, headers)
        every = sorted([*made[1], *made[2]])

        async def get(path: str, status: int = 200) -> Any:
            answer = await here.http.get(path, headers=headers)
            assert answer.status_code == status, answer.text
            return answer.json()

        read, after = [], ""
        while True:
            page = await get(f"/v1/partner/merchants?limit=1{after}")
            read += [UUID(row["mid"]) for row in page["data"]]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        assert read == every
        for mid in every:
            assert (await get(f"/v1/partner/merchants/{mid}"))["mid"] == str(mid)
        before = (await get("/v1/partner"))["quota"]["callsThisMinute"]
        await get(f"/v1/partner/merchants/{made[2][0]}")
        after = (await get("/v1/partner"))["quota"]["callsThisMinute"]
        assert after == before + 2 or after < before, "of all cells together, unless it is anew"
        body = {"mids": [str(mid) for mid in every], "mit": False, "why": "audit"}
        switched = await here.http.post(
            "/v1/partner/merchants/switches", json=body, headers=headers
        )
        assert switched.json()["changed"] == len(every), switched.text
        report = await get("/v1/partner/report?limit=50&asOfRecorded=" + quote(iso_now(here)))
        assert report["next"] is None
        with Without(here):
            mine = MerchantFilter(scope.partner_id)
            rows, missing = await merchants_of(here.running.world, mine, None, 9)
            assert [row.merchant_id for row in rows] == sorted(made[1])
            assert missing is not None
            assert "2" in missing.sentence()

    story(server, tmp_path, tell)


def test_a_partners_feed_and_endpoint_hear_of_every_cell(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def tell(here: TwoCells) -> None:
        world = here.running.world
        scope, headers = await partner_of(here)
        made = await its_sellers(here, headers)
        hook = f"{str(here.http.base_url).rstrip('/')}/inbound/sandbox/webhooks"
        endpoint = await endpoints.create(world, scope, hook, [*CATALOGUE], "rescue")
        sellers = [await with_token(here, mids[0]) for mids in made.values()]
        for seller in sellers:
            assert (await here.evaluate(seller)).status_code == 200
        for _ in range(100):
            page = await read_feed(world, scope, 0, 500, ())
            heard = {event.merchant_id for _, event in page.events}
            log, _ = await log_of(world, endpoint, LogQuery(), 50)
            if heard == {seller.merchant_id for seller in sellers} == {r.merchant_id for r in log}:
                break
            await asyncio.sleep(0.1)
        else:
            raise AssertionError((heard, log))
        numbers = [number for number, _ in page.events]
        assert numbers == list(range(1, len(numbers) + 1))
        first = await read_feed(world, scope, 0, 1, ())
        assert (first.next, first.has_more) == (1, True)
        sums = (await endpoints.sums_of(world, [endpoint]))[endpoint.endpoint_id]
        assert sums.delivered == len(
            await endpoints.deliveries(world, scope, endpoint.endpoint_id, 50, None)
        )
        top, older = await log_of(world, endpoint, LogQuery(), 1)
        rest, _ = await log_of(world, endpoint, LogQuery(before=older), 50)
        assert [row.try_id for row in [*top, *rest]] == [row.try_id for row in log]
        narrow, _ = await log_of(world, endpoint, LogQuery(result="delivered"), 50)
        assert len(narrow) == sums.delivered
        again = await replay.ask(world, scope, endpoint.endpoint_id, replay.ReplayRequest(), "k")
        for _ in range(100):
            rows = await replay.list_all(world, scope, endpoint.endpoint_id)
            if rows[0].state == "done":
                break
            await asyncio.sleep(0.1)
        assert [(row.replay_id, row.found) for row in rows] == [(again.replay_id, len(numbers))]
        with Without(here), pytest.raises(Problem) as refused:
            await read_feed(world, scope, 0, 500, ())
        assert refused.value.code == "unavailable"
        await endpoints.delete(world, scope, endpoint.endpoint_id)
        await here.sql("INSERT INTO directory.cells (cell, added_at) VALUES (3, now())")
        await read_feed(world, scope, 0, 500, ())
        await here.sql(
            "UPDATE hub.partner_feed SET merchant_id = $1 WHERE partner_id = $2 AND number = 1",
            uuid4(),
            scope.partner_id,
        )
        with pytest.raises(Problem, match="not open here"):  # it may be that one's
            await read_feed(world, scope, 0, 1, ())

    story(server, tmp_path, tell)


def test_issuers_and_trainings_count_merchants_of_every_cell(
    server: ServerAddress, tmp_path: Path
) -> None:
    """Fewer in each cell than may be told of alone."""

    async def tell(here: TwoCells) -> None:
        world = here.running.world
        sellers = await one_in_each(here)
        while len(sellers) < MERCHANTS_MIN:
            sellers.append(await here.seller())
        for number, seller in enumerate(sellers):
            home = await home_of(world, seller.merchant_id)
            await here.sql(
                f"INSERT INTO {schema_of_cell(home.cell)}.issuer_answers"
                " VALUES ($1, '424242', $2, 7, 0, 0, 0, 1)",
                seller.merchant_id,
                40 + number,
            )
            if number < 2:
                assert (await here.evaluate(seller)).status_code == 200
        await here.sql("DELETE FROM directory.upkeep WHERE task LIKE 'issuers%'")
        with Without(here), pytest.raises(Problem):
            await share_issuers(world)
        await here.sql("DELETE FROM directory.upkeep WHERE task LIKE 'issuers%'")
        for cell in world.every:
            await share_issuers(cell)
        kept = await here.sql("SELECT to_jsonb(i) - 'counted_at' FROM directory.issuers i")
        answers = [200, 20, 0, 0, 0, 5]
        assert json.loads(kept) == {
            "issuer_digits": "424242",
            "merchants": MERCHANTS_MIN,
            "answers": answers,
        }
        found = await gather(world, WallTime(world.clocks.wall() - timedelta(days=40)))
        assert found is not None
        assert found.merchants == 2

    story(server, tmp_path, tell)


def up(scraped: tuple[bytes, str]) -> list[tuple[str, float]]:
    """Which databases answer. What is counted of routes is the installation's: once."""
    text = scraped[0].decode()
    assert 'recoup_route_silent{route="sandbox",world="sandbox"}' in text
    assert 'recoup_route_silent{route="sandbox",world="sandbox-2"}' not in text
    found = re.findall(r'^recoup_database_up{world="([a-z0-9-]+)"} ([0-9.]+)$', text, re.M)
    return sorted((world, float(value)) for world, value in found)


def test_the_operator_reaches_merchants_of_every_cell(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def tell(here: TwoCells) -> None:
        world = here.running.world
        first, second = await one_in_each(here)
        keys = [await evaluated(here, seller) for seller in (first, second)]
        for key in keys:
            home = await home_of_order(world, str(key[1]))
            assert home is await home_of(world, key[0])
            assert (await outcome_of(home, str(key[1])))["orderId"] == str(key[1])
        assert await home_of_order(world, str(uuid4())) is world
        mids = [seller.merchant_id for seller in (first, second)]
        assert await merchants_with(world, str(keys[1][1]), mids) == [second.merchant_id]
        with Without(here):
            assert await home_of_order(world, str(keys[0][1])) is world
            with pytest.raises(Problem, match="cell 2"):
                await home_of_order(world, str(keys[1][1]))
        await here.sql("UPDATE cell_2.sites SET url = 'https://two.example'")
        charges = [await paid(here, seller) for seller in (first, second)]
        row = await here.row(
            "SELECT card_last4, units, asset, closed_at FROM cell.charges WHERE attempt_id = $1",
            UUID(charges[0]["attempt_id"]),
        )
        asked = {
            "last4": row["card_last4"],
            "amount": f"{row['units'] / 100:.2f}",
            "currency": row["asset"],
            "date": row["closed_at"].date().isoformat(),
        }
        page = await here.http.post("/charge", data=asked)
        assert "shop.example" in page.text
        assert "two.example" in page.text
        assert await switch_sending_off(world, "a test", "operator") is SwitchedOff.NOW
        for seller in (first, second):
            assert (await here.evaluate(seller)).status_code == 200
        await asyncio.sleep(0.3)
        assert await switch_sending_on(world, "operator")
        lines = [line async for line in look_at(world)] + await _cell(here.running.cells[1].world)
        assert {line.place for line in lines} == {"sandbox", "sandbox-2"}
        worlds = [cell.world for cell in here.running.cells]
        assert up(await scrape(worlds, tmp_path)) == [("sandbox", 1.0), ("sandbox-2", 1.0)]
        with Without(here):
            assert up(await scrape(worlds, tmp_path)) == [("sandbox", 1.0), ("sandbox-2", 0.0)]
            lines = await _cell(here.running.cells[1].world)
            assert [(line.place, line.ok) for line in lines] == [("sandbox-2", False)]

    story(server, tmp_path, tell)


def test_links_and_notices_of_nobody_reach_their_cell(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def tell(here: TwoCells) -> None:
        world = here.running.world
        _, headers = await partner_of(here)
        links: dict[int, str] = {}
        while len(links) < 2:
            site = {"url": "https://tea.example", "name": "Tea", "descriptor": "TEASHOP"}
            body = {"name": f"Tea {uuid4().hex[:6]}", "site": site}
            made = await here.http.post("/v1/partner/merchants", json=body, headers=headers)
            home = await home_of(world, UUID(made.json()["mid"]))
            links[home.cell] = urlsplit(made.json()["handover"]["url"]).path
        origin = {"origin": str(here.http.base_url).rstrip("/")}
        for link in links.values():
            shown = await here.http.post(link, headers=origin)
            assert "app_secret" in shown.text.lower() or "AppSecret" in shown.text, shown.text
            gone = await here.http.post(link, headers=origin)
            assert gone.status_code in (404, 410), gone.text
        _, second = await one_in_each(here)
        page = await here.http.get(await pay_link(here, second))
        assert page.status_code == 200, page.text

        notice = {
            "noticeId": "n-0",
            "caseId": "c-0",
            "merchantId": str(UUID(int=0)),
            "chargeId": str(uuid4()),
            "stage": "first",
            "status": "open",
            "amount": 4590,
            "currency": "USD",
            "reasonCode": "4837",
            "fee": 0,
        }
        key = notice_key(world, "sandbox")
        answer = await post(here, "/inbound/sandbox/notices", key, notice)
        assert answer.json()["status"] == "unmatched", answer.text
        cell, nobody = here.running.cells[1], UUID(int=0)
        scope = Scope(second.merchant_id, Actor("operator", "test"), "test")
        named = (scope, nobody, "sandbox", "n-0")
        assert await try_notice_again(cell.world, cell.orders, *named) == "unmatched"
        await take_off(cell.world, *named)
        with pytest.raises(Problem, match="No such notice"):
            await take_off(cell.world, *named)
        noted = await here.sql(
            "SELECT array_agg(action ORDER BY line_id) FROM cell_2.audit_lines"
            " WHERE merchant_id = $1",
            second.merchant_id,
        )
        assert noted[-2:] == ["notice.tried", "notice.settled"]

        stranger = uuid4()  # of a cell that was added since this process was started
        await here.sql("INSERT INTO directory.cells (cell, added_at) VALUES (3, now())")
        await here.sql("INSERT INTO directory.merchants_cells VALUES ($1, 3)", stranger)
        answer = await post(
            here, "/inbound/sandbox/notices", key, notice | {"merchantId": str(stranger)}
        )
        assert answer.status_code == 503, answer.text
        with pytest.raises(Problem, match="not open here"):
            await home_of(world, stranger)
        with pytest.raises(Problem, match="not open here"):
            await check_known(world)

    story(server, tmp_path, tell)


async def pay_link(here: TwoCells, seller: Seller) -> str:
    """The page on which the payer of a declined order may pay."""
    merchant_id, order_id = await evaluated(here, seller)
    token = signed_token(here.running.world, "checkout", merchant_id, order_id)
    return f"/checkout/{token}/unsubscribe"


def test_pages_of_partner_and_operator_show_both_cells(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def tell(here: TwoCells) -> None:
        world = here.running.world
        scope, headers = await partner_of(here)
        made = await its_sellers(here, headers)
        mids = [made[1][0], made[2][0]]
        for mid in mids:
            await register(await home_of(world, mid), mid)
        await here.sql("UPDATE cell.merchants SET name = 'Of the first'")
        await here.sql("UPDATE cell_2.merchants SET name = 'Of the second'")
        ours = {"origin": str(here.http.base_url).rstrip("/")}
        seat = [Membership("partner", scope.partner_id, "owner")]
        await make_user(world, "p@leaf.example", "Pat Roe", "a long password", seat)
        people = [
            ("p@leaf.example", "a long password", "/partner"),
            (OPERATOR_USER, await make_operator(world), "/operator"),
        ]
        for email, password, place in people:
            here.http.cookies.clear()
            form = {"email": email, "password": password}
            entered = await here.http.post("/signin", data=form, headers=ours)
            assert entered.status_code == 303, entered.text
            page = await here.http.get(place)
            assert page.status_code == 200, page.text
            assert "Of the first" in page.text, place
            assert "Of the second" in page.text, place
            if place == "/partner":
                for path in ("/partner/report", *(f"/partner/merchants/{mid}" for mid in mids)):
                    page = await here.http.get(path)
                    assert page.status_code == 200, page.text
                    assert "Of the" in page.text, path

    story(server, tmp_path, tell)
