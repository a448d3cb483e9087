"""How many orders a merchant has at a door, and how often its wallet moved, for lists that promise it: counted once,
and from then on only what came since. None of it is ever deleted, and ids rise with time, so that what lies a while
back is counted for good.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from recoup.kernel.ids import first_id_of

# An order's id is made a moment before its row is there; longer than any statement takes, its repeats included.
SETTLED: Final = timedelta(minutes=2)
AT_ONCE: Final = 100_000  # rows that one look counts
LOOKS_MAX: Final = 20
MERCHANTS_MAX: Final = 10_000
AGAIN: Final = timedelta(seconds=15)  # between two looks at what has settled meanwhile
_FIRST: Final = UUID(int=0)
_ORDERS: Final = "SELECT order_id AS id FROM order_heads WHERE merchant_id = $1 AND door = '{door}' AND order_id > $2"
_SOURCES: Final = {
    "rescue": _ORDERS.format(door="rescue"), "stablecoin": _ORDERS.format(door="stablecoin"),
    "wallet": "SELECT posting_id AS id FROM entries WHERE merchant_id = $1 AND account = 'merchant_payable'"
              " AND place = 'wallet' AND posting_id > $2",
}  # fmt: skip
_BELOW: Final = {"rescue": "order_id", "stablecoin": "order_id", "wallet": "posting_id"}
# Movements of one posting stand together.
_SETTLED: Final = """
SELECT count(*) AS n, (array_agg(id ORDER BY id DESC))[1] AS last FROM (
  {source} AND {id} < $3 ORDER BY {id} FETCH FIRST ($4::bigint) ROWS WITH TIES) h
"""
_REST: Final = "SELECT count(*) FROM ({source}) h"


@dataclass(slots=True)
class Totals:
    """One a process. It keeps up to which moment it has counted, the last id until then, and how many there were."""

    _kept: dict[tuple[UUID, str], tuple[UUID, UUID, int]] = field(default_factory=dict)

    async def total(self, connection: asyncpg.Connection, merchant_id: UUID, what: str, wall: datetime) -> int | None:
        """`what`: a door, or `wallet`. None when there is so much to count for the first time that the next call has to
        go on."""
        key, source = (merchant_id, what), _SOURCES[what]
        count = _SETTLED.format(source=source, id=_BELOW[what])
        until, last, number = self._kept.get(key, (_FIRST, _FIRST, 0))
        if until < first_id_of(wall - SETTLED - AGAIN):
            settled = first_id_of(wall - SETTLED)
            for _ in range(LOOKS_MAX):
                row = await connection.fetchrow(count, merchant_id, last, settled, AT_ONCE)
                last, number = row["last"] or last, number + row["n"]
                if row["n"] < AT_ONCE:
                    until = settled
                    break
            self._keep(key, (until, last, number))
            if until != settled:
                return None
        return number + int(await connection.fetchval(_REST.format(source=source), merchant_id, last))

    def _keep(self, key: tuple[UUID, str], found: tuple[UUID, UUID, int]) -> None:
        """The oldest goes when there are too many; of two calls at once the one that got further counts."""
        known = self._kept.pop(key, found)
        if len(self._kept) >= MERCHANTS_MAX:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = max(known, found)
