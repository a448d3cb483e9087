"""The operator's risk: what it adds to places below it."""

from typing import Final

from recoup.core.kit.feature import Feature
from recoup.flows.cards.first_try import FIRST_CHECK
from recoup.flows.cards.risk_check import Risks
from recoup.flows.locked import BEFORE_WRITE
from recoup.moves.advance.exposure import exchange
from recoup.moves.advance.grant import advance
from recoup.moves.order.answer_deadline import ADVANCE

RISK: Final = Feature(
    name="risk",
    adds=(
        BEFORE_WRITE(exchange),
        ADVANCE(advance),
        FIRST_CHECK(lambda world: Risks(world).check),
    ),
)
