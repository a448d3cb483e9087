"""Base of every connector to a vendor: an account whose stored methods are charged by one HTTP
API."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.processors.gateways.look_up import NOT_OFFERED
from recoup.processors.gateways.outcome import Outcome
from recoup.processors.gateways.port import Authenticates, Charge, Inquiry, LookUp
from recoup.processors.gateways.transport import NoAnswerError, NotSentError
from recoup.processors.rules.credential import CredentialKind


class Api(Protocol):
    """The vendor's. `calls`: which it has made, without ids."""

    calls: set[str]

    async def close(self) -> None: ...


class VendorAccount(ABC):
    """A connector names its `_api` and what it sends; no method raises for anything the vendor
    does."""

    takes: frozenset[CredentialKind] = frozenset({"stored"})
    takes_files = multicapture = keeps_rest = False
    authenticates: Authenticates = "never"
    tells_disputes = True
    unprocessed_codes: frozenset[str] = frozenset()
    settled_after = timedelta(seconds=60)

    _api: Api

    def __init__(self, name: str, acceptor_id: str, clocks: Clocks | None) -> None:
        self.name, self.acceptor_id, self._clocks = name, acceptor_id, clocks or Clocks()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    @property
    def calls(self) -> frozenset[str]:
        return frozenset(self._api.calls)

    async def close(self) -> None:
        await self._api.close()

    async def charge(self, charge: Charge) -> Outcome:
        started = self._clocks.monotonic()
        outcome = await self._charge(charge, started + charge.timeout_seconds)
        return replace(outcome, latency_ms=round((self._clocks.monotonic() - started) * 1000))

    @abstractmethod
    async def _charge(self, charge: Charge, until: float) -> Outcome:
        """Sends a charge. `until`: when the answer has to be there, on the monotonic clock."""

    def brought_back(self, query: Mapping[str, str]) -> str | None:
        return None

    async def inquire(self, inquiry: Inquiry) -> Outcome:
        try:
            return await self._inquire(inquiry)
        except (NotSentError, NoAnswerError) as error:
            return Outcome("unknown", inquiry.reference, text=f"{error}")
        except Problem as problem:
            return Outcome("unknown", inquiry.reference, text=problem.message)

    @abstractmethod
    async def _inquire(self, inquiry: Inquiry) -> Outcome:
        """Raises: NotSentError, NoAnswerError, Problem(unavailable): the question had no answer."""

    async def look_up(self, question: LookUp) -> Outcome:
        try:
            return await self._look_up(question)
        except (NotSentError, NoAnswerError) as error:
            return Outcome("unknown", text=f"{error}")
        except Problem as problem:
            return Outcome("unknown", text=problem.message)

    async def _look_up(self, question: LookUp) -> Outcome:
        """Raises: NotSentError, NoAnswerError, Problem(unavailable)."""
        return NOT_OFFERED


def unanswered(error: NotSentError | NoAnswerError, reference: str | None = None) -> Outcome:
    """The outcome of a message that moves money and has no answer: what may have arrived is
    unknown, and nothing else is proven."""
    if isinstance(error, NotSentError):
        return Outcome("not_sent", reference, text=f"{error}", fault="outage")
    return Outcome("unknown", reference, text=f"{error}")
