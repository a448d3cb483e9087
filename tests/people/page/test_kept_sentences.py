"""Sentences that are kept are read later in another language, by key and parts."""

import uuid
from collections.abc import Awaitable, Callable

import httpx
import pytest
from tests.staff import As, portal, texts
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.desk.moves import end_export
from recoup.desk.store.bulk_acts import NewAct, answer_act, begin_act
from recoup.desk.store.exports import NewExport, ask_export, begin_run
from recoup.kernel.problem import Problem, Sentence
from recoup.keys.flows.call_log import CallLog
from recoup.kit.edge.called import why_refused
from recoup.kit.languages import said
from recoup.uploads.store import NewUpload, NewUploadRow, add_rows, begin_upload, count_rows

GERMAN = {"accept-language": "de"}
NOTES = Sentence("An order has at most {0} notes.", 50)
TOLD = "Eine Bestellung hat höchstens 50 Notizen."


async def call(shop: Shop, user: uuid.UUID) -> str:
    log = CallLog(shop.world)
    why = why_refused(Problem("invalid", NOTES, field="note"))
    log.note(shop.merchant_id, "key", "1", "POST", "/v1/orders", 400, "invalid", 3, "", why)
    assert await log.write() == 1
    return "/requests"


async def export(shop: Shop, user: uuid.UUID) -> str:
    key, wall = (shop.merchant_id, uuid.uuid4()), shop.world.clocks.wall()
    made = NewExport(
        *key, user, "csv", {"a": 1}, [Sentence("Status: {0}", "Refunded")], "a.csv", "1", wall
    )
    async with shop.world.db.transaction() as tx:
        assert await ask_export(tx, made, under_way_max=9, standing_max=9)
        run = await begin_run(tx, *key, wall, uuid.uuid4())
        assert run is not None
        assert await end_export(tx, key, run.run_no, wall, rows=0, size=0, parts=0, refused=NOTES)
    return "/exports"


async def bulk(shop: Shop, user: uuid.UUID) -> str:
    key, order_id = (shop.merchant_id, uuid.uuid4()), await shop.admit()
    async with shop.world.db.transaction() as tx:
        act = NewAct(
            *key, "note", "", "working", ["All"], 1, f"user:{user}", "1", shop.world.clocks.wall()
        )
        assert await begin_act(tx, act, [order_id])
        await answer_act(tx, *key, [{"row_no": 1, "state": "refused", "answer": NOTES}])
    return f"/orders/bulk/{key[1]}"


async def upload(shop: Shop, user: uuid.UUID) -> str:
    key, wall = (shop.merchant_id, uuid.uuid4()), shop.world.clocks.wall()
    row = NewUploadRow(
        *key, 1, 1, "1", "A", code="invalid", errors=[{"field": "note", "message": NOTES}]
    )
    async with shop.world.db.transaction() as tx:
        new = NewUpload(*key, "transmit", "json", b"x", "a.json", f"user:{user}", "1", wall)
        assert await begin_upload(tx, new)
        await add_rows(tx, [row])
        await count_rows(tx, *key, 1, 1, [NOTES])
    return f"/uploads/{key[1]}"


@pytest.mark.parametrize("kept", [call, export, bulk, upload])
def test_a_kept_sentence_is_read_in_another_language(
    server: ServerAddress,
    monkeypatch: pytest.MonkeyPatch,
    kept: Callable[[Shop, uuid.UUID], Awaitable[str]],
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        boss = await signed_in("owner")
        async with shop.world.people.connection() as people:
            user = await people.fetchval(
                "SELECT user_id FROM users WHERE email = 'owner@example.test'"
            )
        place = await kept(shop, user)
        searched = list[str]()

        def by_shape(language: str, text: str) -> str:
            if text == NOTES:
                searched.append(text)
            return old(language, text)

        old = said.said_by_shape
        monkeypatch.setattr(said, "said_by_shape", by_shape)
        assert TOLD in await told(boss, place)
        assert not searched
        assert str(NOTES) in texts(await boss.get(place))

    portal(server, story)


async def told(client: httpx.AsyncClient, place: str) -> str:
    page = await client.get(place, headers=GERMAN)
    assert page.status_code == 200
    return texts(page)
