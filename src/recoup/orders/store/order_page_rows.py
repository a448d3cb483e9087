"""The rows that an order's page is made of, beside those that flows know, too. Of JSON: each is a
table's row."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.db.statement import Row
from recoup.db.table import Hex
from recoup.merchants.store.merchants import Campaign
from recoup.orders.rules.snapshot import OrderColumns
from recoup.orders.store.rows import CardFace, MadeDecision, OutboxEvent, PostingSource
from recoup.orders.store.tries import NewTry
from recoup.orders.store.wire_orders import RefundedItem


@dataclass(slots=True)
class PageOrder(OrderColumns):
    arm_version: int | None


@dataclass(frozen=True, slots=True)
class PageCampaign(Campaign):
    retired_at: datetime | None = None


class PersonalData(Row, frozen=True):
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    ip: str = ""
    billing: dict[str, Any] | None = None
    shipping: dict[str, Any] | None = None


class PagePayer(PersonalData, frozen=True):
    payer_id: UUID | None = None


class PageCard(CardFace):
    route: str | None = None  # whose processor keeps it


class PageModification(Row):
    modification_id: UUID
    order_id: UUID
    modification_no: int
    kind: str
    attempt_id: UUID | None
    state: str
    units: int
    asset: str
    message: str
    items: list[RefundedItem]
    tries: int
    send_before: datetime | None
    not_found: int
    reference: str | None
    processor_code: str | None
    business_at: datetime
    actor: str
    send_id: UUID | None
    hand_note: str | None
    hand_actor: str | None
    approved_by: str | None
    unsent: int


class PageRequest(Row):
    """A refund that a second person has or had to agree to. `asker`: the requester's name,
    `not_now`: why a reader cannot agree to it, and `to`: the wallet that it goes to, where somebody
    has filled them in."""

    request_id: UUID
    order_id: UUID
    state: str
    units: int
    asset: str
    message: str
    items: list[RefundedItem]
    requested_by: str
    requested_role: str
    requested_at: datetime
    expires_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str
    asker: str = ""
    not_now: str = ""
    to: str = ""
    act: str = "refund"


class PageAdvance(Row):
    """Advance: approved before it was collected."""

    asset: str
    units: int
    due_units: int
    state: str
    policy: str
    started_at: datetime
    until: datetime
    customers: list[UUID]


class PageWords(Row, frozen=True):
    """Words that somebody typed for a line of the log."""

    seq: int
    text: str


class Weighed(Row, frozen=True):
    """Another way that was open. The rest is said of those that the engine weighed."""

    name: str
    note: str
    chance: float | None = None
    at: str | None = None
    price: float | None = None
    probability: float | None = None


class PageDecision(MadeDecision):
    at: datetime
    reasons: list[str]
    alternatives: list[Weighed]
    arm: dict[str, Any] | None


class PageEntry(Row, frozen=True):
    line_no: int
    account: str
    asset: str
    place: str
    units: int
    available_at: datetime
    balance_after: int | None


class PagePosting(PostingSource):
    order_id: UUID | None
    content_hash: Hex
    recorded_at: datetime
    page_no: int | None
    position: int | None
    entries: list[PageEntry]


class PageTry(NewTry, frozen=True):
    """A delivery of an event. `mine`: to an endpoint of the merchant's own that there still is."""

    sample: str | None
    url: str | None
    mine: bool


class PageWait(Row, frozen=True):
    """Wait of an event: to which URL it is still to go, when, and after how many attempts.
    `behind`: another one goes first."""

    url: str
    at: datetime
    tries: int
    behind: bool


class PageEvent(OutboxEvent, frozen=True):
    """`fed`: it has its place in the feed. `waits`: None of a moment that is past: what waited then
    is kept nowhere."""

    fed: bool
    tries: list[PageTry]
    waits: list[PageWait] | None


class PageNote(Row, frozen=True):
    note_id: UUID
    text: str
    actor: str
    business_at: datetime
    recorded_at: datetime


class PageBatch(Row, frozen=True):
    """A settlement that has entries of the order."""

    batch_id: UUID
    period_to: datetime


class PageBlock(Row):
    block_id: UUID
    kind: str
    reason: str
    order_id: UUID | None
    actor: str
    business_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None


class PageDue(Row, frozen=True):
    """Due time of what waits."""

    admit: datetime | None = None
    retry: datetime | None = None
    expire: datetime | None = None
    release: datetime | None = None
    inquire: datetime | None = None
