"""The audit log's own lines: with the act or not at all, in words that the page knows, and never
taken back."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.audit.moves import note
from recoup.audit.rules import ACTIONS, changes, checked
from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id

_LINES = (
    "SELECT actor, action, subject_id, facts, request_id FROM audit_lines WHERE merchant_id "
    "= $1 ORDER BY line_id"
)


def test_an_act_and_its_line_are_written_together_or_not_at_all(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            world, subject = shop.world, new_id()
            async with world.db.transaction() as tx:
                await note(
                    tx,
                    shop.scope,
                    world.clocks.wall(),
                    "order.revealed",
                    subject,
                    {"what": ["a", "b"]},
                )
            with pytest.raises(ZeroDivisionError):
                await _act_that_fails(shop)
            async with world.db.connection() as connection:
                lines: list[Any] = [
                    dict(row) for row in await connection.fetch(_LINES, shop.merchant_id)
                ]
            assert lines == [
                {
                    "actor": shop.scope.actor.text(),
                    "action": "order.revealed",
                    "subject_id": str(subject),
                    "facts": {"what": ["a", "b"]},
                    "request_id": shop.scope.request_id,
                }
            ]
            for sql in ("UPDATE audit_lines SET actor = 'user:nobody'", "DELETE FROM audit_lines"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await world.db.execute(sql)

    asyncio.run(story())


async def _act_that_fails(shop: Shop) -> None:
    async with shop.world.db.transaction() as tx:
        await note(tx, shop.scope, shop.world.clocks.wall(), "order.revealed", new_id())
        1 / 0  # noqa: B018 - the act does not happen


def test_an_act_without_words_is_no_act() -> None:
    with pytest.raises(ValueError, match="without words"):
        checked("order.eaten", {})
    assert checked(
        "order.revealed", {"at": datetime(2026, 11, 20, tzinfo=UTC), "of": {"USD": (1, None)}}
    ) == {
        "at": "2026-11-20T00:00:00.000Z",
        "of": {"USD": [1, None]},
    }
    assert checked("order.revealed", {"n": 1, "on": True, "long": "x" * 999})["long"] == "x" * 300
    assert all("." in action and words for action, words in ACTIONS.items())


def test_only_what_differs_is_a_change() -> None:
    assert changes({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": None}) == {"b": [2, 3], "c": None}
