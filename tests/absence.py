"""A processor that stays away while something is sent to it, and what it says when it is back."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.worlds import Shop, owner

from recoup.networks.decline_code import our_code
from recoup.orders.moves.pace import ATTENTION_AFTER_TRIES
from recoup.processors.gateways.port import Inquiry, Outcome
from recoup.processors.gateways.sandbox.processor import SandboxProcessor
from recoup.rescue.flows.on_demand import set_fault


async def away(self: SandboxProcessor, asked: Any) -> Outcome:
    return Outcome("unknown", text="nobody can be asked")


@contextmanager
def processor_away(monkeypatch: pytest.MonkeyPatch, *calls: str) -> Iterator[None]:
    """It does nothing that it is asked for, and answers nothing; only these of its `calls`, else
    what gives money back, captures and voids."""
    with monkeypatch.context() as patched:
        for call in calls or ("modify",):
            patched.setattr(SandboxProcessor, call, away)
        yield


@contextmanager
def first_not_processed(
    monkeypatch: pytest.MonkeyPatch, call: str = "modify"
) -> Iterator[set[UUID]]:
    """It proves of the first message that the issuer never received it, and says so of that id for
    ever. Which ids those were."""
    real_call, real_inquiry = getattr(SandboxProcessor, call), SandboxProcessor.inquire
    dropped = set[UUID]()
    never = Outcome("not_sent", processor_code=our_code("not_processed"))

    async def answered(self: SandboxProcessor, message: Any) -> Outcome:
        if not dropped:
            dropped.add(message.id)
        return never if message.id in dropped else await real_call(self, message)

    async def inquired(self: SandboxProcessor, inquiry: Inquiry) -> Outcome:
        return never if inquiry.id in dropped else await real_inquiry(self, inquiry)

    with monkeypatch.context() as patched:
        patched.setattr(SandboxProcessor, call, answered)
        patched.setattr(SandboxProcessor, "inquire", inquired)
        yield dropped


async def hurried(shop: Shop, kind: str = "modification") -> None:
    """What is sent to the processor again is sent now."""
    async with owner(shop.world) as connection:
        await connection.execute(
            "UPDATE due_work SET due_at = now() - interval '1 s', lease_until = NULL WHERE kind = "
            "$1",
            kind,
        )
    await shop.run_due()


async def worried(shop: Shop) -> None:
    """It is sent so often that somebody is told."""
    for _ in range(ATTENTION_AFTER_TRIES + 1):
        await hurried(shop)


async def refused(shop: Shop) -> None:
    """It is sent again, and refused for good."""
    await set_fault(shop.world, "refuse", timedelta(hours=1))
    await hurried(shop)
    await shop.settle()
