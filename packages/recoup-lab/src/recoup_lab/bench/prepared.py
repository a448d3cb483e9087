"""Prepared orders: one made by the flows, then copied by the database under ids that count up.

A copy's ids are a prefix, one for each id of the model, and a running number of fifteen digits: so
pgbench can name the ids of any copy without asking for them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from recoup.kernel.ids import new_id
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.networks.magic import script_card
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.tokenize import CardGiven, Vault
from recoup_lab.bench.calls import MARK
from recoup_lab.bench.cards import card_of
from recoup_lab.bench.ground import Shop
from recoup_lab.bench.intake import declined_of
from recoup_lab.bench.pgbench import NUMBER, Mark, prefix_of

# table -> the column that says whose row it is; what is pointed at comes first.
_TABLES: Final = {
    "cards": "card_id",
    "requests": "subject_id",
    "order_refs": "order_id",
    "order_log": "order_id",
    "orders": "order_id",
    "order_states": "order_id",
    "order_heads": "order_id",
    "order_payer": "order_id",
    "order_search": "order_id",
    "decisions": "order_id",
    "attempts": "order_id",
    "network_sends": "order_id",
    "outbox": "subject_id",
    "outbox_queue": "subject_id",
    "feed": "subject_id",
    "lanes": "subject_id",
    "due_work": "subject_id",
}
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SHARED: Final = """
SELECT payer_id FROM order_payer WHERE merchant_id = $1 AND order_id = $2
UNION ALL SELECT endpoint_id FROM endpoints WHERE merchant_id = $1
"""
_COLUMNS: Final = """
SELECT column_name::text FROM information_schema.columns
WHERE table_schema = ANY(current_schemas(false)) AND table_name = $1 AND is_generated = 'NEVER'
ORDER BY ordinal_position
"""


@dataclass(frozen=True, slots=True)
class Model:
    """`prefixes` by the model's ids; the order's own is among them. `external` is its running
    number. `cards`: prefixes by the ids of its card, of which copies have others in turn."""

    merchant_id: UUID
    order_id: UUID
    card_id: UUID
    external: str
    prefixes: Mapping[str, str]
    cards: Mapping[str, str] = field(default_factory=dict)

    def marks(self, expression: str) -> dict[str, Mark]:
        """Marks of the copies for pgbench: `expression` is the copy's number."""
        ids = {one: Mark(prefix, expression) for one, prefix in self.prefixes.items()}
        return ids | {self.external: Mark(self.order_id.hex[-6:], expression)}

    def order_prefix(self) -> str:
        return self.prefixes[str(self.order_id)]


async def admitted_order(world: World, shop: Shop, external: str = MARK) -> UUID:
    """Admits one managed MIT as intake leaves it, with a card of its own. `external`: fifteen
    digits in its references."""
    token = new_id()
    vault, orders = Vault(world), Orders(world)
    await vault.store(CardGiven(shop.merchant_id, token, script_card("visa", "51", 0), 9, 2031))
    given = declined_of(world, shop, token, external)
    return (
        await Evaluate(world, orders, Merchants(world), vault).evaluate(shop.scope, given)
    ).order_id


async def model_of(
    connection: asyncpg.Connection,
    merchant_id: UUID,
    order_id: UUID,
    *,
    aged: timedelta = timedelta(0),
) -> Model:
    """Model of an order that exists, with all ids that its rows have of their own. `aged`: how much
    older copies are."""
    kept = await connection.fetchrow(
        "SELECT card_id, transaction_id, to_jsonb(o)::text AS text FROM orders o"
        " WHERE merchant_id = $1 AND order_id = $2",
        merchant_id,
        order_id,
    )
    shared = {str(merchant_id), *_ID.findall(kept["text"])} - {str(order_id), str(kept["card_id"])}
    shared |= {str(r[0]) for r in await connection.fetch(_SHARED, merchant_id, order_id)}
    own: dict[str, None] = {}
    for table in _TABLES:
        for text in await _rows(connection, table, merchant_id, order_id, kept["card_id"]):
            own.update(dict.fromkeys(_ID.findall(text)))
    ids = [one for one in own if one not in shared]
    external = str(kept["transaction_id"])[-len(MARK) :]
    begun = (order_id.int >> 80) - int(aged / timedelta(milliseconds=1))
    return Model(
        merchant_id,
        order_id,
        kept["card_id"],
        external,
        {one: prefix_of(number, begun) for number, one in enumerate(ids)},
    )


async def _rows(
    connection: asyncpg.Connection, table: str, merchant_id: UUID, order_id: UUID, card: UUID
) -> list[str]:
    where, value = _where(table, order_id, card)
    sql = f"SELECT to_jsonb(t)::text FROM {table} t WHERE {where}"  # noqa: S608
    rows = await connection.fetch(sql, value)
    return [r[0] for r in rows if str(merchant_id) in r[0] or table in ("cards", "network_sends")]


def _where(table: str, order_id: UUID, card_id: UUID) -> tuple[str, UUID]:
    column = _TABLES[table]
    return f"t.{column} = $1", card_id if column == "card_id" else order_id


async def copy_orders(
    connection: asyncpg.Connection, model: Model, first: int, number: int
) -> None:
    """Copies `first` to `first + number - 1`, every row of the model with them; the model stays."""
    async with connection.transaction():
        for table in _TABLES:
            columns = [r[0] for r in await connection.fetch(_COLUMNS, table)]
            text = "to_jsonb(t)::text"
            for one, prefix in model.prefixes.items():
                text = f"replace({text}, '{one}', '{prefix}' || n)"
            text = f"replace({text}, '{model.external}', '{model.order_id.hex[-6:]}' || n)"
            for one, prefix in model.cards.items():
                text = f"replace({text}, '{one}', '{prefix}' || ({card_of('n')}))"
            if table == "feed":
                for column in ("feed_no", "number"):
                    text = (
                        f"jsonb_set(({text})::jsonb, '{{{column}}}', to_jsonb(t.{column} + n - "
                        f"{NUMBER}))::text"
                    )
            where, value = _where(table, model.order_id, model.card_id)
            await connection.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT "  # noqa: S608
                f"{', '.join(f'r.{c}' for c in columns)}"
                f" FROM {table} t, generate_series($2::bigint, $3::bigint) AS n,"
                f" LATERAL jsonb_populate_record(NULL::{table}, ({text})::jsonb) AS r "
                f"WHERE {where}",
                value,
                NUMBER + first,
                NUMBER + first + number - 1,
            )
    await connection.execute("ANALYZE " + ", ".join(_TABLES))


async def set_due(connection: asyncpg.Connection, model: Model, at: datetime) -> None:
    """The model's planned attempt may be sent from `at` on; its due work stays where it is. Before
    it is copied."""
    await connection.execute(
        "UPDATE attempts SET due_at = $3 WHERE merchant_id = $1 AND order_id = $2 AND state = "
        "'planned'",
        model.merchant_id,
        model.order_id,
        at,
    )
