"""What bounds of a partner's merchants would have brought, before they are saved. Source: decision 0077."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from recoup.doors.rescue.shapes.backtests import BacktestReport
from recoup.doors.rescue.shapes.policy import RetryPolicyChecked
from recoup.doors.rescue.wire import Moment, Shape


class PolicyBoundsAtMerchant(Shape, kw_only=True):
    """What the orders of one merchant would have brought of the last 90 days, inside its own policies."""

    mid: UUID
    name: str
    made_at: Annotated[
        Moment | None,
        Meta(
            description="Null: the figures are being made, or several back-tests of bounds wait for theirs. The same "
            "check has them some minutes later."
        ),
    ]
    failed: Annotated[str | None, Meta(description="Why there are no figures.")]
    report: BacktestReport | None


class PolicyBoundsChecked(RetryPolicyChecked, kw_only=True):
    """Whether they could be saved, what they would change and would have brought."""

    merchants: Annotated[
        list[PolicyBoundsAtMerchant],
        Meta(description="Those with the most orders, at most 5. Empty where the bounds change nothing."),
    ]
    merchants_in_all: Annotated[int, Meta(ge=0, description="How many have orders whose decisions are kept.")]
