"""Contents of the event of a revoked mandate."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta

from recoup.orders.rules.event_data import OrderData


class MandateRevoked(OrderData, frozen=True, kw_only=True):
    scope: Annotated[
        Literal["payment", "agreement", "all"],
        Meta(
            description="What was revoked: `payment` ends this order, `agreement` those of the "
            "same agreement and "
            "card, `all` each order with that card that you start."
        ),
    ]
    response_code: Annotated[str, Meta(description="R0, R1, R3, or MAC 21.")]
    subscription_id: Annotated[
        str | None, Meta(description="Your id of the agreement, if you named it.")
    ] = None
    revoked_at: datetime


def of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Its data, from what the fact recorded."""
    return {
        "scope": body["scope"],
        "response_code": body["code"],
        "subscription_id": body["subscription"],
        "revoked_at": body["at"],
    }
