"""Why an endpoint is off before 0126 was a sentence: each becomes its code, which says that sentence."""

import asyncio
from uuid import UUID

import asyncpg
import pytest
from tests.store.test_schema import fresh

from recoup.rules.messages import endpoint_whys
from recoup.rules.messages.endpoint_whys import nothing_taken, sentence_of
from recoup.store.migrate import migrations_of
from recoup.store.server import ServerAddress

_BEFORE = {
    "Switched off by the merchant.": "by_merchant",
    "The receiver answered 410 Gone.": "gone",
    "Nothing was taken for 14 days.": "nothing_taken:14",
}
_AS_IT_WAS = ("Nothing was taken for 14 days. Really.", "by_merchant", None)


def test_each_sentence_becomes_its_code_and_others_stay(server: ServerAddress) -> None:
    [migration] = [one for one in migrations_of("world") if one.name == "0126_why_an_endpoint_is_off.sql"]

    async def story() -> None:
        async with fresh(server) as dsn:
            connection = await asyncpg.connect(dsn)
            try:
                await connection.execute("CREATE TABLE endpoints (endpoint_id uuid PRIMARY KEY, why text)")
                rows = [(UUID(int=number), text) for number, text in enumerate([*_BEFORE, *_AS_IT_WAS])]
                await connection.executemany("INSERT INTO endpoints VALUES ($1, $2)", rows)
                await connection.execute(migration.sql)
                found = await connection.fetch("SELECT why FROM endpoints ORDER BY endpoint_id")
                assert [row["why"] for row in found] == [*_BEFORE.values(), *_AS_IT_WAS]
            finally:
                await connection.close()

    asyncio.run(story())


@pytest.mark.parametrize(("sentence", "code"), _BEFORE.items())
def test_a_code_says_its_sentence_and_an_older_sentence_stays(sentence: str, code: str) -> None:
    assert sentence_of(code) == sentence_of(sentence) == sentence


def test_every_code_is_among_them() -> None:
    codes = {value for name, value in vars(endpoint_whys).items() if name.isupper() and isinstance(value, str)}
    assert codes == {code.partition(":")[0] for code in _BEFORE.values()}
    assert nothing_taken(14) in _BEFORE.values()
