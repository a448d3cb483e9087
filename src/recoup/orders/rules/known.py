"""Facts that an engine may know of an order's payer and card beside the order itself, as read with
the order."""

from datetime import datetime
from uuid import UUID

from recoup.kernel.frozen import frozen


@frozen
class Seen:
    """Answered attempt of the payer. `answer`: its class (`rescue.rules.answer_classes`); `tries`:
    how many of the same payment came before it; `order_id`: None of a payment that was never sent
    to us."""

    at: datetime
    answer: int
    tries: int
    order_id: UUID | None


@frozen
class RescueKnown:
    """`seen`: the payer's latest attempts with this merchant, of this order too. `others_open`: the
    merchant's other open orders with the same card. `issuer_answers`: as in `Facts`. `visa_limit`:
    by which the card's sends are counted; None: they were not read. `links`: the merchant's latest
    links to pay and how many were paid; None: the engine does not pick their moment."""

    seen: tuple[Seen, ...] = ()
    others_open: int = 0
    issuer_answers: tuple[int, ...] = ()
    visa_limit: int | None = None
    links: tuple[int, int] | None = None
