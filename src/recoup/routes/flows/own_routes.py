"""Merchants' own card routes as this process holds them: whose each is, whether it takes new
charges, and its processor, made when something first needs it."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec
import structlog

from recoup.db.statement import Read
from recoup.kernel.problem import Problem
from recoup.kernel.time import WallTime
from recoup.kit.ports import Keys
from recoup.processors.gateways.bridge import NoProcessor
from recoup.processors.gateways.kinds import KINDS, Connection, usable_kinds
from recoup.processors.gateways.port import Processor
from recoup.processors.rules.route_terms import RouteTerms
from recoup.routes.store.card_routes import sealed_connections
from recoup.routes.store.connections import Generation, OwnRoute, generation_of_own, own_routes

if TYPE_CHECKING:
    from recoup.processors.gateways.kinds import OpenProcessor

SECRETS_OVERLAP: Final = timedelta(days=3)  # as long as a processor repeats a notice
REPLACED_MAX: Final = 16
READ_AFTER: Final = timedelta(minutes=1)  # though nothing was changed: secrets end by themselves
log = structlog.get_logger()


def connection_context(_: object, name: str) -> str:
    """Context under which a route's connection is sealed."""
    return f"route:{name}"


def open_connection(keys: Keys, name: str, sealed: bytes) -> Connection:
    """Raises: Problem(internal); msgspec.MsgspecError."""
    return msgspec.json.decode(
        keys.open_secret(connection_context(None, name), sealed), type=Connection
    )


def terms_of_own(name: str, kind: str, country: str = "") -> RouteTerms:
    """Terms of a merchant's own route: any payment that its kind takes, counted by the merchant's
    own acceptor; none where the kind is not installed."""
    entry = usable_kinds()[0].get(kind)
    cards, stored = entry is not None and entry.cards, entry is not None and entry.stored
    return RouteTerms(name, cards=cards, stored=stored, country=country)


def seal_connection(keys: Keys, connection: Connection) -> bytes:
    return keys.seal_secret(
        connection_context(None, connection.name), msgspec.json.encode(asdict(connection))
    )


class _Own:
    """A merchant's own route. `row`: as it was last read."""

    def __init__(self, row: OwnRoute, connection: Connection) -> None:
        self.row, self.connection = row, connection
        self.processor: OpenProcessor | None = None

    def opened(self) -> Processor:
        if self.processor is None:
            try:
                self.processor = KINDS[self.row.kind].make(self.connection, None)
            except (Problem, LookupError) as error:
                log.warning(
                    "connected route cannot be used",
                    route=self.row.name,
                    error=type(error).__name__,
                )
                return NoProcessor(self.row.name)
        return self.processor


class OpenProcessors(Mapping[str, Processor]):
    """The processors of a world by route: those of the settings, in their order, then merchants'
    own. What is iterated stays as it was when the iteration began."""

    def __init__(self, fixed: Mapping[str, Processor], keys: Keys) -> None:
        self.fixed, self._keys = fixed, keys
        self._own: Mapping[str, _Own] = {}
        self._of_merchant: Mapping[UUID, Sequence[_Own]] = {}
        self._replaced: list[OpenProcessor] = []  # calls may be under way with them
        self._taking = asyncio.Lock()
        self._taken: tuple[Generation, WallTime] | None = None

    def __getitem__(self, route: str) -> Processor:
        processor = self.fixed.get(route)
        return processor if processor is not None else self._own[route].opened()

    def __contains__(self, route: object) -> bool:
        return route in self.fixed or route in self._own

    def __iter__(self) -> Iterator[str]:
        return iter((*self.fixed, *self._own))

    def __len__(self) -> int:
        return len(self.fixed) + len(self._own)

    def owner(self, route: str) -> UUID | None:
        """The merchant that owns a route; None for a route of the settings."""
        own = self._own.get(route)
        return own.row.merchant_id if own is not None else None

    def country(self, route: str) -> str:
        """The country of a merchant's own route; empty for others, and where nobody gives it."""
        own = self._own.get(route)
        return own.row.country if own is not None else ""

    def is_none(self, route: str) -> bool:
        """True when it stands in for a route that is not set."""
        processor = self.fixed.get(route)
        return processor is not None and processor.kind == NoProcessor.kind

    def visible(self, merchant_id: UUID | None) -> list[str]:
        """Routes of the settings, then the merchant's own."""
        own = self._of_merchant.get(merchant_id, ()) if merchant_id is not None else ()
        return [*self.fixed, *(route.row.name for route in own)]

    def takes_charges(self, merchant_id: UUID) -> list[RouteTerms]:
        """The merchant's own routes that new charges may go by."""
        own = self._of_merchant.get(merchant_id, ())
        return [
            terms_of_own(route.row.name, route.row.kind, route.row.country)
            for route in own
            if route.row.state == "connected"
        ]

    def connected(self) -> list[str]:
        return [name for name, route in self._own.items() if route.row.state == "connected"]

    def forget(self) -> None:
        """The routes are read anew by the next call."""
        self._taken = None

    async def take(self, db: Read, now: WallTime) -> None:
        """The routes as they stand now. What did not change keeps its processor."""
        async with self._taking:
            generation = await generation_of_own(db)
            if self._taken is not None:
                before, at = self._taken
                if generation == before and timedelta(0) <= now - at < READ_AFTER:
                    return
            await self._take(db, await own_routes(db), now)
            self._taken = generation, now
            while len(self._replaced) > REPLACED_MAX:
                await self._replaced.pop(0).close()

    async def _take(self, db: Read, rows: Iterable[OwnRoute], now: WallTime) -> None:
        own = {row.name: row for row in rows if row.name not in self.fixed}
        before, changed = self._own, [name for name, row in own.items() if self._is_new(row, now)]
        sealed = await sealed_connections(db, changed) if changed else {}
        taken: dict[str, _Own] = {}
        for name, row in own.items():
            if name not in changed:
                taken[name] = before[name]
            elif (connection := self._opened(row, sealed.get(name), now)) is not None:
                taken[name] = _Own(row, connection)
                if name in before and before[name].connection == connection:
                    taken[name].processor = before[name].processor
        kept = {id(route.processor) for route in taken.values()}
        gone = [
            route.processor
            for route in before.values()
            if route.processor is not None and id(route.processor) not in kept
        ]
        self._replaced += gone
        of_merchant: dict[UUID, list[_Own]] = {}
        for route in taken.values():
            of_merchant.setdefault(route.row.merchant_id, []).append(route)
        self._own, self._of_merchant = taken, of_merchant

    def _is_new(self, row: OwnRoute, now: WallTime) -> bool:
        held = self._own.get(row.name)
        if held is None or held.row.version != row.version:
            return True
        return " " in held.connection.notice_secret and not _overlaps(row, now)

    def _opened(self, row: OwnRoute, sealed: bytes | None, now: WallTime) -> Connection | None:
        if sealed is None:
            return None
        try:
            connection = open_connection(self._keys, row.name, sealed)
        except (Problem, msgspec.MsgspecError):
            log.warning("connected route cannot be read", route=row.name)
            return None
        if _overlaps(row, now):
            return connection
        return replace(connection, notice_secret=connection.notice_secret.split(" ")[0])

    async def close(self) -> None:
        """The processors of merchants' own routes."""
        made = [route.processor for route in self._own.values() if route.processor is not None]
        for processor in (*made, *self._replaced):
            await processor.close()
        self._own, self._of_merchant, self._replaced = {}, {}, []


def _overlaps(row: OwnRoute, now: WallTime) -> bool:
    """True when the notices' previous secret still holds."""
    return (
        row.secret_rolled_at is not None and now - WallTime(row.secret_rolled_at) < SECRETS_OVERLAP
    )
