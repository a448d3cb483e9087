"""Where calls wait, in milliseconds of a call's mean.

- batch: until the transaction begins that it shares with others
- lock, commit, statement: what the sessions of that transaction do when they are looked at
- processor: until the processor has answered
- loop: whatever is left: the door's own work, and until its event loop has come round to it
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import mean
from typing import Any, Final
from urllib.request import urlopen

import asyncpg

from recoup.main.worlds import DOORS

Waits = dict[str, float]
PARTS: Final = ("batch", "lock", "commit", "statement", "processor", "loop")
LOOK_SECONDS: Final = 0.01
# `alone`: a statement that began with its transaction, which no other call waits for. In one that
# was begun before it, it comes a way to the door and back later.
_SESSIONS: Final = """
SELECT CASE WHEN state <> 'active' OR wait_event = 'ClientRead' THEN 'loop'
    WHEN wait_event_type = 'Lock' THEN 'lock'
    WHEN query LIKE 'COMMIT%' OR wait_event ILIKE 'wal%' THEN 'commit'
    ELSE 'statement' END AS part,
  state = 'active' AND query_start - xact_start < interval '0.1 ms' AS alone,
  count(*) AS sessions
FROM pg_stat_activity
WHERE datname = current_database() AND application_name = $1 AND xact_start IS NOT NULL
GROUP BY 1, 2
"""


@dataclass(slots=True)
class Sessions:
    """Sessions of the doors that were at work, by part, over all looks."""

    looks: int = 0
    shared: Counter[str] = field(default_factory=Counter)
    alone: Counter[str] = field(default_factory=Counter)
    is_over: bool = False


@asynccontextmanager
async def looking(connection: asyncpg.Connection) -> AsyncIterator[Sessions]:
    """Looks at the sessions again and again until the block ends."""
    sessions = Sessions()
    task = asyncio.create_task(_look(connection, sessions))
    try:
        yield sessions
    finally:
        sessions.is_over = True
        await task


async def _look(connection: asyncpg.Connection, sessions: Sessions) -> None:
    while not sessions.is_over:
        for part, alone, number in await connection.fetch(_SESSIONS, DOORS):
            (sessions.alone if alone else sessions.shared)[part] += number
        sessions.looks += 1
        await asyncio.sleep(LOOK_SECONDS)


async def counts_of(port: int) -> dict[str, float]:
    """The door's /metrics by series."""
    text = await asyncio.to_thread(_metrics, port)
    series = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in series}


def _metrics(port: int) -> str:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:  # noqa: S310
        text: str = answer.read().decode()
    return text


def waits_of(
    load: Mapping[str, Any],
    before: Mapping[str, float],
    after: Mapping[str, float],
    sessions: Sessions,
) -> Waits:
    """`load`: the load generator's figures; `before`, `after`: the counts around it."""
    calls: int = max(1, load["sent"])

    def counted(series: str) -> float:
        return (after.get(series, 0.0) - before.get(series, 0.0)) * 1000 / calls

    waits = dict.fromkeys(PARTS, 0.0)
    waits["batch"] = counted('recoup_batch_seconds_total{part="queue"}')
    waits["processor"] = counted("recoup_outside_seconds_total")
    shared = counted('recoup_batch_seconds_total{part="run"}') / max(1, sessions.shared.total())
    alone = load["took"] * 1000 / calls / max(1, sessions.looks)
    for part in ("lock", "commit", "statement"):
        waits[part] = sessions.shared[part] * shared + sessions.alone[part] * alone
    waits["loop"] = max(0.0, load["mean_ms"] - sum(waits.values()))
    return waits


def mean_of(rounds: Sequence[Waits]) -> Waits:
    return {part: mean(waits[part] for waits in rounds) for part in PARTS}
