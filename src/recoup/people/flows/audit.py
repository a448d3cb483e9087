"""Audit log of who did what, of a merchant or a partner: the logs of both databases as one."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from recoup.audit.store import (
    AuditFilter,
    AuditLine,
    merchant_lines,
    partner_lines,
    people_lines,
    places_of,
)
from recoup.kernel.problem import Problem
from recoup.kit.world import World

BATCH: Final = 1_000
LINES_MAX: Final = 200_000  # of one file


async def read_audit(
    world: World, subject: tuple[str, UUID], audit_filter: AuditFilter, limit: int
) -> list[AuditLine]:
    """Newest first. `subject`: `merchant` or `partner`, and its id. Raises:
    Problem(unavailable)."""
    read = merchant_lines if subject[0] == "merchant" else partner_lines
    try:
        async with world.db.connection() as connection:
            rows = await read(connection, subject[1], audit_filter, limit)
        async with world.people.connection() as connection:
            rows += await people_lines(
                connection, subject, world.name, world.clocks.wall(), audit_filter, limit
            )
    except TimeoutError:
        raise Problem(
            "unavailable",
            "This search takes too long.",
            "Narrow it by days or by object.",
            retry_after_seconds=5,
        ) from None
    return sorted(rows, key=lambda line: (line.at, line.line), reverse=True)[:limit]


async def all_lines(
    world: World, subject: tuple[str, UUID], audit_filter: AuditFilter
) -> AsyncIterator[Sequence[AuditLine]]:
    """All of them, LINES_MAX at most, a batch at a time."""
    for _ in range(LINES_MAX // BATCH):
        lines = await read_audit(world, subject, audit_filter, BATCH)
        if lines:
            yield lines
        if len(lines) < BATCH:
            return
        audit_filter = replace(audit_filter, before=(lines[-1].at, lines[-1].line))


async def places(
    world: World, merchant_id: UUID, lines: Sequence[AuditLine]
) -> dict[str, tuple[str, str]]:
    """Request id -> (call, network), of those that the request log still has."""
    async with world.db.connection() as connection:
        return await places_of(connection, merchant_id, [line.request_id for line in lines])
