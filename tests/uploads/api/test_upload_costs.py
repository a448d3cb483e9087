"""No merchant's file keeps out another's: what a row may cost, how long a file is read, and for
whom."""

import asyncio
import io
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.door import Caller, Door
from tests.hostile import FAMILY
from tests.imports.api.test_imports import send as send_past
from tests.kit.flows.test_workbooks import BOMBS, REFUSED, memory, processes_of_workbooks, slow
from tests.kit.rules.test_sheet import xlsx
from tests.rescue_shapes import check_refused
from tests.rings import deep, draw
from tests.uploads.api.test_uploads import copies, send, worked

from recoup.kernel.problem import Problem
from recoup.kit.edge.asgi import ClientGone
from recoup.kit.edge.spool import while_there
from recoup.uploads.api import readers
from recoup.uploads.flows import file_turns
from recoup.uploads.flows.take import File, take


def test_rows_full_of_digits_are_refused_and_the_others_taken(shop: Caller) -> None:
    """Four packed files of 10 KB kept everybody's files out for seventeen seconds."""
    rows: list[dict[str, Any]] = copies(shop, 4)
    rows[1]["senseKey"] = "4 " * 2_500
    rows[2]["extraData"] = {"notes": ["4444+" * 40] * 30}
    upload, told = worked(shop, rows)
    assert [row["code"] for row in told] == [None, "card_data", "card_data", None]
    assert (upload["done"], upload["refused"]) == (2, 2)
    assert "more long numbers than can be checked" in told[1]["errors"][0]["message"]


def test_a_file_that_takes_too_long_frees_its_place(
    door: Door, shop: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = json.dumps(copies(shop, 3))
    with monkeypatch.context() as patch:
        patch.setattr(file_turns, "SMALL_SECONDS_MAX", 0)
        answer = send(shop, rows)
        assert answer.status_code == 413
        assert "takes more than 0 seconds" in answer.text
    assert shop.get("/uploads").json()["data"] == []
    assert send(shop, rows).status_code == 202


def test_a_file_whose_sender_hung_up_is_not_read_on(door: Door, shop: Caller) -> None:
    """Its place is free, nothing of it is kept, and it can be sent again."""
    content = json.dumps(copies(shop, 5)).encode()
    world, scope = door.world, shop.shop.scope

    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def story() -> None:
        file = File("", io.BytesIO(content), "transmit")
        with pytest.raises(ClientGone):
            await while_there(gone, take(world, scope, file, readers()))
        assert scope.merchant_id not in file_turns._turns[world.db].reading

    door.run(story())
    assert shop.get("/uploads").json()["data"] == []
    assert send(shop, content).status_code == 202


def test_who_stays_hears_what_came_of_it() -> None:
    async def stays() -> dict[str, str]:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def work(fails: bool) -> int:
        await asyncio.sleep(0)
        if fails:
            raise Problem("invalid", "No.")
        return 5

    async def story() -> None:
        assert await while_there(stays, work(False)) == 5
        with pytest.raises(Problem, match="No"):
            await while_there(stays, work(True))

    asyncio.run(story())


@deep(FAMILY)
@pytest.mark.parametrize("path", [send, send_past], ids=["uploads", "imports"])
def test_a_workbook_of_a_few_kilobytes_leaves_nothing_behind(shop: Caller, path: Any) -> None:
    send_to: Callable[[Caller, bytes], httpx.Response] = path
    send_to(shop, xlsx([["id", "amount"], ["a", 1.5]]))  # what is loaded once
    before = memory()
    every = [*BOMBS.values(), *(content for content, _ in REFUSED.values())]
    for content in draw(FAMILY, every, 2, label=path.__name__):
        answer = send_to(shop, content)
        check_refused(
            answer, answer.status_code, {400: "invalid", 413: "too_large"}[answer.status_code]
        )
    assert memory() - before < 64 << 20
    assert shop.get("/imports").json()["data"] == shop.get("/uploads").json()["data"] == []


def test_a_workbook_is_opened_in_its_turn_and_under_its_deadline(
    shop: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_turns, "SMALL_SECONDS_MAX", 0.4)
    for send_to in (send, send_past):
        answer = send_to(shop, slow())
        check_refused(answer, 413, "too_large")
        assert "takes more than 0.4 seconds" in answer.text
    assert not processes_of_workbooks()
