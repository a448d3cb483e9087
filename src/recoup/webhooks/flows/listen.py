"""Events as they happen, for whoever develops: signed as a webhook's delivery, handed to who asks,
and waited for.

Who waits holds no connection: each process looks once for all of its callers.
"""

import asyncio
import base64
import secrets
from collections.abc import Callable, Sequence
from itertools import chain
from time import monotonic
from typing import Final, Literal, NamedTuple
from uuid import UUID

from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kit.world import World
from recoup.orders.rules.events import CATALOGUE, Event, Format, Rendered, render
from recoup.stablecoin.rules.event_names import NAMES
from recoup.stablecoin.rules.stable_events import render_stable, wire_event
from recoup.webhooks.flows.post import event_of
from recoup.webhooks.flows.publish import SCANNED_MAX
from recoup.webhooks.store.listen import PlacedLine, last_places, placed_page

PAGE_MAX: Final = (
    20  # they are signed now, and a receiver that is slow with each must not find the last too old
)
LOOK_SECONDS: Final = 0.5
WAITING_MAX: Final = 500  # of one process
MERCHANT_WAITING_MAX: Final = 20


class Heard(NamedTuple):
    """`place`: of the feed of both APIs; `name` and `format`: of the event's API."""

    place: int
    event: Event
    name: str
    format: Format | Literal["stablecoin"]
    sent: Rendered


class Listened(NamedTuple):
    """`next`: hand it back as `after`."""

    events: list[Heard]
    next: int
    has_more: bool


class Listening:
    """Calls that wait for a merchant's next events, of one world and process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting: dict[UUID, int] = {}
        self._last: dict[UUID, int] = {}
        self._looking: asyncio.Task[None] | None = None

    def key(self, merchant_id: UUID, key_id: str) -> str:
        """Base64: what the listener of an API key checks signatures with, always the same. No
        webhook has it."""
        halves = (
            f"{half} {self._world.name} {merchant_id} {key_id}".encode() for half in (1, 2)
        )  # as long as others
        return base64.b64encode(
            b"".join(self._world.keys.mac("listen", half) for half in halves)
        ).decode()

    async def read(
        self,
        merchant_id: UUID,
        key: str,
        after: int | None,
        events: Sequence[str],
        form: Format,
        host: str,
    ) -> Listened:
        """`events`: by the names of their API; none: all. Without `after` nothing yet: where to
        listen on.

        Raises: Problem(invalid) naming after or event.
        """
        unknown = next(
            (name for name in events if name not in CATALOGUE and name not in NAMES), None
        )
        if unknown is not None:
            cure = "Events are: " + ", ".join(dict.fromkeys(chain(CATALOGUE, NAMES))) + "."
            raise invalid(Sentence("Unknown event {0}.", repr(unknown[:64])), "Event", cure)
        async with self._world.db.connection() as connection:
            last = max(
                (place.feed_no for place in await last_places(connection, [merchant_id])), default=0
            )
            if after is None:
                return Listened([], last, has_more=False)
            if after > last:
                message = Sentence("The feed ends at {0}: no answer has returned {1}.", last, after)
                raise invalid(
                    message,
                    "After",
                    "Hand back the `next` of the last answer; after=0 is the beginning.",
                )
            until = min(last, after + SCANNED_MAX)
            names = events or [*CATALOGUE, *NAMES]
            stable = [NAMES[name] for name in names if name in NAMES]
            rows = await placed_page(connection, merchant_id, after, until, names, stable, PAGE_MAX)
        heard = [
            signed
            for signed in (self._sign(row, key, form, host) for row in rows)
            if signed is not None
        ]
        reached = rows[-1].number if len(rows) == PAGE_MAX else until
        return Listened(heard, reached, reached < last)

    def _sign(self, row: PlacedLine, key: str, form: Format, host: str) -> Heard | None:
        """Signs one event; None for what the stablecoin API does not tell."""
        world, event = self._world, event_of(row, row.seq, self._world.policy.test_mode)
        wall = world.clocks.wall()
        if not row.of_stablecoin:
            sent = render(event, form, [key], host, secrets.token_hex(16), wall)
            return Heard(row.number, event, event.name, form, sent)
        delivery, name = render_stable(event, key, wall, encrypt=False), wire_event(event)
        return (
            Heard(row.number, event, name, "stablecoin", delivery)
            if delivery is not None and name is not None
            else None
        )

    async def wait(
        self, merchant_id: UUID, after: int, seconds: float, is_over: Callable[[], bool]
    ) -> None:
        """Waits until the feed goes beyond `after`, at most so long. `is_over`: no one waits any
        longer.

        Raises: Problem(too_many_requests).
        """
        mine = self._waiting.get(merchant_id, 0)
        if mine >= MERCHANT_WAITING_MAX or sum(self._waiting.values()) >= WAITING_MAX:
            message, cure = (
                "Too many calls wait for events.",
                "End a listener, or ask again without wait.",
            )
            raise Problem("too_many_requests", message, cure=cure, retry_after_seconds=5)
        self._waiting[merchant_id] = mine + 1
        until = monotonic() + seconds
        try:
            while self._last.get(merchant_id, 0) <= after and monotonic() < until and not is_over():
                self._looking = self._looking or asyncio.create_task(self._look())
                await asyncio.shield(self._looking)
        finally:
            self._waiting[merchant_id] -= 1
            if not self._waiting[merchant_id]:
                del self._waiting[merchant_id]
                self._last.pop(merchant_id, None)

    async def _look(self) -> None:
        try:
            await asyncio.sleep(LOOK_SECONDS)
            for place in await last_places(self._world.db.alone, list(self._waiting)):
                self._last[place.merchant_id] = place.feed_no
        finally:
            self._looking = None
