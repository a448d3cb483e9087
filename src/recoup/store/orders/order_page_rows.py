"""The rows that an order's page is made of, beside those that flows know, too. Of JSON: each is a table's row."""

from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.rules.order.kinds import Door, OrderKind
from recoup.rules.order.lifecycle import Stage
from recoup.store.orders.wire_orders import RefundedItem
from recoup.store.statement import Row
from recoup.store.table import Hex


class PageOrder(Row, frozen=True):
    """What never changes, but for stage, version and what a merchant may amend."""

    merchant_id: UUID
    order_id: UUID
    stage: Stage
    version: int
    door: Door
    kind: OrderKind
    external_id: str
    generation: int
    site_id: UUID
    campaign_id: UUID | None
    descriptor: str
    asset: str
    units: int
    amount_text: str
    transaction_id: str | None
    placed_at: datetime
    expires_at: datetime | None
    facts: dict[str, Any]
    do_not_retry: bool
    metadata: dict[str, Any]
    arm: str | None
    arm_version: int | None


class PageSite(Row, frozen=True):
    site_id: UUID
    url: str
    name: str
    descriptor: str
    cit_web: bool
    cit_callcenter: bool
    mit: bool
    is_default: bool
    created_at: datetime
    support: str
    retired_at: datetime | None


class PageCampaign(Row, frozen=True):
    campaign_id: UUID
    site_id: UUID
    key: str
    name: str
    descriptor: str
    cit_web: bool
    cit_callcenter: bool
    mit: bool
    created_at: datetime
    retired_at: datetime | None


class PagePayer(Row, frozen=True):
    payer_id: UUID | None
    first_name: str
    last_name: str
    email: str
    phone: str
    ip: str
    billing: dict[str, Any] | None
    shipping: dict[str, Any] | None


class PageCard(Row, frozen=True):
    scheme: str
    bin: str
    last4: str
    exp_month: int
    exp_year: int
    route: str | None = None  # whose processor keeps it


class PageModification(Row, frozen=True):
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


class PageRequest(Row, frozen=True):
    """A refund that a second person has or had to agree to. `asker`: the requester's name, and `not_now`: why a reader
    cannot agree to it, where somebody has filled them in."""

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


class PageAdvance(Row, frozen=True):
    """What was approved before it was collected."""

    asset: str
    units: int
    due_units: int
    state: str
    policy: str
    started_at: datetime
    until: datetime
    customers: list[UUID]


class PageWords(Row, frozen=True):
    """What somebody typed for a line of the log."""

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


class PageDecision(Row, frozen=True):
    decision_id: UUID
    order_id: UUID
    at: datetime
    verdict: str
    features: dict[str, Any]
    plan: list[str]
    reasons: list[str]
    rules: list[str]
    alternatives: list[Weighed]
    versions: dict[str, str | None]
    taken: str | None
    arm: dict[str, Any] | None


class PageEntry(Row, frozen=True):
    line_no: int
    account: str
    asset: str
    place: str
    units: int
    available_at: datetime
    balance_after: int | None


class PagePosting(Row, frozen=True):
    posting_id: UUID
    source_kind: str
    source_id: UUID
    recipe: str
    order_id: UUID | None
    content_hash: Hex
    business_at: datetime
    recorded_at: datetime
    page_no: int | None
    position: int | None
    entries: list[PageEntry]


class PageTry(Row, frozen=True):
    """A delivery of an event. `mine`: to an endpoint of the merchant's own that there still is."""

    try_id: UUID
    endpoint_id: UUID
    subject_id: UUID
    seq: int
    event_id: UUID
    try_no: int
    at: datetime
    status: int | None
    error: str | None
    latency_ms: int
    answer: str
    result: str
    sample: str | None
    resent: bool
    url: str | None
    mine: bool


class PageWait(Row, frozen=True):
    """To which URL an event is still to go, when, and after how many tries. `behind`: another one goes first."""

    url: str
    at: datetime
    tries: int
    behind: bool


class PageEvent(Row, frozen=True):
    """`waits`: None of a moment that is past: what waited then is kept nowhere."""

    subject_id: UUID
    seq: int
    subject_kind: str
    event_id: UUID
    event: str
    body: dict[str, Any]
    business_at: datetime
    recorded_at: datetime
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


class PageBlock(Row, frozen=True):
    block_id: UUID
    kind: str
    reason: str
    order_id: UUID | None
    actor: str
    business_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None


class PageDue(Row, frozen=True):
    """When what waits is due."""

    admit: datetime | None = None
    retry: datetime | None = None
    expire: datetime | None = None
    release: datetime | None = None
    inquire: datetime | None = None
