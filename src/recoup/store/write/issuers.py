"""How issuers answered, over merchants: of MERCHANTS_MIN or more, so that nobody sees whose payments they were."""

from datetime import datetime
from typing import Final

import asyncpg

from recoup.rules.rescue.engine.facts import MERCHANTS_MIN

ISSUERS_MAX: Final = 50_000
_COUNT: Final = """
INSERT INTO issuers AS i (issuer_digits, merchants, answers, counted_at)
SELECT issuer_digits, count(*), ARRAY[sum(approved), sum(funds), sum(soft), sum(technical), sum(over_limit), sum(hard)],
  $3
FROM issuer_answers GROUP BY issuer_digits HAVING count(*) >= $1
ORDER BY sum(approved + funds + soft + technical + over_limit + hard) DESC, issuer_digits LIMIT $2
ON CONFLICT (issuer_digits) DO UPDATE SET merchants = EXCLUDED.merchants, answers = EXCLUDED.answers,
  counted_at = EXCLUDED.counted_at
WHERE i.answers <> EXCLUDED.answers OR i.merchants <> EXCLUDED.merchants
"""


async def count_issuers(tx: asyncpg.Connection, wall: datetime) -> None:
    """Anew, those with the most attempts. It costs by merchants and issuers, not by attempts."""
    await tx.execute(_COUNT, MERCHANTS_MIN, ISSUERS_MAX, wall)
