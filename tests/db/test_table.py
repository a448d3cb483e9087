"""The rows that are written are what the tables are: by type, by whether a column may be null, and
in functions."""

import asyncio
import re
from dataclasses import fields
from typing import Any, get_args, get_type_hints

import asyncpg
from tests.databases import empty
from tests.db.test_functions import SOURCES
from tests.db.test_statements import fits
from tests.rings import each

from recoup.cards.store.vault import StoredCard, StoredCode
from recoup.db.migrate import schema_sql
from recoup.db.server import ServerAddress
from recoup.db.statement import Row, without_none
from recoup.db.table import TABLES, Hex, Mutable, insert_of, stored, upsert_of
from recoup.merchants.rules.merchant import Merchant
from recoup.networks.disputes import Terms
from recoup.orders.rules.card_sends import CardBlock as CardBlockOfOrder
from recoup.orders.rules.disputed import Dispute
from recoup.orders.rules.refund_limits import RefundApproval
from recoup.orders.rules.snapshot import Advance, Attempt, Challenge, Modification, Settlement
from recoup.orders.store import changes
from recoup.orders.store.intake import NewOrder
from recoup.orders.store.rows import (
    AnsweredKey,
    CardBlock,
    DecisionRow,
    DueKey,
    DueKind,
    DueWork,
    HeadChange,
    KeptNotice,
    LogLine,
    NetworkSend,
    NewAlert,
    OrderChange,
    OrderHead,
    OrderWords,
    OutboxEvent,
    OwedMail,
)
from recoup.refunds.store.refund_limits import RoleLimits
from recoup.rescue.flows.places import DUE
from recoup.rescue.flows.run_due import FLOWS
from recoup.rescue.store import locked
from recoup.rescue.store.transmissions import NewTransmission
from recoup.terms.rules.arm_terms import Terms as ArmTerms
from recoup.terms.rules.exposure import Limits
from recoup.terms.store import fee_rows

COLUMNS = """
SELECT a.attname, t.typname, e.typname AS element, a.attnotnull, a.atthasdef
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
WHERE a.attrelid = $1::regclass AND a.attnum > 0
"""
# table of `write_changes` -> what an order has of it
OF_ORDERS = {
    "attempts": Attempt,
    "modifications": Modification,
    "refund_requests": RefundApproval,
    "challenges": Challenge,
    "settlements": Settlement,
    "advances": Advance,
    "disputes": Dispute,
}
# Those that keep what they were written with.
CONSTANT = {
    "attempts": {"attempt_id", "order_id", "attempt_no", "ladder", "asset", "initiator"},
    "modifications": {
        "modification_id", "order_id", "modification_no", "kind", "attempt_id", "units", "asset",
        "message", "items", "input_mac", "business_at", "actor", "approved_by", "final_part",
        "piece_of",
    },
}  # fmt: skip
READ_AS_JSON = OF_ORDERS | {
    "merchants": Merchant,
    "network_sends": NetworkSend,
    "card_blocks": CardBlockOfOrder,
    "dispute_terms": Terms,
    "exposure_limits": Limits,
    "arm_settings": ArmTerms,
    "fee_terms": fee_rows.StoredFeeTerm,
    "vault": locked._StoredCard,
    "payer_looks": locked._Looks,
    "refund_limits": RoleLimits,
}
SHORT = {"int": "int4", "bigint": "int8", "smallint": "int2", "boolean": "bool"}
BESIDE_ORDERS = (
    LogLine,
    OrderWords,
    OutboxEvent,
    OwedMail,
    NewAlert,
    AnsweredKey,
    DueWork,
    DecisionRow,
)


def test_a_row_is_what_its_table_is(server: ServerAddress) -> None:
    assert len(TABLES) >= 9
    assert asyncio.run(_complaints(server)) == []


async def _complaints(server: ServerAddress) -> list[str]:
    connection = await asyncpg.connect(await empty(server, "world", "tables_world"))
    try:
        return [
            f"{table.name}.{wrong}"
            for row, table in TABLES.items()
            if row.__module__.startswith("recoup.")
            for wrong in _wrong(
                row, {one["attname"]: one for one in await connection.fetch(COLUMNS, table.name)}
            )
        ]
    finally:
        await connection.close()


def _wrong(row: type[Row], columns: dict[str, Any]) -> list[str]:
    found = []
    for name, hint in get_type_hints(row).items():
        column = columns.get(name)
        if column is None:
            found.append(f"{name}: there is no such column")
            continue
        kind, optional = without_none(hint)
        of = f"{column['element']}[]" if column["element"] else column["typname"]
        # JSON's numbers end before a token's do: those are written as decimal text.
        if not (of == "bytea" if kind is Hex else fits(kind, of) or (kind, of) == (str, "numeric")):
            found.append(f"{name}: {of}, the row says {hint}")
        if optional and column["attnotnull"] and not column["atthasdef"]:
            found.append(f"{name}: may not be null")
    return found


def test_what_is_read_as_json_may_be_null_where_its_column_may(server: ServerAddress) -> None:
    async def inside() -> list[str]:
        connection = await asyncpg.connect(await empty(server, "world", "json_world"))
        try:
            return [
                f"{table}.{name}"
                for table, kind in READ_AS_JSON.items()
                for columns in [
                    {one["attname"]: one for one in await connection.fetch(COLUMNS, table)}
                ]
                for name, hint in get_type_hints(kind).items()
                if name in columns and not columns[name]["attnotnull"] and not without_none(hint)[1]
            ]
        finally:
            await connection.close()

    assert asyncio.run(inside()) == []


class Thing(Row, frozen=True):
    thing_id: int
    name: Mutable[str]
    at: Mutable[int]
    kept: str = ""


def test_an_upsert_is_made_of_a_row() -> None:
    row = stored("things", "thing_id")(Thing)
    try:
        assert _plain(insert_of(row, "given")) == (
            "INSERT INTO things (thing_id, name, at, kept) SELECT thing_id, name, at, kept "
            "FROM jsonb_populate_recordset(NULL::things, given)"
        )
        assert _plain(upsert_of(row, at="greatest(before.at, EXCLUDED.at)")) == (
            "INSERT INTO things AS before (thing_id, name, at, kept) SELECT thing_id, name, at, "
            "kept "
            "FROM jsonb_populate_recordset(NULL::things, $1) "
            "ON CONFLICT (thing_id) DO UPDATE SET name = EXCLUDED.name, at = greatest(before.at, "
            "EXCLUDED.at)"
        )
    finally:
        del TABLES[row]


def test_a_notice_is_written_by_its_columns() -> None:
    inserted = _plain(upsert_of(KeptNotice, "changed -> 'dispute_notices'")).replace(
        "AS before", "AS n"
    )
    assert f"{inserted}, tries = n.tries + 1 WHERE" in _plain(SOURCES["write_changes"])


def test_a_head_is_written_and_changed_by_its_columns() -> None:
    source = _plain(SOURCES["write_changes"])
    assert _plain(insert_of(OrderHead, "changed -> 'new_heads'")) in source
    *changed, expiry = HeadChange.__struct_fields__[2:]
    sets = ", ".join(f"{name} = i.{name}" for name in changed)
    assert (
        f"UPDATE order_heads h SET undecided = false, {sets}, {expiry} = "
        f"coalesce(i.{expiry}, h.{expiry}) FROM" in source
    )


def test_an_order_is_changed_by_its_columns() -> None:
    source = _plain(SOURCES["write_changes"])
    kept = ", ".join(
        f"{name} = coalesce(i.{name}, o.{name})" for name in OrderChange.__struct_fields__[2:]
    )
    assert f"UPDATE orders o SET {kept} FROM" in source
    assert _listed(source, "'orders'") == list(OrderChange.__struct_fields__)


def test_an_admission_takes_every_column_of_a_new_order() -> None:
    """By name, for it comes as JSON; and by type."""
    source = _plain(SOURCES["admit_orders"])
    assert sorted(_listed(source, "given")) == sorted(NewOrder.__struct_fields__)
    hints = get_type_hints(NewOrder)
    for name, kind in _typed(source, "given").items():
        wanted = without_none(hints[name])[0]
        assert kind == "bytea" if wanted is Hex else fits(wanted, SHORT.get(kind, kind)), (
            name,
            kind,
        )


def test_due_work_is_written_and_done_by_its_columns() -> None:
    inserted = _plain(upsert_of(DueWork, "changed -> 'due_work'")).replace(" AS before", "")
    assert f"{inserted}, tries = 0, lease_until = NULL;" in _plain(SOURCES["write_changes"])
    assert TABLES[DueWork].key == DueKey.__struct_fields__


def test_every_kind_of_due_work_has_a_flow() -> None:
    core, *added = DUE
    assert set(core) == set(get_args(DueKind))
    assert list(FLOWS) == [*core, *(kind for flows in added for kind in flows)]


def test_a_block_is_written_as_before() -> None:
    assert _plain(upsert_of(CardBlock)).replace(" AS before", "") == (
        "INSERT INTO card_blocks (card_id, block_id, acceptor_id, merchant_id, reason, until, "
        "actor, at) "
        "SELECT card_id, block_id, acceptor_id, merchant_id, reason, until, actor, at "
        "FROM jsonb_populate_recordset(NULL::card_blocks, $1) "
        "ON CONFLICT (card_id, block_id) DO UPDATE SET until = EXCLUDED.until"
    )


@each(
    ("function", "row", "source"),
    [
        ("store_cards", StoredCard, "cards"),
        ("store_cards", StoredCode, "codes"),
        ("add_transmissions", NewTransmission, "told"),
        *(("write_changes", row, f"changed -> '{TABLES[row].name}'") for row in BESIDE_ORDERS),
    ],
)
def test_a_function_writes_every_column_of_a_row(
    function: str, row: type[Row], source: str
) -> None:
    assert _plain(insert_of(row, source)) in _plain(SOURCES[function])


@each("table", OF_ORDERS)
def test_all_that_an_order_has_of_a_row_is_written(table: str) -> None:
    """A field that is not in the INSERT would be forgotten; one that is, and is no field, would be
    NULL for ever."""
    listed = re.search(
        rf"INSERT INTO {table}(?: AS \w+)? \((.*?)\)", _plain(SOURCES["write_changes"])
    )
    assert listed is not None
    part = f"new_{table}" if f"new_{table}" in changes._OWNED else table
    written = listed[1].split(", ")
    assert sorted(written) == sorted(
        {"merchant_id"} | {one.name for one in fields(OF_ORDERS[table])}
    )
    assert (
        f"SELECT {listed[1]} FROM jsonb_populate_recordset(NULL::{table}, changed -> '{part}')"
        in _plain(SOURCES["write_changes"])
    )


@each("table", ["attempts", "modifications"])
def test_a_row_is_changed_and_no_index_with_it(table: str) -> None:
    """Its updates stay on its page. `charges`, `wire_keys` and queues are indexed in its place."""
    schema, function = _plain(schema_sql("world")), _plain(SOURCES["write_changes"])
    sets = re.search(rf"UPDATE {table} \w (SET .*?) FROM jsonb_populate_recordset", function)
    assert sets is not None
    changed = re.findall(r"(\w+) = i\.", sets[1])
    made = re.search(rf"CREATE TABLE {table} \((.*?)\) WITH \(fillfactor", schema)
    assert made is not None
    indexed = re.findall(r"(?:PRIMARY KEY|UNIQUE) \(.*?\)", made[1])
    indexed += re.findall(rf"CREATE INDEX \w+ ON {table} (.*?);", schema)
    assert indexed
    assert {"state", "reference", "key"} <= set(changed)
    assert not {*changed} & {*re.findall(r"\w+", " ".join(indexed))}
    constant = {one.name for one in fields(OF_ORDERS[table])} - {*changed}
    assert constant == CONSTANT[table], "what is not written again"


def _listed(source: str, given: str) -> list[str]:
    return list(_typed(source, given))


def _typed(source: str, given: str) -> dict[str, str]:
    """Columns of a record set, each with its type."""
    found = re.search(rf"jsonb_to_recordset\((?:changed -> )?{given}\) AS i \(([^)]*)\)", source)
    assert found is not None
    name_and_type = (one.split() for one in found[1].split(", "))
    return {name: kind for name, kind in name_and_type}


def _plain(sql: str) -> str:
    return " ".join(sql.split())
