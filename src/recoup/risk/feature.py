"""The operator's risk: what it adds to places below it."""

from typing import Final

from recoup.db.upkeep import RETAIN, Retention
from recoup.kernel.feature import Feature
from recoup.rescue.flows.first_try import FIRST_CHECK
from recoup.rescue.flows.locked import BEFORE_WRITE
from recoup.rescue.moves.answer_deadline import ADVANCE
from recoup.risk.flows.risk_check import Risks
from recoup.risk.moves.exposure import exchange
from recoup.risk.moves.grant import advance
from recoup.risk.store.risk import SIGHTINGS_KEPT, forget_sightings

RISK: Final = Feature(
    name="risk",
    adds=(
        BEFORE_WRITE(exchange),
        RETAIN(Retention(forget_sightings, SIGHTINGS_KEPT)),
        ADVANCE(advance),
        FIRST_CHECK(lambda world: Risks(world).check),
    ),
)
