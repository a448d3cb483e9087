"""Revoked mandate of an order's customer, as the rescue API shows it."""

from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta

from recoup.kernel.time import iso
from recoup.kit.api.wire import Moment, Shape
from recoup.mandates.rules import stopped_by
from recoup.mandates.store import OF_CARD
from recoup.orders.store.wire_orders import WholeOrder
from recoup.processors.rules.agreement import agreement_of
from recoup.rescue.api.places import OrderField


class MandateRevoked(Shape):
    """What the customer has revoked at the bank; nothing of it is sent until they agree anew."""

    scope: str
    """`payment` (R0: this order), `agreement` (R1, advice 21) or `all` with this card (R3)."""
    response_code: str
    """R0, R1, R3, or MAC 21 for advice 21."""
    revoked_at: Moment
    order_id: UUID | None
    """The order whose decline said so."""


def mandate_revoked(row: WholeOrder) -> MandateRevoked | None:
    """Revoked mandate for every order that it is about, also one that was paid before."""
    if row.order_type != "MIT":
        return None
    revoked = stopped_by(agreement_of(row.facts), OF_CARD.of(row.facets), row.order_id)
    if revoked is None or revoked.scope is None:
        return None
    return MandateRevoked(
        scope=revoked.scope,
        response_code=revoked.code or "",
        revoked_at=iso(revoked.at),
        order_id=revoked.order_id,
    )


_MEANING: Final = (
    "The revocation that stops payments of this agreement and card; null: they may be sent."
)
_TYPE: Final = Annotated[MandateRevoked | None, Meta(description=_MEANING)]
ORDER_FIELD: Final = OrderField("mandate_revoked", _TYPE, mandate_revoked)
