"""What a connector to a vendor offers beyond charging: its account examined, its notices and books read."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, TypeGuard
from uuid import UUID

from recoup.gateways.cards.credential import Stored
from recoup.gateways.cards.port import Processor, StatementLine


class Finding(NamedTuple):
    """One thing that `check` looked at. `cure`: what to do where it is not ok."""

    name: str
    ok: bool
    finding: str
    cure: str | None = None


class OwnRetry(NamedTuple):
    """An open invoice that the processor will charge by itself."""

    invoice: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """A signed notice, read as a hint: something happened, and what it was stands in the processor's book.

    `id` is the notice's own; `about` the object's, of `object_kind`; `message_id` is our id, where the object or the
    call that caused it carries one. `charge`, `invoice`: what the object hangs on. `by_itself`: no call of anybody's
    caused it, so the processor did. `mine`: it is of the account and mode of this connector, else nothing is done.
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


class Connector(Processor, Protocol):
    """A vendor's account. What the vendor does is never an error: an answer that cannot be read is None, or a Finding
    that is not ok."""

    async def check(self) -> list[Finding]:
        """Key, rights, mode, and what would send beside us; a call for each right."""
        ...

    async def describe(self, stored: Stored) -> Stored | None:
        """The stored method as the vendor has it; None when it is not there, or not of that customer. Raises:
        Problem(unavailable)."""
        ...

    async def own_retries(self) -> list[OwnRetry]:
        """Raises: Problem(unavailable)."""
        ...

    def lines(self, begin: datetime, end: datetime) -> AsyncIterator[list[StatementLine]]:
        """What moved in that time, fees in lines of their own. Raises: Problem(unavailable)."""
        ...

    def read_notices(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Notice]:
        """`headers` by lower-case name; `body` as it came. Raises: Problem(unauthorized) for what is not signed so, or
        too old; Problem(invalid) for what cannot be read."""
        ...


def is_connector(processor: Processor) -> TypeGuard[Connector]:
    return hasattr(processor, "read_notices")
