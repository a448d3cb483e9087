"""How issuers answered, over merchants: of MERCHANTS_MIN or more, so that nobody sees whose payments they were."""

from collections.abc import Sequence
from typing import Final

import asyncpg

MERCHANTS_MIN: Final = 5
ISSUERS_MAX: Final = 50_000
_SHARED: Final = """
SELECT issuer_digits, count(*)::int AS merchants, sum(approved)::bigint AS approved, sum(funds)::bigint AS funds,
  sum(soft)::bigint AS soft, sum(technical)::bigint AS technical, sum(over_limit)::bigint AS over_limit,
  sum(hard)::bigint AS hard
FROM issuer_answers GROUP BY issuer_digits HAVING count(*) >= $1
ORDER BY sum(approved + funds + soft + technical + over_limit + hard) DESC, issuer_digits LIMIT $2
"""


async def shared_issuers(connection: asyncpg.Connection) -> Sequence[asyncpg.Record]:
    """Each issuer that enough merchants met, those with the most attempts first."""
    return await connection.fetch(_SHARED, MERCHANTS_MIN, ISSUERS_MAX)  # type: ignore[no-any-return]
