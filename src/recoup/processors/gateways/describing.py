"""Facts that a processor knows of the methods that it stores."""

from typing import Protocol, TypeGuard

from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.port import Processor


class Describing(Processor, Protocol):
    async def describe(self, stored: Stored) -> Stored | None:
        """The stored method as the processor has it; None when it is not there, or not of that
        customer. Raises: Problem(unavailable)."""
        ...


def describes(processor: Processor) -> TypeGuard[Describing]:
    return hasattr(processor, "describe")


def needs_customer(processor: Processor) -> bool:
    """True when it finds a method only by its customer too; a connector says so as
    `needs_customer`."""
    return bool(getattr(processor, "needs_customer", False))


def has_guessable_ids(processor: Processor) -> bool:
    """True when its ids of methods are short numbers that a stranger may count up; a connector says
    so as `guessable_ids`."""
    return bool(getattr(processor, "guessable_ids", False))


def account_of(processor: Processor) -> str:
    """The account whose fingerprints it speaks of: the same card has another one at another
    account."""
    return str(getattr(processor, "account", "") or processor.acceptor_id)
