"""A world with what a process keeps of its own: routes, models, and who asked for what too often."""

from dataclasses import dataclass, field

from recoup.core.ports import Hits, Models, Routes, SamplesUnderWay, Standing
from recoup.flows.card_hits import UNKNOWN_METHODS_MAX, CardHits
from recoup.flows.card_routes import CardRoutes
from recoup.flows.key_endings import KeyEndings
from recoup.flows.models import NoModels
from recoup.flows.samples_under_way import SamplesUnderWay as Samples
from recoup.flows.standing import FixedStanding
from recoup.flows.world import World
from recoup.gateways.bank.files import ByHand
from recoup.gateways.bank.port import Bank


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class OpenWorld(World):
    """Unless it is told otherwise the bank's files are carried there by somebody, and the fixed schedules decide."""

    bank: Bank = field(default_factory=ByHand)
    models: Models = field(default_factory=NoModels)
    routes: Routes = field(default_factory=CardRoutes)
    card_hits: Hits = field(default_factory=CardHits, repr=False)
    unknown_methods: Hits = field(default_factory=lambda: CardHits(UNKNOWN_METHODS_MAX), repr=False)
    samples: SamplesUnderWay = field(default_factory=Samples, repr=False)
    standing: Standing = field(default_factory=FixedStanding, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key_endings", KeyEndings(self.db, self.clocks))
