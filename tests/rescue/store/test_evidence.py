"""What is read of locked orders: no part that their stage and kind call for is left out."""

import asyncio
import re
from itertools import product
from types import SimpleNamespace
from typing import Any

import asyncpg
from tests.db.test_statements import named
from tests.declared import homes

from recoup.db.server import ServerAddress
from recoup.db.statement import DIRECTORY, MERCHANT
from recoup.orders.rules.lifecycle import Stage
from recoup.rescue.store import evidence

KINDS = ("cit_web", "cit_callcenter", "mit_managed", "mit_sync", "stable")
WHEN = re.compile(r"\s*CASE WHEN (.*?) THEN", re.DOTALL)


def test_no_part_is_left_out_whose_condition_holds(server: ServerAddress) -> None:
    orders: list[Any] = [
        SimpleNamespace(stage=stage, kind=kind, arm=arm)
        for stage, kind, arm in product(Stage, KINDS, (None, "engine"))
    ]

    async def called_for() -> list[set[str]]:
        """Of each order the parts whose own condition, as the statement has it, is true."""
        conditions = {
            name: found[1]
            for name, _, sql in evidence._PARTS
            if (found := WHEN.match(sql)) and "v." not in found[1]
        }
        assert len(conditions) > 6
        columns = ", ".join(f"{sql} AS {name}" for name, sql in conditions.items())
        given = (
            "unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS o (stage, kind, arm, no)"
        )
        connection = await asyncpg.connect(server.dsn("postgres"), timeout=10)
        try:
            rows = await connection.fetch(
                f"SELECT {columns} "
                f"FROM {given}, (SELECT 'advance' AS cit_unresolved) m ORDER BY no",
                *([getattr(one, name) for one in orders] for name in ("stage", "kind", "arm")),
            )
        finally:
            await connection.close()
        return [{name for name, holds in row.items() if holds} for row in rows]

    for order, names in zip(orders, asyncio.run(called_for()), strict=True):
        for with_sends in (False, True):
            asked = evidence._needed_parts([order], with_sends=with_sends)
            read = {name for name, by, _ in evidence._PARTS if by <= asked}
            left_out = names - read - (set() if with_sends else {"dispute_terms", "blocked"})
            assert not left_out, f"{order}: {left_out}"


def test_what_is_read_of_orders_is_read_in_their_home(server: ServerAddress) -> None:
    every = evidence._statement(frozenset().union(*(by for _, by, _ in evidence._PARTS)))
    seen = named(every)
    assert homes(server, "world", seen.tables - seen.ctes) == {MERCHANT, DIRECTORY}
    parts = [name for name, _, _ in evidence._PARTS]
    own = ("facets", "sends", "blocks", "others_open")
    assert evidence.OrderEvidence.__struct_fields__[:-2] == ("offset_us", *parts, *own)


def test_an_ordinary_attempt_reads_no_log() -> None:
    orders: list[Any] = [
        SimpleNamespace(stage=Stage.PROCESSING, kind="mit_sync", arm=None),
        SimpleNamespace(stage=Stage.RECEIVED, kind="mit_managed", arm="engine"),
    ]
    statement = evidence._statement(evidence._needed_parts(orders, with_sends=True))
    assert "order_log" not in statement
    assert "NULL::jsonb AS approval" in statement
