"""A world with what a process keeps of its own: routes, models, and who asked for what too
often."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from recoup.bank.gateways import ByHand
from recoup.keys.flows.key_endings import KeyEndings
from recoup.kit.ports import Hits, Models, Routes, SamplesUnderWay, Standing
from recoup.kit.world import World
from recoup.merchants.flows.standing import FixedStanding
from recoup.processors.gateways.bank import Bank
from recoup.rescue.flows.models import NoModels
from recoup.routes.flows.card_routes import CardRoutes
from recoup.sandbox.flows.samples_under_way import SamplesUnderWay as Samples

HITS_MAX: Final = 5
UNKNOWN_METHODS_MAX: Final = 100
HITS_KEPT: Final = timedelta(days=1)
CALLERS_MAX: Final = 10_000


class CardHits:
    """Counts of the identifiers each caller sent that were cards, or that no processor knows,
    within a day and in this process's memory; up to `most`."""

    def __init__(self, most: int = HITS_MAX) -> None:
        self._most = most
        self._counts: dict[UUID, tuple[int, float]] = {}  # how many, and when they are forgotten

    def left(self, caller: UUID, now: float) -> int:
        """Hits that the caller has left. `now`: monotonic seconds. Below zero: one look-up found
        more than there was room for."""
        count, until = self._counts.get(caller, (0, 0.0))
        return self._most - count if now < until else self._most

    def take(self, caller: UUID, hits: int, now: float) -> int:
        """Answers what is left after them."""
        left = self.left(caller, now) - hits
        if caller not in self._counts and len(self._counts) >= CALLERS_MAX:
            self._counts.pop(next(iter(self._counts)))
        self._counts[caller] = (self._most - left, now + HITS_KEPT.total_seconds())
        return left


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class OpenWorld(World):
    """Unless it is told otherwise the bank's files are carried there by somebody, and the fixed
    schedules decide."""

    bank: Bank = field(default_factory=ByHand)
    models: Models[Any, Any] = field(default_factory=NoModels)
    routes: Routes = field(default_factory=CardRoutes)
    card_hits: Hits = field(default_factory=CardHits, repr=False)
    unknown_methods: Hits = field(default_factory=lambda: CardHits(UNKNOWN_METHODS_MAX), repr=False)
    samples: SamplesUnderWay = field(default_factory=Samples, repr=False)
    standing: Standing = field(default_factory=FixedStanding, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key_endings", KeyEndings(self.db, self.clocks))
