"""The request log: calls are noted in passing and written together, once a second. Nothing waits
for it: what is more than it can take is counted, and the count is written instead."""

import asyncio
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from recoup.db.pool import is_away
from recoup.kernel.ids import new_id
from recoup.kernel.problem import in_words
from recoup.keys.store.api_calls import add_calls
from recoup.keys.store.merchant_keys import note_uses
from recoup.kit.world import World

log = structlog.get_logger()
QUEUE_MAX: Final = 10_000
WRITTEN_MAX: Final = 2_000  # each time
PAUSE_SECONDS: Final = 1.0
MERCHANTS_MAX: Final = 10_000  # whose gaps are counted apart; keys whose use is remembered
USE_NOTED_EVERY: Final = timedelta(minutes=1)
NEVER: Final = datetime.min.replace(tzinfo=UTC)


class CallLog:
    """Log of calls, one for each world and process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._calls: deque[tuple[Any, ...]] = deque()
        self._gaps: dict[UUID, int] = {}
        self._used: dict[str, datetime] = {}
        self._partner_uses: dict[str, datetime] = {}

    def note(
        self,
        merchant_id: UUID | None,
        key_id: str,
        request_id: str,
        method: str,
        path: str,
        status: int,
        code: str | None,
        ms: int,
        place: str = "",
        why: str = "",
    ) -> None:
        """Notes a call; never waits, never raises. Of a partner's own key, whose call is no
        merchant's, the use alone is noted."""
        at: datetime = self._world.clocks.wall()
        if merchant_id is None:
            if key_id in self._partner_uses or len(self._partner_uses) < MERCHANTS_MAX:
                self._partner_uses[key_id] = at
            return
        if len(self._calls) >= QUEUE_MAX:
            self._lose(merchant_id, 1)
            return
        self._calls.append(
            (
                merchant_id,
                new_id(),
                at,
                request_id,
                key_id,
                method,
                path,
                status,
                code,
                ms,
                place,
                why,
            )
        )

    async def run(self) -> None:
        """Writes until cancelled; then once more."""
        try:
            while True:
                await asyncio.sleep(PAUSE_SECONDS)
                await self.write()
        finally:
            await self.write()

    async def write(self) -> int:
        """The oldest that wait; answers how many. What cannot be written is counted as lost."""
        calls = [self._calls.popleft() for _ in range(min(len(self._calls), WRITTEN_MAX))]
        gaps, self._gaps = self._gaps, {}
        if (calls or gaps) and not await self._add(calls, gaps):
            return 0
        await self._note_uses(calls)
        return len(calls)

    async def _add(self, calls: list[tuple[Any, ...]], gaps: dict[UUID, int]) -> bool:
        at = self._world.clocks.wall()
        try:
            async with self._world.db.transaction() as tx:
                await add_calls(
                    tx, calls, [(merchant_id, new_id(), at, n) for merchant_id, n in gaps.items()]
                )
        except Exception as error:  # noqa: BLE001 - a lost log line must not end the log
            if not is_away(error):
                log.warning("request log not written", calls=len(calls), error=in_words(error))
            for call in calls:
                self._lose(call[0], 1)
            for merchant_id, n in gaps.items():
                self._lose(merchant_id, n)
            return False
        return True

    async def _note_uses(self, calls: list[tuple[Any, ...]]) -> None:
        """Notes when keys were last used, each at most once a minute: what a call costs does not
        grow by it."""
        uses: dict[str, datetime] = {}
        of_partners, self._partner_uses = self._partner_uses, {}
        for key_id, at in (*of_partners.items(), *((call[4], call[2]) for call in calls)):
            if (
                not key_id.startswith("user:")
                and at - self._used.get(key_id, NEVER) >= USE_NOTED_EVERY
            ):
                uses[key_id] = at
        if not uses:
            return
        if len(self._used) + len(uses) > MERCHANTS_MAX:
            self._used.clear()
        self._used |= uses
        try:
            async with self._world.db.transaction() as tx:
                await note_uses(tx, uses)
        except Exception as error:  # noqa: BLE001 - the next minute notes it again
            if not is_away(error):
                log.warning("use of keys not noted", keys=len(uses), error=in_words(error))

    def _lose(self, merchant_id: UUID, calls: int) -> None:
        if merchant_id in self._gaps or len(self._gaps) < MERCHANTS_MAX:
            self._gaps[merchant_id] = self._gaps.get(merchant_id, 0) + calls
