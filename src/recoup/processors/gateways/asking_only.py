"""A route that left the settings: it is asked about what is open and gives back what it took;
nothing new goes by it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from recoup.processors.gateways.port import (
    Charge,
    DisputeAnswer,
    Inquiry,
    LookUp,
    ModificationMessage,
    Outcome,
)

if TYPE_CHECKING:
    from recoup.processors.gateways.kinds import OpenProcessor


class AskingOnly:
    """Implements `port.Processor` over the route's connector."""

    def __init__(self, processor: "OpenProcessor") -> None:
        self._processor = self.connector = processor
        self.name, self.kind, self.acceptor_id = (
            processor.name,
            processor.kind,
            processor.acceptor_id,
        )
        self.asks, self.takes, self.takes_files = (
            processor.asks,
            processor.takes,
            processor.takes_files,
        )
        self.authenticates = processor.authenticates
        self.idempotency_window, self.settled_after = (
            processor.idempotency_window,
            processor.settled_after,
        )
        self.unprocessed_codes = processor.unprocessed_codes
        self.multicapture, self.keeps_rest = processor.multicapture, processor.keeps_rest

    def exponent(self, currency: str) -> int | None:
        return self._processor.exponent(currency)

    def carries(self, units: int, currency: str) -> bool:
        return False

    async def charge(self, charge: Charge) -> Outcome:
        return Outcome("not_sent", text="the route is not in the settings")

    def brought_back(self, query: Mapping[str, str]) -> str | None:
        return self._processor.brought_back(query)

    async def modify(self, message: ModificationMessage) -> Outcome:
        return await self._processor.modify(message)

    async def answer_dispute(self, answer: DisputeAnswer) -> Outcome:
        return await self._processor.answer_dispute(answer)

    async def inquire(self, inquiry: Inquiry) -> Outcome:
        return await self._processor.inquire(replace(inquiry, may_send=False))

    async def look_up(self, question: LookUp) -> Outcome:
        return await self._processor.look_up(question)

    async def close(self) -> None:
        await self._processor.close()
