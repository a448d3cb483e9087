"""An attempt of the past as a decision would have known it: from columns to the facts of the engine."""

from collections.abc import Sequence
from typing import Final

from recoup.flows.insight.learn.attempts import Attempts
from recoup.rules.rescue.engine.chances import instant_of
from recoup.rules.rescue.engine.facts import LOOKS_MAX, Facts, Look

# Of a payer, so many are looked through for those of other orders.
ROWS_BEFORE: Final = 8 * LOOKS_MAX


def facts_at(data: Attempts, own: Sequence[int], others: Sequence[int]) -> Facts:
    """After the rows `own` of an order, its payment first. `others`: rows of the payer's other orders, oldest first."""
    first = own[0]
    return Facts(
        first=look_at(data, first),
        first_key=data.keys[data.key[first]],
        issuer=data.issuers[data.issuer[own[-1]]],
        zone=round(float(data.offset[first]) * 60),
        zone_known=bool(data.zone[first]),
        tries=tuple(look_at(data, row) for row in own[1:]),
        looks=tuple(look_at(data, row) for row in others[-LOOKS_MAX:]),
        credit=bool(data.credit[first]),
    )


def look_at(data: Attempts, row: int) -> Look:
    return Look(instant_of(float(data.at[row])), int(data.answer[row]), int(data.tries[row]))
