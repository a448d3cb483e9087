"""/developers: what a program needs, declines to try, and the sandbox's clock."""

import asyncio
import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.staff import As, portal, post, texts, token
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.kernel.ids import first_id_of, new_id
from recoup.kit.rights import MAY
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.magic import inputs
from recoup.networks.simulation import ANSWERS, KINDS, SCHEMES, codes_of
from recoup.sandbox.flows import clock_moves


async def decline(client: httpx.AsyncClient, **fields: object) -> httpx.Response:
    usual = {
        "key": str(new_id()),
        "scheme": "visa",
        "code": "51",
        "kind": "mit_managed",
        "answer": "approves",
        "amount": "45.90",
    }
    return await client.post(
        "/developers/decline", data=usual | {"csrf": await token(client, "/developers")} | fields
    )


def order_in(answer: httpx.Response) -> str:
    found = re.search(r'href="/orders/([0-9a-f-]{36})"', answer.text)
    assert found, texts(answer)
    return found[1]


def test_the_page_says_what_a_program_needs(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        clerk = await signed_in("clerk")
        page = await clerk.get("/developers")
        read = texts(page)
        for needed in (
            "http://recoup.test/v1",
            "http://recoup.test/api/v1",
            str(shop.merchant_id),
            str(shop.site_id),
            shop.keys.tokenization_key,
            APPROVE_CARDS[1],
        ):
            assert needed in read, needed
        for secret in (shop.keys.app_secret, shop.keys.stablecoin_secret, shop.webhook_key):
            assert secret not in page.text
        for to in (
            "/keys",
            "/webhooks",
            "/switches",
            "/docs/rescue",
            "/docs/stablecoin",
            "/docs/test-cards",
        ):
            assert f'href="{to}"' in page.text
        assert "Your role may view the clock" in read
        every = texts(await clerk.get("/developers?inputs=all"))
        assert all(one.card in every for one in inputs())
        assert "No matches" in texts(await clerk.get("/developers?inputs=dispute&network=<b>"))
        assert (await clerk.get("/developers?scheme=x&inputs=%00")).status_code == 200

    portal(server, story)


def test_a_simulated_decline_is_an_order_like_any_other(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        dev = await signed_in("dev")
        key = str(new_id())
        first = await decline(dev, key=key)
        assert "/evaluate answered SUBMITTED" in texts(first)
        assert order_in(await decline(dev, key=key)) == order_in(first), (
            "a double click is one order"
        )
        assert (
            await shop.value("SELECT count(*) FROM orders WHERE merchant_id = $1", shop.merchant_id)
            == 1
        )
        assert (await dev.get(f"/orders/{order_in(first)}")).status_code == 200
        assert (await decline(dev, key=key, amount="46.00")).status_code == 409
        told = {}
        for kind in KINDS:
            for answer in ("approves", "declines"):
                said = await decline(dev, kind=kind, answer=answer)
                told[kind, answer] = re.findall(r"answered ([A-Z]+)", texts(said))[0]
        assert told["cit_web", "approves"] == told["cit_callcenter", "approves"]
        assert told["cit_web", "approves"] == "APPROVED"
        assert told["cit_web", "declines"] == told["mit_sync", "declines"] == "DECLINED"
        amex = await decline(dev, scheme="amex", code="116", kind="cit_web")
        assert "answered APPROVED" in texts(amex)

    portal(server, story)


def test_what_cannot_be_simulated_is_told_and_kept_as_typed(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        dev = await signed_in("dev")
        old = first_id_of(shop.world.clocks.wall() - timedelta(days=3))
        wrong = [
            {"scheme": "x"},
            {"code": "ZZ"},
            {"code": "00"},
            {"kind": "x"},
            {"answer": "x"},
            {"key": "x"},
            {"key": "00000000-0000-4000-8000-000000000000"},
            {"key": "ffffffff-ffff-7fff-8fff-ffffffffffff"},
            {"key": str(old).replace("-0000-", "-7000-", 1)},
        ]
        wrong += [
            {"amount": text}
            for text in ("", "x", "-1", "0", "1.001", "NaN", "1e99", "Infinity", "٤٥", "9" * 15)
        ]
        for fields in wrong:
            assert (await decline(dev, **fields)).status_code == 400, fields
        assert 'value="4,5.x"' in (await decline(dev, amount="4,5.x")).text
        assert (
            await shop.value("SELECT count(*) FROM orders WHERE merchant_id = $1", shop.merchant_id)
            == 0
        )
        clerk = await signed_in("clerk")
        assert (await decline(clerk)).status_code == 403
        assert (
            await post(clerk, "/developers", "/developers/clock", key=str(new_id()), by="1d")
        ).status_code == 403

    portal(server, story)


def test_the_clock_is_moved_once_by_each_form_and_says_who(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        dev = await signed_in("dev")
        order_id = order_in(await decline(dev))
        before = await shop.now()
        form = {"csrf": await token(dev, "/developers"), "key": str(new_id()), "by": "22d"}
        twice = await asyncio.gather(*(dev.post("/developers/clock", data=form) for _ in range(2)))
        later = await dev.post("/developers/clock", data=form)
        assert [answer.status_code for answer in (*twice, later)] == [303, 303, 303]
        moved = await shop.now() - before
        assert timedelta(days=22) <= moved < timedelta(days=22, minutes=5)
        assert (await shop.order(order_id))["stage"] == "completed"
        read = texts(await dev.get("/developers"))
        assert re.search(r"2[12] days[^.]* ahead", read)
        assert "Dev " in read
        assert "not reached" not in read
        again = await dev.post("/developers/clock", data=form | {"key": str(new_id()), "by": "1h"})
        assert again.status_code == 303
        for wrong in ({"by": "-1d"}, {"by": "400d"}, {"by": ""}, {"key": "x"}):
            answer = await dev.post("/developers/clock", data=form | {"key": str(new_id())} | wrong)
            assert answer.status_code == 400, wrong
        due = await dev.post("/developers/clock", data=form | {"key": str(new_id()), "by": "next"})
        assert due.status_code in (303, 400)

    portal(server, story)


def test_clocks_of_many_merchants_are_moved_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stranger moved twenty clocks at once: every other merchant's calls took a hundred times as
    long."""
    moved, side_by_side, now = list[UUID](), set[int](), set[UUID]()

    async def move(
        world: object, orders: object, merchant_id: UUID, *rest: object, **more: Any
    ) -> None:
        now.add(merchant_id)
        side_by_side.add(more["side_by_side"] * len(now))
        await asyncio.sleep(0.01)
        now.remove(merchant_id)
        moved.append(merchant_id)

    monkeypatch.setattr(clock_moves, "advance_clock", move)
    forgets: Any = SimpleNamespace(forget=lambda merchant_id: None)
    none: Any = None

    async def story() -> None:
        moves = clock_moves.ClockMoves(none, none, none, forgets)
        scopes: list[Any] = [SimpleNamespace(merchant_id=UUID(int=n)) for n in range(20)]
        await asyncio.gather(*(moves.move(scope, timedelta(days=22), new_id()) for scope in scopes))

    asyncio.run(story())
    assert moved == [UUID(int=n) for n in range(20)]
    assert side_by_side == {clock_moves.SIDE_BY_SIDE}
    assert clock_moves.SIDE_BY_SIDE <= 8 // 2, "callers find most of the connections"


def test_each_choice_of_the_simulator_makes_a_card() -> None:
    assert {"hooks", "sandbox"} <= MAY["developer"]
    for scheme in SCHEMES:
        assert len(codes_of(scheme)) > 20
        assert not set(codes_of(scheme)) & {"00", "000", "10"}
    assert set(ANSWERS.values()) == {0, 1, 3, 99}
