"""A World is everything a flow may reach, built only in `main`. No code branches on its name."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from recoup.db.pool import Database
from recoup.db.statement import FIRST_CELL, Connection
from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks

if TYPE_CHECKING:
    from recoup.kit.ports import (
        Hits,
        KeyEndings,
        Keys,
        Models,
        Opening,
        Replica,
        Routes,
        SamplesUnderWay,
        Standing,
    )
    from recoup.outside.mail.port import Mail
    from recoup.outside.sms.port import SmsSender
    from recoup.outside.web.port import Web
    from recoup.processors.gateways.bank import Bank
    from recoup.processors.gateways.channels import Channel
    from recoup.processors.gateways.port import Processor
    from recoup.processors.gateways.token_service import TokenService
    from recoup.processors.gateways.updater import Updater

T = TypeVar("T")
Trainer = Callable[[str], Awaitable[Mapping[str, object]]]
"""Has a training done by another process, in a mode;
answers the columns of the training, or `failed`."""
Backtester = Callable[[UUID, UUID], Awaitable[None]]
"""Has a merchant's back-test made by another process; raises why it was not."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class World:
    """`processors` by route, `channels` by code, `token_services` by the route that offers them, in
    the order of preference.

    What may be missing: without a `replica` the database itself does what takes long; without an
    `updater` nobody says whether a card was replaced, without `token_services` no network tokens
    are made; without `mail` mails wait, and are given up at
    last; without `sms` payers get mails only; without a `people_database` nobody is notified of
    anything; without an `owner_dsn` (of the database, as its schema's owner) others keep the
    database up; `exports` is the folder of those that a release before wrote; without a `trainer`
    nothing is trained by night; without a `backtester` back-tests are made in this process.
    """

    name: str
    db: Database
    replica: "Replica | None" = None
    keys: "Keys"
    processors: Mapping[str, "Processor"]
    web: "Web"
    clocks: Clocks = field(default_factory=Clocks)
    policy: Policy = field(default_factory=Policy)
    channels: Mapping[str, "Channel"] = field(default_factory=dict)
    updater: "Updater | None" = None
    token_services: Mapping[str, "TokenService"] = field(default_factory=dict)
    mail: "Mail | None" = None
    sms: "SmsSender | None" = None
    bank: "Bank"
    models: "Models[Any, Any]"
    routes: "Routes"
    people_database: Database | None = None
    opening: "Opening | None" = None  # of live
    owner_dsn: str | None = None
    url: str = ""  # of this installation, without a slash at its end
    exports: Path | None = None
    trainer: Trainer | None = None
    backtester: Backtester | None = None
    sign_up: bool = True
    cell: int = FIRST_CELL
    # What this process has opened: the other world by name; of this one, where it has several
    # cells, each by its number.
    others: dict[str, "World"] = field(default_factory=dict, repr=False)
    cells: dict[int, "World"] = field(default_factory=dict, repr=False)
    card_hits: "Hits" = field(repr=False)
    unknown_methods: "Hits" = field(repr=False)
    samples: "SamplesUnderWay" = field(repr=False)
    standing: "Standing" = field(repr=False)
    key_endings: "KeyEndings" = field(init=False, repr=False)

    async def read_long(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Runs what only reads and takes long, and may be run again, as of now at the earliest."""
        if self.replica is not None:
            return await self.replica.read(work)
        async with self.db.connection() as connection:
            return await work(connection)

    @property
    def people(self) -> Database:
        """Raises: Problem(unavailable) where there is none."""
        if self.people_database is None:
            raise Problem(
                "unavailable", "This process has no database of people.", cure="Ask the operator."
            )
        return self.people_database

    @property
    def other(self) -> "World | None":
        """The live world of the sandbox, the sandbox of the live world, where this process has
        opened both."""
        return next(iter(self.others.values()), None)

    @property
    def every(self) -> list["World"]:
        """Its cells that this process has opened, the first one first."""
        return list(self.cells.values()) or [self]

    @property
    def known_as(self) -> str:
        """Name by which its marks and leases are kept: of a further cell with its number."""
        return self.name if self.cell == FIRST_CELL else f"{self.name}-{self.cell}"

    @property
    def mark(self) -> str:
        """The mark that links and session tokens of this world begin with."""
        return self.policy.mark
