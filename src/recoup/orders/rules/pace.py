"""Places for deliveries out at once: a bounded number, shared so that no endpoint, dead or slow,
keeps the others waiting, and so that one that was away is not flooded when it is back.

Source: decision 0028.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

PLACES: Final = 256
EACH_MAX: Final = 64
BEGIN: Final = 4
QUICK_SECONDS: Final = 1.0
REMEMBERED_MAX: Final = 10_000


@dataclass(slots=True)
class _Endpoint:
    """`window`: how many it may have out. `quick`: its last try was taken, and soon."""

    out: int = 0
    window: int = BEGIN
    quick: bool = False


class Pace:
    """Per-process pace of deliveries. Each endpoint has a window that grows with every delivery
    that is taken and is halved by every one that is not. Those that have not shown to be quick have
    half of the places together; the other half is kept for the rest."""

    def __init__(self, places: int = PLACES) -> None:
        self._places = places
        self._known: OrderedDict[UUID, _Endpoint] = OrderedDict()
        self._out = self._slow_out = 0

    @property
    def free(self) -> int:
        return self._places - self._out

    def share(self, due: Sequence[UUID]) -> dict[UUID, int]:
        """The number of deliveries that each endpoint may begin now; `due`: who has something to
        deliver, the longest waiting first. In turn, one each, for as long as there are places."""
        free, slow_free = self.free, self._places // 2 - self._slow_out
        given: dict[UUID, int] = {}
        asking = [(endpoint, self._of(endpoint)) for endpoint in due]
        while asking and free > 0:
            still = []
            for endpoint, known in asking:
                mine = given.get(endpoint, 0)
                if (
                    free <= 0
                    or known.out + mine >= known.window
                    or not (known.quick or slow_free > 0)
                ):
                    continue
                given[endpoint], free = mine + 1, free - 1
                slow_free -= not known.quick
                still.append((endpoint, known))
            asking = still
        return given

    def began(self, endpoint_id: UUID) -> None:
        known = self._of(endpoint_id)
        known.out += 1
        self._out += 1
        self._slow_out += not known.quick
        self._known[endpoint_id] = known
        self._known.move_to_end(endpoint_id)
        self._forget()

    def ended(self, endpoint_id: UUID, *, taken: bool, seconds: float) -> None:
        """`seconds`: how long it took."""
        known = self._known[endpoint_id]
        was_quick, known.quick = known.quick, taken and seconds < QUICK_SECONDS
        known.out -= 1
        self._out -= 1
        self._slow_out -= not was_quick
        if was_quick and not known.quick:
            self._slow_out += known.out
        elif known.quick and not was_quick:
            self._slow_out -= known.out
        known.window = min(EACH_MAX, known.window + 1) if taken else max(1, known.window // 2)

    def _of(self, endpoint_id: UUID) -> _Endpoint:
        return self._known.get(endpoint_id) or _Endpoint()

    def _forget(self) -> None:
        """The longest idle of those that have nothing out."""
        while len(self._known) > REMEMBERED_MAX:
            idle = next(
                (endpoint for endpoint, known in self._known.items() if not known.out), None
            )
            if idle is None:
                return
            del self._known[idle]
