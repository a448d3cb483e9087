"""Totals of a merchant's orders at a door, and of its wallet's moves, for lists that promise them:
counted once, and from then on only what came since. None of it is ever deleted, and ids rise with
time, so that what lies a while back is counted for good; what was committed late is in the total a
minute later."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row
from recoup.kernel.ids import first_id_of

# An order's id is made a moment before its row is there. What is older than SETTLED is counted
# again after AGAIN, and what is older than FOR_GOOD never: a process that stood still for so long
# has lost its connection.
SETTLED: Final = timedelta(minutes=2)
AGAIN: Final = timedelta(seconds=60)
FOR_GOOD: Final = timedelta(hours=1)
AT_ONCE: Final = 100_000  # rows that one look counts
LOOKS_MAX: Final = 20
MERCHANTS_MAX: Final = 10_000
_FIRST: Final = UUID(int=0)
_ORDERS: Final = (
    "SELECT order_id AS id FROM order_heads WHERE merchant_id = $1 AND door = "
    "'{door}' AND order_id > $2"
)
_SOURCES: Final = {
    "rescue": _ORDERS.format(door="rescue"), "stablecoin": _ORDERS.format(door="stablecoin"),
    "wallet": "SELECT posting_id AS id FROM entries WHERE merchant_id = $1 AND account = "
              "'merchant_payable'"
              " AND place = 'wallet' AND posting_id > $2",
}  # fmt: skip
_IDS: Final = {"rescue": "order_id", "stablecoin": "order_id", "wallet": "posting_id"}


class _Look(Row):
    """Count of the rows of a single look, and the newest of them."""

    n: int
    last: UUID | None


def _settled(source: str, key: str) -> Callable[[Read, UUID, UUID, UUID, int], Awaitable[_Look]]:
    # Movements of one posting stand together.
    @MERCHANT.statement(f"""
    SELECT count(*) AS n, (array_agg(id ORDER BY id DESC))[1] AS last FROM (
      {source} AND {key} < $3 ORDER BY {key} FETCH FIRST ($4::bigint) ROWS WITH TIES) h
    """)
    async def settled(db: Read, merchant_id: UUID, after: UUID, until: UUID, limit: int) -> _Look:
        """Counts what lies between these ids."""

    return settled


def _rest(source: str) -> Callable[[Read, UUID, UUID], Awaitable[int]]:
    @MERCHANT.statement(f"SELECT count(*) FROM ({source}) h")
    async def rest(db: Read, merchant_id: UUID, after: UUID) -> int:
        """Counts what came since."""

    return rest


_SETTLED: Final = {what: _settled(source, _IDS[what]) for what, source in _SOURCES.items()}
_REST: Final = {what: _rest(source) for what, source in _SOURCES.items()}


class _Count(NamedTuple):
    """All that was made before `until`; `last` is the newest of them."""

    until: UUID = _FIRST
    last: UUID = _FIRST
    number: int = 0


@dataclass(slots=True)
class Totals:
    """Per-process totals. Of a merchant at a door it keeps what was counted for good, and with it
    what was lately."""

    _kept: dict[tuple[UUID, str], tuple[_Count, _Count]] = field(default_factory=dict)

    async def total(self, db: Read, merchant_id: UUID, what: str, wall: datetime) -> int | None:
        """The total. `what`: a door, or `wallet`. None when there is so much to count for the first
        time that the next call has to go on."""
        key = (merchant_id, what)
        good, lately = self._kept.get(key, (_Count(), _Count()))
        if lately.until < first_id_of(wall - SETTLED - AGAIN):
            for_good, settled = first_id_of(wall - FOR_GOOD), first_id_of(wall - SETTLED)
            good = await _counted(db, key, good, for_good)
            lately = good
            if good.until == for_good:
                lately = await _counted(db, key, good, settled)
            self._keep(key, (good, lately))
            if lately.until != settled:
                return None
        return lately.number + await _REST[what](db, merchant_id, lately.last)

    def _keep(self, key: tuple[UUID, str], counts: tuple[_Count, _Count]) -> None:
        """The oldest goes when there are too many; of two calls at once the one that got further
        counts."""
        known = self._kept.pop(key, counts)
        if len(self._kept) >= MERCHANTS_MAX:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = max(known, counts)


async def _counted(db: Read, key: tuple[UUID, str], known: _Count, until: UUID) -> _Count:
    """Counts from what is known on; short of `until` when that is too much for one call."""
    merchant_id, what = key
    last, number = known.last, known.number
    for _ in range(LOOKS_MAX):
        look = await _SETTLED[what](db, merchant_id, last, until, AT_ONCE)
        last, number = look.last or last, number + look.n
        if look.n < AT_ONCE:
            return _Count(until, last, number)
    return _Count(known.until, last, number)
