"""A dispute of an order, as a flow sees it while it holds the order's lock."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from recoup.networks.disputes import takes_money


@dataclass(slots=True)
class Dispute:
    """Row of disputes: a case of the processor. See `networks.disputes` for how notices move
    it."""

    dispute_id: UUID
    order_id: UUID
    dispute_no: int
    attempt_id: UUID
    route: str
    case_ref: str
    round_id: UUID
    kind: str
    reason_code: str
    stage: str
    state: str
    units: int
    asset: str
    liable: str
    fee_units: int
    opened_at: datetime
    respond_by: datetime | None = None
    warned: bool = False
    closed_at: datetime | None = None
    answer: Literal["contest", "accept"] | None = None
    answer_id: UUID | None = None
    answer_state: str | None = None
    answer_tries: int = 0
    answer_before: datetime | None = None
    answer_code: str | None = None
    answer_no: int = 0

    @property
    def takes_money(self) -> bool:
        return takes_money(self.stage, self.state)

    @property
    def answering(self) -> bool:
        """An answer is on its way, and what the processor makes of it is not known."""
        return self.answer_state in ("owed", "sent")
