"""A card that a payer typed on a payment link: for one attempt, unless they agree to later ones."""

from datetime import datetime
from uuid import UUID

from recoup.kernel.frozen import frozen


@frozen
class CardIds:
    """`card_id` is what the network gate counts by, `pan_id` which number it is."""

    token_id: UUID
    card_id: UUID
    pan_id: UUID


@frozen
class Plan:
    """An attempt that was planned, or would be."""

    due_at: datetime
    ladder: str
    decision_id: UUID | None
    when_due: str | None
    units: int


@frozen
class TypedCard:
    """The card of one attempt. `own` and `plan`: the order's card and planned attempt, which
    both come back when the bank declines. `later`: what is planned with the typed card once
    its payer agrees; None: they are not asked. `until`: they agreed to later attempts until
    then."""

    card: CardIds
    own: CardIds
    plan: Plan | None
    later: Plan | None = None
    until: datetime | None = None
