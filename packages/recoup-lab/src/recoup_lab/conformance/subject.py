"""A connector before its stand-in, as the checks need it. Each check has a new one."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from recoup.kernel.ids import new_id
from recoup.kernel.time import Clocks, WallTime
from recoup.processors.gateways.connector import Notice
from recoup.processors.gateways.look_up import NOT_OFFERED
from recoup.processors.gateways.outcome import Outcome, as_requested
from recoup.processors.gateways.port import (
    Charge,
    Credential,
    Inquiry,
    LookUp,
    ModificationMessage,
    Processor,
)
from recoup_lab.conformance.check import NotOfferedError
from recoup_lab.processors.faults import Faults
from recoup_lab.processors.serving import Posted

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
UNITS = 4590
OTHER = "-" * 32  # somebody else's secret
TIMEOUT_SECONDS = 1.0
Scenario = Literal[
    "approved",
    "declined",
    "sca",
    "blocked",
    "gone",
    "advice",
    "advice_of_visa",
    "no_codes",
    "lost_card",
]
Breaker = Callable[["Subject", Processor], Processor]


class MovedClocks(Clocks):
    """Wall time that a check moves on."""

    __setattr__ = object.__setattr__

    def __init__(self) -> None:
        self.ahead = timedelta()

    def wall(self) -> WallTime:
        return WallTime(super().wall() + self.ahead)


class Subject(ABC):
    """`breaks`: puts a broken connector in its place, for tests of the checks. `golden`: scenario
    -> the fields of its outcome. `amounts`: currency -> units, and how they go over the wire.
    `unlike`: check -> why this vendor cannot have it."""

    golden: Mapping[Scenario, Mapping[str, Any]] = {}
    unlike: Mapping[int, str] = {}
    amounts: Mapping[str, tuple[int, int | str]] = {}
    secrets: tuple[str, ...] = ()

    def __init__(self, breaks: Breaker | None = None) -> None:
        self.clocks, self.faults = MovedClocks(), Faults()
        self._breaks = breaks
        self._open: list[Any] = []
        self.connector: Processor

    async def start(self) -> "Subject":
        await self._serve()
        self.connector = self.anew()
        return self

    async def stop(self) -> None:
        for one in self._open:
            await one.close()
        await self._end()

    def anew(self, url: str | None = None) -> Processor:
        """Another connector with the same settings, as after a restart; `url`: to another
        address."""
        made = self._make(url or self.url)
        self._open.append(made)
        return self._breaks(self, made) if self._breaks else made

    @abstractmethod
    async def _serve(self) -> None: ...

    @abstractmethod
    async def _end(self) -> None: ...

    @property
    @abstractmethod
    def url(self) -> str: ...

    @abstractmethod
    def _make(self, url: str) -> Processor: ...

    @abstractmethod
    def credential(self, scenario: Scenario) -> Credential: ...

    @abstractmethod
    def taken(self) -> int:
        """The number of charges that the processor's book has approved."""

    @abstractmethod
    def calls(self) -> list[str]:
        """`METHOD /path` of those that came in."""

    def break_down(
        self, kind: str, *, of: Literal["charge", "modify", "first"] = "charge", seconds: float = 3
    ) -> None:
        """The next call that moves money has this fault; `first`: the first call of a charge."""
        self.faults.add(kind, self._path(of), seconds=seconds)

    @abstractmethod
    def _path(self, of: str) -> str: ...

    def charge(self, scenario: Scenario = "approved", **more: Any) -> Charge:
        usual: dict[str, Any] = {
            "id": new_id(),
            "order_id": new_id(),
            "merchant_id": new_id(),
            "acceptor_id": "conformance",
            "credential": None,
            "units": UNITS,
            "currency": "USD",
            "initiator": "merchant",
            "capture": True,
            "descriptor": "RC*CHECK",
            "sent_at": AT,
            "send_before_monotonic": Clocks().monotonic() + 60,
            "timeout_seconds": TIMEOUT_SECONDS,
            "agreement": scenario,
            "mit_reason": "recurring",
            "key": new_id(),
            "order_key": new_id(),
        }
        values = usual | more
        return Charge(**values | {"credential": values["credential"] or self.credential(scenario)})

    async def send(self, charge: Charge, by: Processor | None = None) -> Outcome:
        """Sends a charge, and reads the outcome as a flow does."""
        outcome = await (by or self.connector).charge(charge)
        return as_requested(outcome, charge.units, charge.currency)

    def modification(
        self,
        charge: Charge,
        outcome: Outcome,
        kind: Literal["refund", "void", "capture"],
        units: int = UNITS,
    ) -> ModificationMessage:
        return ModificationMessage(
            id=new_id(),
            charge_id=charge.id,
            units=units,
            currency=charge.currency,
            kind=kind,
            sent_at=AT,
            send_before_monotonic=Clocks().monotonic() + 60,
            timeout_seconds=TIMEOUT_SECONDS,
            reference=outcome.reference,
            key=new_id(),
            charge_key=charge.key,
            order_key=charge.order_key,
        )

    async def modify(self, message: ModificationMessage) -> Outcome:
        return as_requested(await self.connector.modify(message), message.units, message.currency)

    async def inquire(
        self,
        message: Charge | ModificationMessage,
        *,
        ago: timedelta = timedelta(minutes=2),
        by: Processor | None = None,
        may_send: bool | None = None,
    ) -> Outcome:
        """`ago`: when it was sent; `may_send`: by default as the way of asking needs it."""
        if may_send is None:
            may_send = self.connector.asks == "by_replay"
        at = self.clocks.wall() - ago
        kind: Literal["charge", "modification"] = (
            "charge" if isinstance(message, Charge) else "modification"
        )
        inquiry = Inquiry(message.id, kind, message, None, at, at, may_send)
        outcome = await (by or self.connector).inquire(inquiry)
        return as_requested(outcome, message.units, message.currency)

    def forget(self) -> None:
        """The processor's memory of keys is over; what it did stands in its book."""
        self.clocks.ahead += self.connector.idempotency_window + timedelta(hours=1)

    async def look_up(
        self,
        message: Charge | ModificationMessage,
        since: datetime,
        known: frozenset[UUID] = frozenset(),
    ) -> Outcome:
        """Raises: NotOfferedError."""
        outcome = await self.connector.look_up(LookUp(message, since, known))
        if outcome.text == NOT_OFFERED.text:
            raise NotOfferedError(
                "it has none: after a restore people decide what became of such a message"
            )
        return as_requested(outcome, message.units, message.currency)

    def calls_made(self) -> frozenset[str]:
        """Calls of every connector of this subject, without ids."""
        return frozenset(one for made in self._open for one in getattr(made, "calls", ()))

    def unpublished(self) -> list[str]:
        """Members of requests that the vendor's published types lack."""
        return []

    def left_open(self) -> int:
        """The number of charges that a payer could still finish."""
        return 0

    def wire_amounts(self) -> list[int] | list[str]:
        """Amounts in the processor's book, oldest first."""
        raise NotOfferedError("its amounts are our own")

    def fail_last_refund(self) -> None:
        """Days later the money comes back."""
        raise NotOfferedError("its answer to a refund is final")

    async def booked(self) -> tuple[int, int]:
        """The sum of its book's lines, and what the book holds; fees in lines of their own.

        Raises: FailedError.
        """
        raise NotOfferedError("it gives no lines: its statements are uploaded")

    def notice(self, about: UUID | None, **more: Any) -> bytes:
        """A notice of a charge; `about`: our id, None for somebody else's. `id`, `at`, `live`,
        `account` by name."""
        raise NotOfferedError("it sends no notices")

    def signed(
        self, body: bytes, *, secret: str | None = None, at: datetime | None = None
    ) -> dict[str, str]:
        """The headers, signed with its secret, or another, at this wall time."""
        raise NotOfferedError("it sends no notices")

    def signed_by_both(self, body: bytes) -> dict[str, str]:
        """Headers signed by another secret and by its own, as while a secret rolls."""
        good, other = self.signed(body), self.signed(body, secret=OTHER)
        return {name: f"{other[name]},{value.split(',', 1)[1]}" for name, value in good.items()}

    def posted(
        self, body: bytes, *, secret: str | None = None, at: datetime | None = None
    ) -> Posted:
        """The notice as it goes out; a vendor whose signature stands in the body puts it there."""
        return Posted(body, self.signed(body, secret=secret, at=at))

    def rolled(self, body: bytes) -> list[Posted]:
        """The body as posted while the key rolls: each of them is valid."""
        return [Posted(body, self.signed_by_both(body))]

    def changed(self, posted: Posted) -> Posted:
        """The notice with other content under the same signature."""
        return Posted(posted.body + b" ", posted.headers)

    def no_notices(self) -> list[Posted]:
        """Signed bodies of which nothing may be read."""
        one = self.notice(new_id())
        return [
            self.posted(body) for body in (b"[" + one + b', {"bad": 1}]', b"null", b"{}", b"\xff")
        ]

    def read(self, headers: Mapping[str, str], body: bytes) -> list[Notice]:
        raise NotOfferedError("it sends no notices")

    def takes_live_key_in_sandbox(self) -> bool:
        raise NotOfferedError("its key is of no mode")


def again(charge: Charge) -> Charge:
    """The same intent as another attempt."""
    return replace(charge, id=new_id(), key=new_id())


async def gathered(calls: list[Awaitable[Outcome]]) -> list[Outcome]:
    return list(await asyncio.gather(*calls))
