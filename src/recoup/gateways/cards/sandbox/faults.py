"""Faults that the operator switches on for the whole sandbox, until a wall time."""

from typing import Literal

import asyncpg

from recoup.kernel.time import WallTime

Kind = Literal["outage", "slow", "silent", "duplicate", "refuse"]


async def set_fault(connection: asyncpg.Connection, kind: Kind, until: WallTime) -> None:
    """outage: connections are refused. slow: 1.5 s each. silent: decided, but no answer. duplicate: messages arrive
    twice."""
    await connection.execute(
        "INSERT INTO issuer.faults (kind, until) VALUES ($1, $2)"
        " ON CONFLICT (kind) DO UPDATE SET until = excluded.until",
        kind,
        until,
    )


async def clear_faults(connection: asyncpg.Connection, kind: Kind | None = None) -> None:
    """Switch one fault off, or all of them."""
    await connection.execute("DELETE FROM issuer.faults WHERE $1::text IS NULL OR kind = $1", kind)


async def active_faults(connection: asyncpg.Connection, now: WallTime) -> frozenset[str]:
    rows = await connection.fetch("SELECT kind FROM issuer.faults WHERE until > $1", now)
    return frozenset(row["kind"] for row in rows)
