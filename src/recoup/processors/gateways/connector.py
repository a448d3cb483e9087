"""Port for a connector to a vendor, beyond charging: its account examined, its notices and books
read."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, TypeGuard
from uuid import UUID

from msgspec import Struct

from recoup.kernel.frozen import frozen
from recoup.networks.disputes import NoticeStage, Status
from recoup.processors.gateways.asking_only import AskingOnly
from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.outcome import Outcome
from recoup.processors.gateways.port import Processor, StatementLine
from recoup.processors.rules.answers import Movement
from recoup.processors.rules.billing import InvoiceState


class Finding(NamedTuple):
    """Finding of `check`. `cure`: what to do where it is not ok. `unclear`: nobody answered, so it
    says nothing of the account. `billing`: needed only where the processor's invoices are rescued.
    `country`: where the account says that it is."""

    name: str
    ok: bool
    finding: str
    cure: str | None = None
    unclear: bool = False
    billing: bool = False
    country: str = ""


class OwnRetry(NamedTuple):
    """An open invoice that the processor will charge by itself."""

    invoice: str
    at: datetime


Subject = Literal[
    "charge", "modification", "dispute", "method", "ended", "invoice", "fraud", "hold"
]


class Acknowledgement(NamedTuple):
    """The whole body of a 200 that a processor waits for."""

    body: bytes
    media_type: str = "text/plain; charset=utf-8"


class DisputeCase(NamedTuple):
    """A dispute as the processor's book has it. `charge`: its reference of the charge, empty where
    only the notice's `message_id` names it; `units` in the currency's minor unit; `fee` as charged
    for the dispute."""

    id: str
    charge: str
    units: int
    currency: str
    stage: NoticeStage
    status: Status
    reason_code: str = ""
    respond_by: datetime | None = None
    fee: int = 0


@frozen
class Notice:
    """A signed notice, read as a hint: something happened, and what it was stands in the
    processor's book.

    `id` is the notice's own; `about` the object's, of `object_kind`; `message_id` is our id, where
    the object or the call that caused it carries one. `charge`, `invoice`: what the object hangs
    on; a charge by the reference that its outcome named. `by_itself`: no call of anybody's caused
    it, so the processor did. `mine`: it is of the account and mode of this connector, else nothing
    is done. `subject`: what is to be asked about, `hold` where a hold is gone, `ended` where a
    method is not to be charged any more; None for a kind that says nothing to us, `because` of
    that: empty for one that the connector does not know. `approves`: it says that money was taken.

    `outcome`, `case`, `movement`: what the signed part itself proves, of `message_id`, of a dispute
    and of what was done with `charge`, from a vendor whose book cannot be read.
    """

    id: str
    kind: str
    object_kind: str
    about: str
    at: datetime
    mine: bool
    message_id: UUID | None = None
    charge: str | None = None
    invoice: str | None = None
    by_itself: bool = False
    subject: Subject | None = None
    approves: bool = False
    outcome: Outcome | None = None
    case: DisputeCase | None = None
    because: str = ""
    movement: Movement | None = None


class Connector(Processor, Protocol):
    """A vendor's account. What the vendor does is never an error: an answer that cannot be read is
    None, or a Finding that is not ok. `tells_disputes`: its notices tell of disputes."""

    tells_disputes: bool

    async def check(self) -> list[Finding]:
        """Key, rights, mode, and what would send beside us; a call for each right."""
        ...

    async def describe(self, stored: Stored) -> Stored | None:
        """The stored method as the vendor has it; None when it is not there, or not of that
        customer. Raises: Problem(unavailable)."""
        ...

    async def own_retries(self) -> list[OwnRetry]:
        """Raises: Problem(unavailable)."""
        ...

    def lines(self, begin: datetime, end: datetime) -> AsyncIterator[list[StatementLine]]:
        """The lines of what moved in that time, fees in lines of their own. Raises:
        Problem(unavailable)."""
        ...

    def read_notices(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Notice]:
        """`headers` by lower-case name; `body` as it came. Raises: Problem(unauthorized) for what
        is not signed so, or too old; Problem(invalid) for what cannot be read."""
        ...


class Acknowledging(Protocol):
    """A connector whose notices are answered in the vendor's own words; without it a 200 is
    enough."""

    acknowledgement: Acknowledgement


class Challenged(Protocol):
    """A connector whose vendor proves an address by GET before it posts notices there."""

    def answer_challenge(self, query: Mapping[str, str]) -> Acknowledgement | None:
        """The acknowledgement; None for what is no challenge of that vendor's."""
        ...


class Disputing(Protocol):
    """A connector that reads a dispute from the vendor's book."""

    async def dispute_case(self, case_id: str) -> DisputeCase | None:
        """The dispute case; None for what cannot be read. Raises: Problem(unavailable)."""
        ...


class Booked(Connector, Protocol):
    """A connector that reads from the vendor's book what was done with a charge."""

    async def movements_of(self, reference: str, about: str) -> list[Movement]:
        """The movements of the charge of this reference, of which `about` may be one. Raises:
        Problem(unavailable)."""
        ...


class NewsGiving(Booked, Protocol):
    """A connector whose vendor does not notify of what is done beside us: its book does."""

    async def news(self, since: datetime) -> set[str]:
        """References of the charges with which something was done. Raises: Problem(unavailable)."""
        ...


class BilledInvoice(Struct, frozen=True):
    """An invoice of the processor's billing, whose next own attempt is at `own_retry_at`, of
    `own_tries_left` at most. `decline`: of the newest that failed."""

    state: InvoiceState
    customer: str
    email: str
    currency: str
    own_retry_at: datetime | None
    own_tries_left: int
    subscription: str | None
    decline: Outcome


class Billing(Protocol):
    """A connector whose vendor bills, too. Each raises Problem(unavailable) for what the vendor did
    not confirm; `key` is the idempotency key."""

    async def billed_invoice(self, invoice: str) -> BilledInvoice | None:
        """The invoice; None for one that is not there, or that a route could not pay."""
        ...

    async def failed_since(self, since: datetime) -> list[Notice]:
        """The vendor's facts about invoices whose payment failed, as its notices give them."""
        ...

    async def set_own_retries(self, invoice: str, key: str, *, on: bool) -> None: ...

    async def mark_paid(self, invoice: str, key: str) -> None:
        """Paid elsewhere: it is charged no more. One that is paid already stays so."""
        ...


def refund_found(said: Outcome, key: UUID | None) -> list[Movement]:
    """A refund as the book has it; one that failed was made before."""
    units, currency = said.units or 0, said.currency or ""
    made = Movement("refund", said.reference or "", units, currency, key, said.ids)
    failed = [made, made._replace(kind="refund_failed")]
    return failed[:1] if said.state == "approved" else failed if said.state == "declined" else []


def is_billing(processor: object) -> TypeGuard[Billing]:
    return hasattr(processor, "billed_invoice")


def is_connector(processor: Processor) -> TypeGuard[Connector]:
    return hasattr(processor, "read_notices")


def connector_of(processor: Processor | None) -> Connector | None:
    """The connector of a route, also of one that left the settings; None for other processors."""
    inner = processor.connector if isinstance(processor, AskingOnly) else processor
    return inner if inner is not None and is_connector(inner) else None


def billing_of(processor: Processor | None) -> Billing | None:
    connector = connector_of(processor)
    return connector if is_billing(connector) else None


def is_acknowledging(processor: object) -> TypeGuard[Acknowledging]:
    return hasattr(processor, "acknowledgement")


def is_challenged(processor: object) -> TypeGuard[Challenged]:
    return hasattr(processor, "answer_challenge")


def is_booked(processor: object) -> TypeGuard[Booked]:
    return hasattr(processor, "movements_of")


def is_news_giving(processor: object) -> TypeGuard[NewsGiving]:
    return hasattr(processor, "news")


def is_disputing(processor: object) -> TypeGuard[Disputing]:
    return hasattr(processor, "dispute_case")
