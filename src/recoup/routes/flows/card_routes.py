"""The card routes of a world: what each carries, and how each stands. Processes share what came
back by a route, its breaker and its switch; each reads them once a second at most, so that a switch
holds everywhere a second later."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from recoup.db.pool import LOST, Database, is_away
from recoup.db.statement import Read, Tx
from recoup.kernel.problem import Problem, in_words
from recoup.kernel.time import Clocks, WallTime
from recoup.merchants.store.sending_stops import SendingStop, standing_stop
from recoup.networks.tables import region_of
from recoup.notifications.moves import alert_of_route
from recoup.processors.gateways.port import Outcome
from recoup.processors.rules.answers import WRONG, Step
from recoup.processors.rules.route_terms import Candidate, RouteTerms
from recoup.rescue.rules.route_by_worth import USUAL_CHANCE
from recoup.routes.flows.own_routes import OpenProcessors
from recoup.routes.rules import breaker
from recoup.routes.rules.breaker import Counts
from recoup.routes.store.card_routes import (
    RouteOut,
    RouteSums,
    StoredRoute,
    add_counts,
    lock_breaker,
    routes_out,
    set_breaker,
    set_refusal,
    stored_routes,
    sums_between,
)

LEARNED_FROM: Final = timedelta(days=28)
SILENT_AFTER: Final = timedelta(minutes=5)  # with an open breaker
SILENT_SUMS: Final = timedelta(hours=2)
SILENT_MIN: Final = 3  # attempts
KEPT: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)


class LearnedSums:
    """Sums of each card route's answers, as routes are learned from them: hours that are over are
    read once an hour, the present ones once a minute. One object a world and process."""

    def __init__(self) -> None:
        self._over: Mapping[str, RouteSums] = {}
        self._present: Mapping[str, RouteSums] = {}
        self._over_until: WallTime | None = None
        self._read_at: WallTime | None = None

    def of(self, route: str) -> tuple[int, int]:
        """Approvals, and those that were expected of the same sends, in millionths."""
        tallies = [
            tally
            for tally in (self._over.get(route), self._present.get(route))
            if tally is not None
        ]
        return sum(tally.approved for tally in tallies), sum(tally.expected for tally in tallies)

    def forget(self) -> None:
        """Forgets the sums: they are read anew by the next call."""
        self._over_until = self._read_at = None

    async def read(self, db: Read, now: WallTime) -> None:
        """Reads the sums; does nothing most of the time."""
        if self._read_at is not None and timedelta(0) <= now - self._read_at < KEPT:
            return
        # the hour before the present one may still be written, by a clock that is behind
        until = WallTime(now.replace(minute=0, second=0, microsecond=0) - _HOUR)
        if until != self._over_until:
            self._over = await sums_between(db, now - LEARNED_FROM, until)
            self._over_until = until
        self._present = await sums_between(db, until, now + _HOUR)
        self._read_at = now


KEEP_SECONDS: Final = 1.0
EXPECTED_MAX: Final = 4_096  # sends under way whose chance is remembered
log = structlog.get_logger()


@dataclass(slots=True)
class _Refusal:
    """The last request that a route's processor refused: `fault` request, credential or account.
    `merchant_id`: whose payment it was; `own`: the route is that merchant's."""

    fault: str
    code: str | None
    text: str | None
    merchant_id: UUID
    own: bool


@dataclass(slots=True)
class _Tally:
    """Answers by one route that are not written yet."""

    approved: int = 0
    expected: int = 0
    declined: int = 0
    not_sent: int = 0
    unknown: int = 0
    refused: int = 0
    refusal: _Refusal | None = None
    counts: Counts = field(default_factory=Counts)


class CardRoutes:
    """Card routes of a world, one object a world and process. `terms`: of the routes in the
    settings, in their order. `retired`: those that left the settings, for inquiries and reversals
    only. `open`: of all processors, where merchants have their own. A processor without terms
    carries anything. Without `db` each stands well and nothing is learned."""

    def __init__(
        self,
        terms: Iterable[RouteTerms] = (),
        retired: Iterable[RouteTerms] = (),
        db: Database | None = None,
        clocks: Clocks | None = None,
        open: OpenProcessors | None = None,
    ) -> None:
        self._open = open
        self._terms: Mapping[str, RouteTerms] = {term.name: term for term in terms}
        self._retired: Mapping[str, RouteTerms] = {terms.name: terms for terms in retired}
        self._db, self._clocks = db, clocks or Clocks()
        self.stop: SendingStop | None = None  # of all sending
        self._out: Mapping[str, RouteOut] = {}
        self._sums = LearnedSums()
        self._read_at: float | None = None
        self._first = asyncio.Lock()
        self._tallies: dict[str, _Tally] = {}
        self._chances: OrderedDict[UUID, int] = OrderedDict()

    async def ready(self) -> None:
        """Reads the routes; await it before `candidates`, outside of transactions. Costs nothing
        most of the time. Without the database all stays as it was.

        Raises: Problem(unavailable) as long as it was never read.
        """
        if self._db is None:
            return
        now = self._clocks.monotonic()
        if self._read_at is None:
            async with self._first:
                if self._read_at is None:
                    await self._exchange(self._db)
                    self._read_at = now
        elif now - self._read_at >= KEEP_SECONDS:
            self._read_at = now  # calls meanwhile go on with what there is
            try:
                await self._exchange(self._db)
            except (Problem, asyncpg.PostgresError, *LOST) as error:
                if not is_away(error):
                    log.warning("routes not read again", error=in_words(error))

    @property
    def are_known(self) -> bool:
        """True when the routes were read once."""
        return self._db is None or self._read_at is not None

    def forget(self) -> None:
        """Forgets what is kept: it is read anew by the next call."""
        if self._read_at is not None:
            self._read_at -= KEEP_SECONDS
        self._sums.forget()
        if self._open is not None:
            self._open.forget()

    async def down(self) -> int:
        """Number of the routes that take new charges but are not reachable."""
        await self.ready()
        taking = {*self._terms, *(self._open.connected() if self._open is not None else ())}
        return sum(row.opened_at is not None for name, row in self._out.items() if name in taking)

    def terms(self, names: Iterable[str], merchant_id: UUID | None = None) -> Sequence[RouteTerms]:
        """Terms of the routes that take new charges of this merchant: in the settings' order, then
        its own. Never another merchant's; None: those of the settings alone. What stands in for no
        route at all is none to a merchant with its own."""
        own = {terms.name: terms for terms in self._own_of(merchant_id)}
        given, order = list[RouteTerms](), list(self._terms)
        for name in self.visible(names, merchant_id):
            if name in own:
                given.append(own[name])
            elif name in self._terms or not self._is_closed(name, with_own=bool(own)):
                given.append(self._terms.get(name) or RouteTerms(name, stored=True))
        return sorted(
            given,
            key=lambda terms: order.index(terms.name) if terms.name in self._terms else len(order),
        )

    def shares_methods(self, route: str) -> bool:
        """True when a merchant may charge a stored method of the route that another one brought."""
        terms = self._terms.get(route)
        return terms is not None and terms.shared_methods

    def is_for_all(self, route: str) -> bool:
        """True when it is a route of the settings, which all merchants use, and no merchant's
        own."""
        return route in self._terms

    def visible(self, names: Iterable[str], merchant_id: UUID | None) -> list[str]:
        """Routes without other merchants' own; also those that take no new charges."""
        opened = self._open
        if (
            opened is not None and names is opened
        ):  # of thousands of merchants it has a few of this one
            return opened.visible(merchant_id)
        return [
            name for name in names if opened is None or opened.owner(name) in (None, merchant_id)
        ]

    def _own_of(self, merchant_id: UUID | None) -> Sequence[RouteTerms]:
        return (
            self._open.takes_charges(merchant_id)
            if self._open is not None and merchant_id is not None
            else ()
        )

    def _is_closed(self, name: str, *, with_own: bool) -> bool:
        if name in self._retired:
            return True
        return self._open is not None and (
            self._open.owner(name) is not None or with_own and self._open.is_none(name)
        )

    def candidates(
        self, names: Iterable[str], merchant_id: UUID | None = None
    ) -> tuple[Candidate, ...]:
        return tuple(self._candidate(terms) for terms in self.terms(names, merchant_id))

    def _candidate(self, terms: RouteTerms) -> Candidate:
        row = self._out.get(terms.name)
        standing = row.breaker.standing(self._clocks.wall()) if row is not None else "closed"
        return Candidate(
            terms,
            *self._sums.of(terms.name),
            standing,
            off=row is not None and row.stopped_at is not None,
        )

    def acceptor_of(self, route: str | None, own: str) -> str:
        """The acceptor by which a route's sends are counted. `own`: the merchant's, for a route
        that has none."""
        terms = self._terms.get(route or "") or self._retired.get(route or "")
        return terms.acceptor if terms is not None and terms.acceptor else own

    def region_of(self, route: str) -> str:
        """The region of the route's account; empty where nobody says its country."""
        terms = self._terms.get(route) or self._retired.get(route)
        country = (
            terms.country
            if terms is not None
            else self._open.country(route)
            if self._open is not None
            else ""
        )
        return region_of(country)

    def expect(self, attempt_id: UUID, chance: int) -> None:
        """The chance, in millionths, with which an attempt goes out."""
        if self._db is not None:
            self._chances[attempt_id] = chance
            while len(self._chances) > EXPECTED_MAX:
                self._chances.popitem(last=False)

    async def note(
        self, route: str, attempt_id: UUID, outcome: Outcome, merchant_id: UUID, step: Step
    ) -> None:
        """Counts the result of a send of that merchant by that route; `step`: what follows. Never
        raises: only a count is lost."""
        own = self._open is not None and self._open.owner(route) is not None
        if self._db is None or route not in self._terms and not own:
            return
        chance = self._chances.pop(attempt_id, USUAL_CHANCE)
        tally = self._tallies.setdefault(route, _Tally())
        if outcome.state in ("approved", "declined"):
            tally.expected += chance
            tally.approved += outcome.state == "approved"
            tally.declined += outcome.state == "declined"
        tally.not_sent += outcome.state == "not_sent"
        tally.unknown += outcome.state == "unknown"
        if (refusal := _refusal(outcome, merchant_id, step, own=own)) is not None:
            self._count_refusal(tally, refusal)
        tally.counts = _added(tally.counts, counts_of(outcome))
        await self._ready_or_not()

    async def note_other(self, route: str, outcome: Outcome, merchant_id: UUID, step: Step) -> None:
        """Counts a refused refund, capture or answer to a dispute. Never raises."""
        own = self._open is not None and self._open.owner(route) is not None
        refusal = _refusal(outcome, merchant_id, step, own=own)
        if self._db is None or refusal is None or route not in self._terms and not own:
            return
        tally = self._tallies.setdefault(route, _Tally())
        self._count_refusal(tally, refusal)
        tally.counts = _added(tally.counts, Counts(refused=int(refusal.fault == "account")))
        await self._ready_or_not()

    def _count_refusal(self, tally: _Tally, refusal: _Refusal) -> None:
        """Written at once: nothing else may come for a while."""
        tally.refused += refusal.fault != "account"
        tally.refusal = refusal
        if self._read_at is not None:
            self._read_at -= KEEP_SECONDS

    async def _ready_or_not(self) -> None:
        try:
            await self.ready()
        except Problem as problem:
            if not is_away(problem):
                log.warning("routes not read", error=problem.message)

    async def _exchange(self, db: Database) -> None:
        """Writes what was counted here, reads how all stand."""
        tallies, self._tallies = self._tallies, {}
        now = self._clocks.wall()
        try:
            if tallies:
                async with db.transaction() as tx:
                    for name in sorted(tallies):
                        await _write(tx, name, tallies[name], now)
        except BaseException:
            for name, tally in tallies.items():
                self._tallies[name] = _joined(tally, self._tallies.get(name))
            raise
        async with db.connection() as connection:
            out, self.stop = await routes_out(connection), await standing_stop(connection)
            if self._open is not None:
                await self._open.take(connection, now)
            await self._sums.read(connection, now)
        self._out = out


def _refusal(outcome: Outcome, merchant_id: UUID, step: Step, *, own: bool) -> _Refusal | None:
    """The refusal in an outcome; None where it is none, or is about a card. The words about one
    payment are kept with that alone."""
    if outcome.fault == "account":
        return _Refusal("account", outcome.own_code, outcome.text, merchant_id, own)
    if outcome.fault in WRONG and step in ("other_route", "refused"):
        return _Refusal(outcome.fault, outcome.own_code, None, merchant_id, own)
    return None


async def silent_routes(db: Read, now: WallTime) -> list[StoredRoute]:
    """Routes whose processors have answered nothing for a while, although attempts were sent."""
    sums = await sums_between(db, now - SILENT_SUMS, now + timedelta(hours=1))

    def is_silent(row: StoredRoute) -> bool:
        if row.opened_at is not None:
            return row.answered == 0 and now - WallTime(row.opened_at) >= SILENT_AFTER
        counts = sums.get(row.name)
        if counts is None or counts.approved or counts.declined:
            return False
        return counts.unknown + counts.not_sent - counts.refused >= SILENT_MIN

    return [row for row in await stored_routes(db) if not row.is_refused and is_silent(row)]


def counts_of(outcome: Outcome) -> Counts:
    """Counts for and against a route. An approval of another amount is no answer in time, and no
    outage."""
    if outcome.fault == "account":
        return Counts(refused=1)
    if (
        outcome.fault in ("outage", "rate")
        or outcome.state == "unknown"
        and not outcome.contradicts
    ):
        return Counts(outages=1)
    return Counts(answered=int(outcome.state in ("approved", "declined")))


async def _write(tx: Tx, name: str, tally: _Tally, now: WallTime) -> None:
    before = await lock_breaker(tx, name)
    if before is None:
        return
    then = breaker.after(before, tally.counts, now)
    if (then.opened_at is None) is not (before.opened_at is None):
        log.warning("card route", route=name, breaker=then.standing(now))
    if then != before:
        await set_breaker(tx, name, *astuple(then))
    counted = (
        tally.approved,
        tally.expected,
        tally.declined,
        tally.not_sent,
        tally.unknown,
        tally.refused,
    )
    await add_counts(tx, name, now, *counted)
    if (refusal := tally.refusal) is not None:
        await set_refusal(tx, name, now, refusal.code, refusal.text)
        if then.is_refused and not before.is_refused:
            facts = {"route": name, "code": refusal.code, "text": refusal.text, "own": refusal.own}
            await alert_of_route(tx, refusal.merchant_id, facts, now)


def _added(counts: Counts, other: Counts) -> Counts:
    return Counts(
        counts.answered + other.answered,
        counts.outages + other.outages,
        counts.refused + other.refused,
    )


def _joined(tally: _Tally, other: _Tally | None) -> _Tally:
    if other is None:
        return tally
    return replace(
        tally,
        approved=tally.approved + other.approved,
        expected=tally.expected + other.expected,
        declined=tally.declined + other.declined,
        not_sent=tally.not_sent + other.not_sent,
        unknown=tally.unknown + other.unknown,
        refused=tally.refused + other.refused,
        refusal=other.refusal or tally.refusal,
        counts=_added(tally.counts, other.counts),
    )
