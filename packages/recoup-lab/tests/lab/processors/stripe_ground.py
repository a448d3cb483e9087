"""A connector before a stand-in of Stripe, with a customer whose methods answer as
their names say."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from recoup.kernel.ids import new_id
from recoup.kernel.time import Clocks, WallTime
from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.port import Charge, Inquiry, ModificationMessage
from recoup_connectors.stripe.connector import Stripe
from recoup_lab.processors.stripe.server import KEY, SECRET, StandIn

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Moved(Clocks):
    """Its wall clock can be moved."""

    def __init__(self) -> None:
        object.__setattr__(self, "ahead", timedelta())

    def wall(self) -> WallTime:
        return WallTime(super().wall() + self.ahead)  # type: ignore[attr-defined]

    def move(self, by: timedelta) -> None:
        object.__setattr__(self, "ahead", self.ahead + by)  # type: ignore[attr-defined]


class Ground:
    def __init__(self, standin: StandIn, stripe: Stripe, clocks: Moved) -> None:
        self.standin, self.stripe, self.clocks = standin, stripe, clocks
        self.customer = standin.account.make_customer({})["id"]

    def method(self, name: str = "visa") -> Stored:
        made = self.standin.account.attach(f"pm_card_{name}", {"customer": self.customer})
        return Stored("stripe", made["id"], self.customer, made["card"]["brand"])

    def charge(self, name: str = "visa", **more: Any) -> Charge:
        usual: dict[str, Any] = {
            "id": new_id(),
            "order_id": new_id(),
            "merchant_id": new_id(),
            "acceptor_id": "acct",
            "credential": self.method(name),
            "units": 4590,
            "currency": "USD",
            "initiator": "merchant",
            "capture": True,
            "descriptor": "RC*SHOP",
            "sent_at": AT,
            "send_before_monotonic": Clocks().monotonic() + 60,
            "timeout_seconds": 2.0,
            "mit_reason": "recurring",
        }
        return Charge(**(usual | more))

    def modification(
        self, charge: Charge, reference: str | None, kind: Any, units: int, **more: Any
    ) -> Any:
        usual: dict[str, Any] = {
            "id": new_id(),
            "charge_id": charge.id,
            "units": units,
            "currency": charge.currency,
            "kind": kind,
            "sent_at": AT,
            "send_before_monotonic": Clocks().monotonic() + 60,
            "timeout_seconds": 2.0,
            "reference": reference,
        }
        return ModificationMessage(**(usual | more))

    def inquiry(
        self, message: Any, reference: str | None = None, *, ago: timedelta = timedelta()
    ) -> Inquiry:
        at = self.clocks.wall() - ago
        return Inquiry(
            message.id, message=message, reference=reference, first_sent_at=at, last_sent_at=at
        )

    def succeeded(self) -> int:
        return sum(one["status"] == "succeeded" for one in self.standin.book.all("charge"))


@asynccontextmanager
async def ground(path: Path) -> AsyncIterator[Ground]:
    clocks = Moved()
    standin = await StandIn(path / "book.sqlite", clock=lambda: clocks.wall().timestamp()).start()
    stripe = Stripe(key=KEY, url=standin.url, notice_secrets=(SECRET,), clocks=clocks)
    try:
        yield Ground(standin, stripe, clocks)
    finally:
        await stripe.close()
        await standin.stop()


def play(path: Path, story: Callable[[Ground], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with ground(path) as made:
            await story(made)

    asyncio.run(whole())
