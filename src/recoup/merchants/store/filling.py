"""What a cell holds, and whose a key is."""

from uuid import UUID

from recoup.db.statement import DIRECTORY, MERCHANT, Read, Row


@DIRECTORY.statement("""
SELECT merchant_id FROM api_keys WHERE app_key = $1
UNION ALL SELECT merchant_id FROM tokenization_keys WHERE environment_key = $1
UNION ALL SELECT merchant_id FROM signing_keys WHERE key_id = $1
LIMIT 1
""")
async def merchant_of_key(db: Read, key: str) -> UUID | None: ...


class Filling(Row):
    """What a cell holds. `events`: of all feeds, by which its size goes."""

    merchants: int
    events: int


@MERCHANT.statement("""
SELECT count(*) AS merchants, coalesce(sum(feed_no), 0)::bigint AS events FROM closers
""")
async def filling(db: Read) -> Filling: ...
