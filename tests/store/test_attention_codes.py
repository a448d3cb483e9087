"""What needed attention before 0116 was a sentence: each becomes its code, without a word lost."""

import asyncio
from uuid import UUID

import asyncpg
from tests.store.test_schema import fresh

from recoup.rules.order.attention import CHARGE_CLAIMED, CODES, HELD, code_of, held, of_dispute, sentence_of
from recoup.store.migrate import migrations_of
from recoup.store.server import ServerAddress

_HELD = ("held", "Put on hold by a person: fraud check: 4.5 % of 2", "The card's allowance is used up.\nUntil Friday.")
_TABLE = "CREATE TABLE order_heads (merchant_id uuid, order_id uuid PRIMARY KEY, attention text)"


def test_each_sentence_becomes_its_code(server: ServerAddress) -> None:
    told = [code for code in CODES if code not in (HELD, CHARGE_CLAIMED)]  # the latter is younger than the migration
    codes = [of_dispute(code, 12) if code.startswith("dispute_") else code for code in told]
    before = [*(sentence_of(code) for code in codes), *_HELD]
    after = [*codes, held("It is on hold."), *map(held, _HELD[1:])]
    [migration] = [one for one in migrations_of("world") if one.name == "0116_attention_codes.sql"]

    async def story() -> None:
        async with fresh(server) as dsn:
            connection = await asyncpg.connect(dsn)
            try:
                await connection.execute(_TABLE)
                rows = [(UUID(int=1), UUID(int=number), text) for number, text in enumerate([*before, None])]
                await connection.executemany("INSERT INTO order_heads VALUES ($1, $2, $3)", rows)
                for _ in range(2):
                    await connection.execute(migration.sql)
                    found = await connection.fetch("SELECT attention FROM order_heads ORDER BY order_id")
                    assert [row["attention"] for row in found] == [*after, None]
            finally:
                await connection.close()

    asyncio.run(story())
    assert {code_of(one) for one in after} == set(CODES) - {CHARGE_CLAIMED}
