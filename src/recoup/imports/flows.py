"""A file of past attempts is read: looked over, counted, and, unless it is a dry run, stored whole.
Then its attempts are taken over (due work `import`), and can be read again.

All of its rows are stored with their import in one transaction, or nothing is. The same file, read
in the same way, is the import that there is. A process that dies leaves nothing behind, or has
taken over whole parts, and the next one goes on behind them. Imports of a merchant take turns, in
the order in which they came."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import UTC, timedelta
from itertools import islice
from typing import Any, BinaryIO, Final, NamedTuple
from uuid import UUID

from recoup.audit.moves import note
from recoup.cards.flows.method_names import method_id_of, with_route
from recoup.db.pool import retrying
from recoup.db.table import hex_of
from recoup.imports.moves import Part, count_sends, end_import, receive_import
from recoup.imports.rules.answers import Answers, Question
from recoup.imports.rules.attempt import Attempt, BadLine
from recoup.imports.rules.file import Looked, look_over
from recoup.imports.rules.profile import Profile
from recoup.imports.rules.reader import Outcome
from recoup.imports.rules.report import Counts, report_of
from recoup.imports.store.imported_sends import HeldCard, held_cards_named
from recoup.imports.store.imports import (
    Import,
    NewImport,
    NewImportRow,
    add_import_lines,
    add_import_rows,
    attempts_of_import,
    bad_lines,
    count_import,
    count_taken,
    drop_taken,
    end_of_part,
    find_import,
    first_unfinished,
    import_by_content,
    lock_import,
    name_guessed,
    request_stop,
    take_over,
)
from recoup.kernel.cached import cached
from recoup.kernel.encode import encode
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id, parse_id
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.scope import Scope
from recoup.kit.files.cells import csv_row
from recoup.kit.files.source import source_of
from recoup.kit.threads import run_stoppable
from recoup.kit.workbooks import opened
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import no_such_merchant
from recoup.merchants.store.merchants import MerchantSettings, load_merchant
from recoup.orders.store.due_work import Due, hand_back
from recoup.processors.gateways.credential import Stored
from recoup.uploads.flows.file_turns import check_name, in_turn

_UNKNOWN_CARD: Final = Sentence(
    "names a card that is not among the merchant’s tokens and stored methods"
)
_UNKNOWN_ACCEPTOR: Final = Sentence("names a merchant account that is not this merchant’s")
NAMED_MAX: Final = 200


class NamedCard(NamedTuple):
    """A named card, as an attempt of it counts. `card_id` None: of the sandbox's test cards none
    counts across orders."""

    card_id: UUID | None
    scheme: str
    acceptor_id: str
    initiator: str


class NamedCards:
    """Cards that the attempts of one file name."""

    def __init__(self, world: World, merchant: MerchantSettings) -> None:
        self._world, self._merchant_id = world, merchant.merchant.merchant_id
        self._own = merchant.merchant.acceptor_id
        routes = world.routes.terms(world.processors, self._merchant_id)
        self._acceptors = {
            self._own,
            *(world.routes.acceptor_of(route.name, self._own) for route in routes),
        }
        self._held: dict[UUID, HeldCard] = {}

    async def checked(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Puts an error in the place of each attempt that names a card or acceptor that is not the
        merchant's."""
        named = {
            number: self._token_of(outcome)
            for number, outcome in enumerate(outcomes)
            if _names(outcome)
        }
        if not named:
            return outcomes
        await self._find(token for token in named.values() if token is not None)
        judged = list(outcomes)
        for number, token in named.items():
            attempt = judged[number]
            assert isinstance(attempt, Attempt)
            if token is None or token not in self._held:
                judged[number] = BadLine(attempt.line, "unknown_card", _UNKNOWN_CARD)
            elif (attempt.acceptor or self._own) not in self._acceptors:
                judged[number] = BadLine(attempt.line, "unknown_acceptor", _UNKNOWN_ACCEPTOR)
        return judged

    def of(self, attempt: Attempt) -> NamedCard | None:
        """The card named by an attempt that was checked in the last batch; None where it names
        none."""
        token = self._token_of(attempt) if _names(attempt) else None
        if token is None:
            return None
        held = self._held[token]
        card_id = held.pan_id if held.magic is None else None
        return NamedCard(
            card_id,
            held.scheme,
            attempt.acceptor or self._own,
            "customer" if attempt.by_customer else "merchant",
        )

    def _token_of(self, outcome: Outcome) -> UUID | None:
        """The token that an attempt names; None for what can be no name."""
        assert isinstance(outcome, Attempt)
        if outcome.method is None:
            return parse_id(outcome.token)
        if max(map(len, outcome.method)) > NAMED_MAX:
            return None
        route, id, customer = outcome.method
        given = with_route(self._world, self._merchant_id, Stored(route, id, customer or None))
        return method_id_of(self._world, self._merchant_id, given) if given is not None else None

    async def _find(self, tokens: Iterable[UUID]) -> None:
        """Looks up the cards of these tokens. Those of the last batch are known already, mostly: a
        card's attempts stand near each other."""
        wanted = set(tokens)
        self._held = {token: held for token, held in self._held.items() if token in wanted}
        missing = sorted(wanted.difference(self._held))
        if missing:
            self._held |= {
                card.token_id: card
                for card in await held_cards_named(self._world.db, self._merchant_id, missing)
            }


def _names(outcome: Outcome) -> bool:
    return isinstance(outcome, Attempt) and (bool(outcome.token) or outcome.method is not None)


FILE_BYTES_MAX: Final = 512 << 20
ROWS_AT_ONCE: Final = 5_000
BATCHES_AHEAD: Final = 3
CUSTOMERS_CACHED: Final = 100_000
LATE: Final = timedelta(minutes=5)  # clocks differ
Tell = Callable[[int], None]


@frozen
class ReadFile:
    """`questions`: while there are any, nothing was stored. `report` None then. `stored` None: a
    dry run, or questions. `before`: it was there already, and nothing was changed."""

    profile: str
    title: str
    questions: tuple[Question, ...] = ()
    rows: int = 0
    attempts: int = 0
    report: dict[str, Any] | None = None
    notes: Sequence[str] = ()
    lines: Sequence[BadLine] = ()
    stored: Import | None = None
    before: bool = False


async def read_import(
    world: World,
    scope: Scope,
    name: str,
    content: BinaryIO,
    answers: Answers,
    *,
    dry_run: bool,
    tell: Tell = lambda lines: None,
) -> ReadFile:
    """`tell`: up to which line the file was read.

    Raises: Problem(invalid) for a file of which nothing can be taken; Problem(too_large);
    Problem(unavailable) while another of the merchant's files is read.
    """

    async def read() -> ReadFile:
        async with opened(content) as plain:
            return await _read(world, scope, name, plain, answers, dry_run, tell)

    return await in_turn(world, scope.merchant_id, content, read)


async def _read(
    world: World,
    scope: Scope,
    name: str,
    content: BinaryIO,
    answers: Answers,
    dry_run: bool,
    tell: Tell,
) -> ReadFile:
    name = check_name(name)
    looked = await run_stoppable(lambda: look_over(source_of(content), answers))
    profile = looked.profile
    if looked.questions:
        return ReadFile(profile.key, profile.title, looked.questions)
    mac = world.keys.mac("import", looked.digest + encode([profile.key, answers.to_dict()]))
    known = await import_by_content(world.db, scope.merchant_id, mac)
    merchant = await load_merchant(world.db, scope.merchant_id)
    if merchant is None:
        raise no_such_merchant()
    until = merchant.merchant.business(world.clocks.wall()) + LATE
    if known is not None and not dry_run:
        return _kept(profile, known, before=True)
    await world.routes.ready()
    outcomes = looked.read(until, world=world.policy.world_cards or world.policy.magic_inputs)
    counts, cards = Counts(), NamedCards(world, merchant)
    if dry_run:
        async for _ in _batches(outcomes, counts, cards, tell):
            pass
        report, notes = await run_stoppable(report_of, looked, counts)
        return ReadFile(
            profile.key,
            profile.title,
            (),
            counts.rows,
            counts.attempts,
            report,
            notes,
            counts.lines,
        )
    return await _store(world, scope, name, looked, outcomes, cards, mac, tell)


async def _store(
    world: World,
    scope: Scope,
    name: str,
    looked: Looked,
    outcomes: Iterator[Outcome],
    cards: NamedCards,
    mac: bytes,
    tell: Tell,
) -> ReadFile:
    profile, counts, key = looked.profile, Counts(), (scope.merchant_id, new_id())
    row_of = _rows(world, scope.merchant_id, cards)
    async with world.db.transaction() as tx:
        new = NewImport(
            *key,
            hex_of(mac),
            profile.key,
            looked.answers.to_dict(),
            name,
            scope.actor.text(),
            scope.request_id,
            world.clocks.wall(),
        )
        mine = await receive_import(tx, scope, new)
        if mine:
            async for batch in _batches(outcomes, counts, cards, tell):
                await add_import_rows(tx, *key, [row_of(attempt) for attempt in batch])
            guesses = await run_stoppable(lambda: list(counts.payments.guesses()))
            if guesses:
                await name_guessed(tx, *key, guesses)
            await add_import_lines(tx, *key, _first_of_each(counts.lines))
            report, notes = await run_stoppable(report_of, looked, counts)
            await count_import(
                tx, *key, counts.rows, counts.attempts, counts.bad.total(), report, notes
            )
    made = await (
        find_import(world.db, *key) if mine else import_by_content(world.db, scope.merchant_id, mac)
    )
    if made is None:
        raise Problem(
            "unavailable",
            "The same file has just been stopped.",
            retry_after_seconds=1,
            cure="Send it again.",
        )
    return _kept(profile, made, counts.lines, before=not mine)


def _kept(
    profile: Profile, row: Import, lines: Sequence[BadLine] = (), *, before: bool
) -> ReadFile:
    counts = (row.row_count, row.attempt_count)
    return ReadFile(
        profile.key, profile.title, (), *counts, row.report, row.notes, lines, row, before
    )


async def _batches(
    outcomes: Iterator[Outcome], counts: Counts, cards: NamedCards, tell: Tell
) -> AsyncIterator[list[Attempt]]:
    """Read beside the event loop, and some batches ahead: other calls are served, and rows are
    stored, meanwhile."""
    turn = asyncio.Lock()

    async def following() -> list[Outcome]:
        async with turn:
            return await run_stoppable(lambda: list(islice(outcomes, ROWS_AT_ONCE)))

    def counted(batch: Sequence[Outcome]) -> list[Attempt]:
        return [attempt for outcome in batch if (attempt := counts.add(outcome)) is not None]

    ahead = deque(asyncio.ensure_future(following()) for _ in range(BATCHES_AHEAD))
    try:
        while batch := await ahead.popleft():
            ahead.append(asyncio.ensure_future(following()))
            attempts = await run_stoppable(counted, await cards.checked(batch))
            tell(counts.last_line)
            yield attempts
    finally:
        for task in ahead:
            task.cancel()
        await asyncio.gather(*ahead, return_exceptions=True)


def _rows(world: World, merchant_id: UUID, cards: NamedCards) -> Callable[[Attempt], NewImportRow]:
    """An attempt as it is stored: who its customer is, and which card, by keyed hashes alone."""
    derived, merchant = world.keys.derived_id, merchant_id.bytes

    @cached(CUSTOMERS_CACHED)
    def customer(label: str) -> UUID | None:
        return derived("payer", merchant, label) if label else None

    @cached(CUSTOMERS_CACHED)
    def card(provider: str, label: str) -> UUID | None:
        return derived("imported_card", merchant, provider, label) if label else None

    def row(attempt: Attempt) -> NewImportRow:
        labels, named = (
            (customer(attempt.customer), card(attempt.provider, attempt.card)),
            cards.of(attempt),
        )
        if not attempt.payment:
            attempt = attempt._replace(payment=attempt.ref, guessed=True)
        if named is None:
            return NewImportRow(attempt, *labels)
        attempt = attempt._replace(scheme=named.scheme)
        if named.card_id is None:
            return NewImportRow(attempt, *labels)
        return NewImportRow(
            attempt, *labels, named.card_id, new_id(), named.acceptor_id, named.initiator
        )

    return row


def _first_of_each(lines: list[BadLine]) -> Iterator[tuple[int, str, str]]:
    """Yields one reason for each line: of JSON several objects may stand in one."""
    seen: set[int] = set()
    for line in lines:
        if line.line not in seen:
            seen.add(line.line)
            yield line


PART_ROWS: Final = 20_000
SENDS_AT_ONCE: Final = 500  # whose cards are locked meanwhile
SLICE_SECONDS: Final = (
    5.0  # then a free worker goes on: one that shall end does not wait for an import
)
TURN: Final = timedelta(seconds=0.5)


async def work_import(world: World, due: Due) -> None:
    """Part after part, for a while."""
    key, until = (due.merchant_id, due.subject_id), world.clocks.monotonic() + SLICE_SECONDS
    while world.clocks.monotonic() < until:
        first = await first_unfinished(world.db, *key)
        if first != key[1]:
            wait = world.clocks.wall() + TURN if first is not None else None
            await hand_back(world.db.alone, due, wait)
            return
        if await take_part(world, key):
            return
    await hand_back(world.db.alone, due, None)


async def finish(
    world: World, key: tuple[UUID, UUID], tell: Callable[[int], None] = lambda rows: None
) -> Import:
    """All of it, and earlier ones of the merchant before it: for whoever waits for the end. `tell`:
    how many of its attempts are done. Raises: Problem(not_found)."""
    while True:
        first = await first_unfinished(world.db, *key)
        import_ = await find_import(world.db, *key)
        if import_ is None:
            raise no_such_import()
        tell(import_.done_count)
        if first is None:
            return import_
        await take_part(world, (key[0], first))


async def take_part(world: World, key: tuple[UUID, UUID]) -> bool:
    """The next part of an import. True: that was its end. What was taken over of cards that we hold
    is counted before more is, and before the end: of one that is stopped, too."""
    merchant = await load_merchant(world.db, key[0])
    if merchant is None:
        raise no_such_import()

    async def once() -> bool:
        wall = world.clocks.wall()
        part = Part(*key, merchant.merchant.region, merchant.merchant.business(wall), wall)
        async with world.db.transaction() as tx:
            import_ = await lock_import(tx, *key)
            if import_ is None or import_.finished_at is not None:
                return True
            if import_.waits or await count_sends(tx, part, SENDS_AT_ONCE):
                return False
            done = (import_.done_to[0], import_.done_to[1])
            end = await end_of_part(tx, *key, *done, PART_ROWS)
            if end is None or import_.stop_requested_at is not None:
                await end_import(tx, key, "completed" if end is None else "stopped", wall)
                return True
            taken = await take_over(tx, *key, *done, end.provider, end.ref)
            rows = await drop_taken(tx, *key, *done, end.provider, end.ref)
            await count_taken(tx, *key, rows, taken.added, taken.changed, [end.provider, end.ref])
            return False

    return await retrying(once)


async def stop_import(world: World, scope: Scope, import_id: UUID) -> Import:
    """Stops an import. What was taken over stays; a repeat answers the same. Raises:
    Problem(not_found); Problem(wrong_state)."""
    async with world.db.transaction() as tx:
        wall = world.clocks.wall()
        stopping = await request_stop(tx, scope.merchant_id, import_id, wall, scope.actor.text())
        if stopping:
            await note(tx, scope, wall, "import.stopped", import_id)
    import_ = await one_import(world, scope.merchant_id, import_id)
    if not stopping and import_.state == "completed":
        raise Problem(
            "wrong_state", "This import is already finished.", cure="Its attempts are taken over."
        )
    return import_


async def one_import(world: World, merchant_id: UUID, import_id: UUID) -> Import:
    """Raises: Problem(not_found)."""
    import_ = await find_import(world.db, merchant_id, import_id)
    if import_ is None:
        raise no_such_import()
    return import_


def no_such_import() -> Problem:
    return Problem(
        "not_found", "There is no such import.", cure="Check the id; recoup import prints it."
    )


HEAD: Final = ("line", "code", "reason")


async def history(world: World, merchant_id: UUID, import_id: UUID) -> AsyncIterator[bytes]:
    """JSON lines, in the file's order. No connection is held while a slow reader takes its time.

    Raises: Problem(not_found).
    """
    await one_import(world, merchant_id, import_id)
    after, ref = 0, ""
    while True:
        rows = await attempts_of_import(world.db, merchant_id, import_id, after, ref, ROWS_AT_ONCE)
        if not rows:
            return
        after, ref = rows[-1].row, rows[-1].ref
        yield b"".join(encode(history_row(row)) + b"\n" for row in rows)


async def lines_file(world: World, merchant_id: UUID, import_id: UUID) -> AsyncIterator[bytes]:
    """CSV of the lines from which nothing was taken, with the reason; what stood in them is not
    kept."""
    yield csv_row(HEAD).encode()
    after = 0
    while True:
        rows = await bad_lines(world.db, merchant_id, import_id, after, ROWS_AT_ONCE)
        if not rows:
            return
        after = rows[-1].line_no
        yield "".join(csv_row([row.line_no, row.code, str(row.why)]) for row in rows).encode()


def history_row(row: Attempt) -> dict[str, Any]:
    """Members that are not known are left out; `propensity` is null where the instant was not
    drawn."""
    card = {"first6": row.bin, "last4": row.last4, "scheme": row.scheme, "funding": row.funding}
    known = {
        "country": row.country,
        "utcOffsetMinutes": row.utc_offset,
        "attempt": row.attempt_no,
        "schemeCode": row.scheme_code,
        "adviceCode": row.advice_code,
        "processor": row.source,
        "processorCode": row.processor_code,
        "text": row.text,
        "card": {name: value for name, value in card.items() if value},
        "cardId": row.card,
        "guessed": row.guessed or None,
        "failedLater": row.failed_later or None,
        "modifiedAt": _at(row.modified_at) if row.modified_at else None,
    }
    return {
        "ref": row.ref,
        "provider": row.provider,
        "customerId": row.customer or None,
        "orderId": row.payment,
        "at": _at(row.at),
        "amount": row.units,
        "currency": row.asset,
        "approved": row.state == "approved",
        "state": row.state,
        **{name: value for name, value in known.items() if value not in (None, "", {})},
        "propensity": row.propensity,
    }


def _at(moment: Any) -> str:
    return (  # type: ignore[no-any-return]
        moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    )
