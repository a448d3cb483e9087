"""What became of one order, by any of its ids. Source: contract §6, §17.1 (U7)."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from recoup.doors.rescue.body import UNREAD
from recoup.doors.rescue.wire import Envelope, Moment, Shape


class OutcomeBody(Shape, kw_only=True):
    """Which order: one of both names it."""

    order_session_key: (
        Annotated[
            str, Meta(min_length=1, max_length=256, description="The `orderId` of /evaluate, or your own order id.")
        ]
        | UnsetType
    ) = UNSET
    order_id: (
        Annotated[str, Meta(max_length=256, description="The same, if `orderSessionKey` is missing.")] | UnsetType
    ) = UNSET
    mid: Annotated[Any | None, Meta(extra=UNREAD)] = None


class Happening(Shape, kw_only=True):
    """A line of the order's log. Of an attempt that several card processors could have taken: `route`, the one that
    it went to, and `routeReason`, why."""

    sequence: int
    happening: str
    at: Moment
    route: str | UnsetType = UNSET
    route_reason: str | UnsetType = UNSET
    text: Annotated[
        str | UnsetType, Meta(description="The processor's code and words, of a request that it refused.")
    ] = UNSET


class Outcome(Envelope, kw_only=True):
    """How the order stands, and how it got there; `NOTFOUND` for an unknown key."""

    confirmation_id: str | None = None
    order_id: UUID | UnsetType = UNSET
    external_order_id: str | UnsetType = UNSET
    reason: str | None | UnsetType = UNSET
    next_attempt_at: Moment | None | UnsetType = UNSET
    refunded_amount: Annotated[
        int | UnsetType, Meta(description="Minor units that went back to the customer, or are owed back.")
    ] = UNSET
    history: list[Happening] | UnsetType = UNSET
