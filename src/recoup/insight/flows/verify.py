"""Proves the ledger, the log, the faces and the balances, and everything that must agree with them.

In steps, merchant by merchant, a bounded number of orders at a time, each in a read-only snapshot
of its own: it may run for days beside a working system, and be stopped. It goes on after a
difference, and behind a page that is damaged, and reports them all, up to a number.
"""

import asyncio
import json
from collections import Counter
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from datetime import UTC, datetime, time, timedelta
from functools import partial
from hashlib import sha256
from typing import Any, Final, TypeVar
from uuid import UUID

from recoup.bank.gateways import says
from recoup.bank.rules.bank_payout import file_context
from recoup.bank.store.accounts import SealedAccount
from recoup.bank.store.proofs import PayoutFile, accounts, files, statements
from recoup.certificates.rules.certificate_file import FIRST_ROOT, prove, read
from recoup.db.operation.standing import every_merchant
from recoup.db.statement import Connection, Read
from recoup.imports.rules.attempt import IMPORTS_KEPT
from recoup.imports.store.proofs import imported_sends, uploads
from recoup.insight.flows import verify_decisions, verify_ledger, verify_orders
from recoup.insight.flows.verify_progress import Progress, Verified
from recoup.insight.store.proofs import issuer
from recoup.insight.store.proofs.attempts import attempts_and_refunds
from recoup.insight.store.proofs.decisions import (
    StoredDecision,
    decisions_of_nothing,
    next_decisions,
)
from recoup.insight.store.proofs.disputes import disputes, issuers_cases, notices
from recoup.insight.store.proofs.due import due_work, due_work_of_nothing
from recoup.insight.store.proofs.ledger import (
    book,
    next_postings,
    places,
    postings_without_order,
    read_money_lines,
    read_outstanding,
    read_postings,
)
from recoup.insight.store.proofs.messages import feed, mails, messages
from recoup.insight.store.proofs.orders import (
    cards,
    read_lines,
    read_orders,
    references,
    references_of_nothing,
)
from recoup.insight.store.proofs.pages import (
    CertificateFile,
    certificate_files,
    next_pages,
    pages_in_order,
)
from recoup.insight.store.proofs.periods import periods
from recoup.insight.store.proofs.reached import (
    NOTHING,
    Reached,
    changed_orders,
    made_at,
    reached_by,
)
from recoup.insight.store.proofs.switches import switches
from recoup.kernel.ids import HIGHEST, LOWEST, first_id_of
from recoup.kernel.problem import Problem
from recoup.kit.proofs.counts import COUNTED, OF_ALL_CELLS, count
from recoup.kit.proofs.sends import FIRST, Send, decline_that_came_in, sends_of_nothing
from recoup.kit.proofs.walk import Difference, Window, merchants, next_window, text
from recoup.kit.proved_file import Wrong
from recoup.kit.threads import run_stoppable
from recoup.kit.world import World
from recoup.mail.moves import TRIES_MAX
from recoup.orders.rules.order_events import EVENT_STATUSES
from recoup.policies.rules.in_force import InForce
from recoup.policy_versions.flows.stored_policies import load_policies
from recoup.processors.gateways.bank import Transfer
from recoup.processors.rules.bank_account import (
    BankAccount,
    account_context,
    deposits_context,
    opened_account,
)
from recoup.rescue.flows.models import find_model
from recoup.rescue.moves.plan import INLINE_GRACE
from recoup.rescue.rules.model import BadModel, Model
from recoup.rescue.store.models import model_names
from recoup.risk.store.advance_bounds import kept_weeks
from recoup.risk.store.proofs import (
    KeptBounds,
    advances,
    assets_bounded,
    drawn,
    exposure,
    kept_bounds,
    operator_exposure,
)
from recoup.settlement.rules.settlement_file import KINDS
from recoup.settlement.store.proofs import bank_settlements
from recoup.stablecoin.store.proofs import channel_book, payouts, settlements
from recoup.terms.rules.advance_bounds import kept_tables, weeks_until

AT_ONCE: Final = 100
# What differs, and the place of the last that was proved; None behind all.
Proved = tuple[Sequence[Difference], str | None]
_Pair = tuple[str, Any, Any]  # what differs, what it should be, what is there


async def bounds(merchant_id: UUID, connection: Read, place: str) -> Proved:
    """The first version that differs, of the asset behind `place`: a week that was changed is in
    all that follow."""
    for asset in sorted(await assets_bounded(connection, merchant_id)):
        if asset > place:
            wrong = await _first_wrong(connection, merchant_id, asset)
            return [wrong] if wrong is not None else [], asset
    return [], None


async def _first_wrong(connection: Read, merchant_id: UUID, asset: str) -> Difference | None:
    last = 0
    while rows := await kept_bounds(connection, merchant_id, asset, last, AT_ONCE):
        for row in rows:
            if wrong := await _wrong_bounds(connection, merchant_id, asset, row, last + 1):
                name, expected, here = wrong
                field = f"{name} of version {row.version} of the bounds of advances in {asset}"
                return Difference(merchant_id, None, field, text(expected), text(here))
            last = row.version
    return None


async def _wrong_bounds(
    connection: Read, merchant_id: UUID, asset: str, row: KeptBounds, number: int
) -> _Pair | None:
    if row.version != number:
        return "number", number, row.version
    until = weeks_until(datetime.combine(row.made_on, time(), UTC))
    if row.until != until:
        return "until", until, row.until
    weeks = await kept_weeks(connection, merchant_id, asset, row.until)
    try:
        again = await run_stoppable(
            kept_tables, [(week.begins, week.cells) for week in weeks], row.until
        )
    except (ValueError, LookupError, TypeError, ArithmeticError) as error:
        return "weeks", "ones that can be read", f"{type(error).__name__}: {error}"
    return next(_differing(again, row.tables), None)


def _differing(expected: Mapping[str, Any], kept: Mapping[str, Any]) -> Iterator[_Pair]:
    """Differences by the name of a table and of its line, to the tenth."""
    for scored, table in expected.items():
        there = kept.get(scored)
        if not isinstance(there, Mapping):
            yield f"table of the {scored}", table, there
            continue
        for name, line in table.items():
            if list(line) != there.get(name):
                yield f"{name} by the {scored}", list(line), there.get(name)
        yield from (
            (f"{name} by the {scored}", None, there[name]) for name in there.keys() - table.keys()
        )
    yield from (
        (f"table of the {scored}", None, kept[scored]) for scored in kept.keys() - expected.keys()
    )


async def certificates(merchant_id: UUID, connection: Read, place: str) -> Proved:
    """Each kept certificate proves itself, names the root of the one before, and was announced with
    its own. `place`: number and root."""
    differences, last, root = [], 0, FIRST_ROOT
    if place:
        number, _, text_of_root = place.partition(" ")
        last, root = int(number), bytes.fromhex(text_of_root)
    rows = await certificate_files(connection, merchant_id, last, AT_ONCE)
    for row in rows:
        for name, expected, here in _wrong_certificate(row, last + 1, root):
            field = f"{name} of certificate {row.certificate_id}"
            differences.append(Difference(merchant_id, None, field, str(expected), str(here)))
        last, root = row.chain_no, row.root
    return differences, f"{last} {root.hex()}" if len(rows) == AT_ONCE else None


def _wrong_certificate(row: CertificateFile, number: int, root: bytes) -> Iterator[_Pair]:
    if row.chain_no != number:
        yield "place", number, row.chain_no
    proved = prove(iter(row.file.splitlines(keepends=True)), row.root.hex())
    if isinstance(proved, Wrong):
        yield f"{proved.field} in line {proved.line}", proved.expected, proved.found
        return
    head, _ = read(row.file)
    if head["previousRoot"] != root.hex():
        yield "root before", root.hex(), head["previousRoot"]
    said = (
        proved.certificate_id,
        proved.month,
        proved.acceptor_id,
        proved.number,
        proved.sends,
        proved.breaches,
    )
    kept = (
        str(row.certificate_id),
        row.month,
        row.acceptor_id,
        row.number,
        row.sends,
        row.breaches,
    )
    if said != kept:
        yield "row", said, kept
    if not row.has_event:
        yield "event", "certificate.ready with its root", "none"


async def bank(world: World, connection: Read, merchant_id: UUID) -> list[Difference]:
    """Differences that only the keys can show: the account behind each mask, and the file that was
    kept for the bank."""
    judged = [
        (f"bank account {row.account_id}", _account(world, row))
        async for row in accounts(connection, merchant_id)
    ]
    judged += [
        (f"bank payout {row.payout_id}", _file(world, row))
        async for row in files(connection, merchant_id)
    ]
    return [
        Difference(merchant_id, None, f"{wrong[0]} of {name}", *wrong[1:])
        for name, wrong in judged
        if wrong
    ]


def _account(world: World, row: SealedAccount) -> _Pair | None:
    """The numbers themselves are never shown."""
    account = _opened(world, row)
    if account is None:
        return "sealed numbers", "open", "do not open"
    if account.masked != row.masked:
        return "mask", account.masked, row.masked
    try:
        json.loads(world.keys.open_secret(deposits_context(row.account_id), row.deposits))
    except (Problem, ValueError):
        return "sealed deposits", "open", "do not open"
    return None


def _file(world: World, row: PayoutFile) -> _Pair | None:
    if row.file is None or row.file_hash is None or row.file_name is None:
        return "file", "name, content and hash", "not all of them"
    try:
        content = world.keys.open_secret(file_context(row.payout_id), row.file)
    except Problem:
        return "file", "opens", "does not open"
    if (file_hash := sha256(content).digest()) != row.file_hash:
        return "hash of the file", file_hash.hex(), row.file_hash.hex()
    account = _opened(world, row)
    if account is None or row.approved_at is None:
        return "account of the file", "opens", "does not open"
    transfer = Transfer(
        row.payout_id, account, row.units, row.asset, row.reference, row.approved_at
    )
    if not says(content, transfer) or row.file_name.partition(".")[0] != row.reference:
        return (
            "file",
            "pays the payout's amount to its account under its reference",
            "says something else",
        )
    return None


def _opened(world: World, row: SealedAccount | PayoutFile) -> BankAccount | None:
    if row.account_id is None or row.scheme is None or row.holder is None or row.sealed is None:
        return None
    try:
        numbers = world.keys.open_secret(account_context(row.account_id), row.sealed)
        return opened_account(row.scheme, row.holder, numbers)
    except (Problem, ValueError, KeyError, TypeError):
        return None


KEPT_MAX: Final = 4


async def damaged_models(connection: Read) -> list[Difference]:
    """Every stored model against the hash that it was stored with."""
    differences = []
    for name in await model_names(connection):
        try:
            await find_model(connection, name)
        except BadModel as error:
            differences.append(
                Difference(None, None, f"content of {name}", "as it was stored", str(error))
            )
    return differences


async def load_models(
    connection: Read, rows: Iterable[StoredDecision], models: dict[str, Model]
) -> None:
    """Loads into `models` what these decisions name; of others a few stay. What is missing or
    damaged is left out."""
    wanted = {name for row in rows if (name := row.versions.get("model")) is not None}
    for name in list(models)[: max(0, len(models | dict.fromkeys(wanted)) - KEPT_MAX)]:
        if name not in wanted:
            del models[name]
    for name in sorted(wanted - models.keys()):
        try:
            model = await find_model(connection, name)
        except BadModel:
            continue
        if model is not None:
            models[name] = model


__all__ = ["Difference", "Progress", "Verified", "verify"]


# An id is made before its row is committed: until then a later one may have been proved.
LATE: Final = timedelta(minutes=10)
AGAIN_SECONDS: Final = 0.05
AGAIN_MAX: Final = 10
T = TypeVar("T")
ENDED: Final = "all"
Prove = Callable[[Connection], Awaitable[Sequence[Difference]]]
Step = Callable[[Connection, str], Awaitable[Proved]]
OfMerchant = Callable[[Connection, UUID], Awaitable[Sequence[Difference]]]


async def verify(
    world: World,
    merchant_id: UUID | None = None,
    tell: Callable[[UUID], None] | None = None,
    progress: Progress | None = None,
) -> Verified:
    """Verifies all merchants of a cell, or one; `tell` is called with each merchant that is begun.
    Goes on from `progress`; after a run that finished it proves what is new.

    Raises: Problem(not_found) for a merchant that this world does not have; Problem(invalid) for a
    progress of something else.
    """
    run, cell = _Run(world, progress or Progress()), world.cell
    try:
        chosen = await run.begin(merchant_id)
        for merchant in chosen:
            if not run.progress.has_ended(merchant):
                if tell:
                    tell(merchant)
                await _merchant(run, merchant)
        run.merchant = None
        run.progress.begin(None)
        await run.step("models", damaged_models)
        await run.step("operator", partial(_operator, world))
        before = world.clocks.wall() - IMPORTS_KEPT
        await run.walk("sends", partial(_sends, merchant_id, before, cell))
        for book_of in issuer.BOOKS if run.done.issuer else ():
            await run.walk(f"issuer's {book_of}", partial(_theirs, merchant_id, book_of, cell))
        run.progress.finish()
    finally:
        try:
            run.progress.save()
        finally:
            run.progress.close()
    return run.done


async def _operator(world: World, db: Connection) -> Sequence[Difference]:
    """What all cells draw together against what the operator counts."""
    elsewhere = Counter[str]()
    for cell in world.every:
        if cell is not world:
            elsewhere += Counter(await cell.read_long(drawn))
    return await operator_exposure(db, elsewhere)


class _Run:
    """A run in steps: each reads in a snapshot of its own, so that none is held for long."""

    def __init__(self, world: World, progress: Progress) -> None:
        self.world, self.progress, self.done = world, progress, Verified()
        self.merchant: UUID | None = None
        self.models: dict[str, Model] = {}

    async def begin(self, merchant_id: UUID | None) -> list[UUID]:
        """The merchants to verify."""
        done, counted = self.done, dict[str, int]()

        async def look(db: Connection) -> tuple[list[UUID], list[Difference]]:
            done.issuer = "sandbox" in self.world.processors and await issuer.can_read(db)
            self.progress.take(done, self.world.known_as, await made_at(db), merchant_id)
            sought = list[tuple[list[UUID], list[Difference]]]()
            async with done.reading(db):
                sought.append(await merchants(db, self.world.cell))
            if not sought:
                async with done.reading(db):
                    sought.append((await every_merchant(db), []))
            for name, table in COUNTED.items():
                if table in OF_ALL_CELLS and self.world is not self.world.every[0]:
                    continue
                async with done.reading(db):
                    counted[name] = await count(db, name, merchant_id)
            return sought[0] if sought else ([], [])

        known, strangers = await self.read(look) or ([], [])
        if merchant_id is not None and merchant_id not in known and not strangers:
            raise Problem(
                "not_found",
                "There is no such merchant in this world.",
                cure="Check its id, or leave it out.",
            )
        chosen = known if merchant_id is None else [m for m in known if m == merchant_id]
        done.checked = {"merchants": len(chosen), **counted}
        self.done.found(each for each in strangers if each not in done.differences)
        return chosen

    async def step(self, kind: str, prove: Prove, name: str = ENDED) -> None:
        """Proves, unless it was done."""
        if self.progress.at(kind) != name:
            await self.prove(prove)
            self.progress.note(kind, name)

    async def walk(self, kind: str, step: Step) -> None:
        """Proves step by step, each in a snapshot of its own, from the place that an interrupted
        run has reached."""
        place, behind = self.progress.at(kind) or "", list[str | None]()

        async def prove(db: Connection) -> Sequence[Difference]:
            behind.clear()
            differences, until = await step(db, place)
            behind.append(until)
            return differences

        while place != ENDED:
            behind.clear()
            await self.prove(prove)
            place = (behind[0] if behind else None) or ENDED  # a damaged page ends it
            self.progress.note(kind, place)

    async def prove(self, prove: Prove) -> None:
        """A difference counts once it is the same in two snapshots: what was on its way in the
        first is not in the second."""
        seen, stand = await self.read(prove) or (), False
        for _ in range(AGAIN_MAX):
            if stand or not seen:
                break
            await asyncio.sleep(AGAIN_SECONDS)
            later = await self.read(prove) or ()
            stand, seen = all(each in seen for each in later), later
        self.done.found(seen)

    async def read(self, work: Callable[[Connection], Awaitable[T]]) -> T | None:
        """What is read in one snapshot; None behind a page that is damaged."""

        async def read(db: Connection) -> T | None:
            answer: T | None = None
            async with db.transaction(isolation="repeatable_read", readonly=True):
                if self.done.issuer:
                    await issuer.can_read(db)
                async with self.done.reading(db, self.merchant):
                    answer = await work(db)
            return answer

        return await self.world.read_long(read)


async def _merchant(run: _Run, merchant_id: UUID) -> None:
    run.merchant = merchant_id
    since = run.progress.since(merchant_id)
    settled = first_id_of(run.world.clocks.wall() - LATE)
    reached = await run.read(lambda db: reached_by(db, merchant_id, settled))
    run.progress.begin(merchant_id, reached or NOTHING)
    async for window in _windows(run, merchant_id, since):
        await run.step("orders", partial(_window, run, window), str(window.until))
    await run.walk("postings", partial(_postings, merchant_id))
    after: UUID | None = UUID(run.progress.at("decisions") or str(since.decision_id))
    while after is not None:
        after = await _decisions(run, merchant_id, after)
    gone, run.progress.kept.gone = Counter(run.progress.kept.gone), {}
    run.done.found(_difference(merchant_id, None, each) for each in verify_decisions.of_gone(gone))
    for name, proof in _PROOFS.items():
        await run.step(name, partial(_proved, proof, merchant_id))
    await run.walk("certificates", partial(certificates, merchant_id))
    await run.walk("bounds", partial(bounds, merchant_id))
    page = since.page_no, since.root
    await run.step("page numbers", lambda db: pages_in_order(db, merchant_id, *page))
    await run.walk("pages", partial(_pages, merchant_id, since.page_no, {}))
    await run.step("bank", lambda db: bank(run.world, db, merchant_id))
    run.progress.end(merchant_id)


async def _proved(proof: OfMerchant, merchant_id: UUID, db: Connection) -> Sequence[Difference]:
    return await proof(db, merchant_id)


async def _windows(run: _Run, merchant_id: UUID, since: Reached) -> AsyncIterator[Window]:
    """Windows of orders that changed, then all behind what was reached; each is sought in a
    snapshot of its own. What was proved of an interrupted run is left out."""
    until = UUID(run.progress.at("orders") or str(LOWEST))
    changed: Sequence[UUID] = ()
    if since.order_id > until:
        changed = await run.read(partial(_changed, merchant_id, since)) or ()
    for order_id in changed:
        if order_id > until:
            before = UUID(int=order_id.int - 1)
            window = await run.read(partial(next_window, merchant_id, before))
            until = since.order_id if window is None else min(window.until, since.order_id)
            yield Window(merchant_id, before, until)
    after = max(until, since.order_id)
    while after < HIGHEST and (window := await run.read(partial(next_window, merchant_id, after))):
        yield window
        after = window.until


async def _changed(merchant_id: UUID, since: Reached, db: Connection) -> Sequence[UUID]:
    return await changed_orders(db, merchant_id, since.feed_no, since.page_no, since.order_id)


async def _postings(merchant_id: UUID, db: Connection, place: str) -> Proved:
    window = await next_postings(db, merchant_id, UUID(place) if place else LOWEST)
    wrong = [
        _difference(merchant_id, row.order_id, wrong)
        for row in await postings_without_order(db, *window)
        if (wrong := verify_ledger.wrong_posting(merchant_id, row))
    ]
    until = window.until
    return wrong + await places(db, window), str(until) if until < HIGHEST else None


async def _pages(
    merchant_id: UUID, proved: int, balances: dict[int, dict[str, int]], db: Connection, place: str
) -> Proved:
    """`balances`: those at the page where this step begins and at that where it ends, if known."""
    after = int(place) if place else proved
    known = balances.get(after)
    differing, until, there = await next_pages(db, merchant_id, after, known)
    balances.clear()
    if known is not None:
        balances[after] = known
    if until is None:
        return differing, None
    balances[until] = there
    return differing, str(until)


async def _sends(
    merchant_id: UUID | None, kept_since: datetime, cell: int, db: Connection, place: str
) -> Proved:
    after = Send(*map(UUID, place.split())) if place else FIRST
    wrong, until = await sends_of_nothing(db, merchant_id, kept_since, cell, after)
    return wrong, " ".join(map(str, until)) if until else None


async def _theirs(
    merchant_id: UUID | None, book_of: str, cell: int, db: Connection, place: str
) -> Proved:
    after = UUID(place) if place else LOWEST
    wrong, until = await issuer.theirs(db, book_of, merchant_id, cell, after)
    return wrong, str(until) if until else None


async def _decisions(run: _Run, merchant_id: UUID, after: UUID) -> UUID | None:
    """Proves the next decisions; the last of them, None behind the last of all."""
    last: UUID | None = None
    decided, gone = Counter[str](), Counter[str]()

    async def prove(db: Connection) -> Sequence[Difference]:
        nonlocal last
        decided.clear()
        gone.clear()
        policies: dict[str, InForce] = {}
        rows = await next_decisions(db, merchant_id, after)
        last = rows[-1].decision_id if rows else None
        await load_models(db, rows, run.models)
        await load_policies(db, merchant_id, (row.versions for row in rows), policies)
        wrong = verify_decisions.all_wrong(rows, decided, gone, run.models, policies)
        return [_difference(merchant_id, *each) for each in wrong]

    await run.prove(prove)
    run.done.decided += decided
    run.progress.kept.gone = gone + Counter(run.progress.kept.gone)
    if last is not None:
        run.progress.note("decisions", str(last))
    return last


async def _settlements_at_the_bank(db: Read, merchant_id: UUID) -> Sequence[Difference]:
    return await bank_settlements(db, merchant_id, list(KINDS), list(KINDS.values()))


_PROOFS: Final[Mapping[str, OfMerchant]] = {
    "references": references_of_nothing,
    "book": book,
    "due work": due_work_of_nothing,
    "payouts": payouts,
    "notices": notices,
    "statements": statements,
    "uploads": uploads,
    "imported sends": imported_sends,
    "settlements": _settlements_at_the_bank,
    "periods": periods,
    "feed": feed,
    "exposure": exposure,
    "switches": switches,
}


async def _window(run: _Run, window: Window, db: Connection) -> Sequence[Difference]:
    """Each proof stands alone: beside a page that is damaged the others are done."""
    differences = list[Difference]()
    for proof in (_logs, _booked, *_OF_WINDOW, *(_OF_ISSUER if run.done.issuer else ())):
        async with run.done.reading(db, window.merchant_id):
            differences += await proof(db, window)
    async with run.done.reading(db, window.merchant_id):
        differences += await due_work(db, window, run.world.clocks.wall(), INLINE_GRACE)
    return differences


async def _logs(db: Read, window: Window) -> Sequence[Difference]:
    wrong = verify_orders.all_wrong(await read_orders(db, *window), await read_lines(db, *window))
    return [_difference(window.merchant_id, *each) for each in wrong]


async def _booked(db: Read, window: Window) -> Sequence[Difference]:
    money = await read_money_lines(db, *window, verify_ledger.money())
    postings, outstanding = await read_postings(db, *window), await read_outstanding(db, *window)
    wrong = verify_ledger.all_wrong(window.merchant_id, money, postings, outstanding)
    return [_difference(window.merchant_id, *each) for each in wrong]


async def _mails(db: Read, window: Window) -> Sequence[Difference]:
    return await mails(db, window, TRIES_MAX)


async def _messages(db: Read, window: Window) -> Sequence[Difference]:
    events = verify_orders.events()
    return await messages(db, window, list(events), list(events.values()), EVENT_STATUSES)


_OF_WINDOW: Final = (
    references,
    cards,
    attempts_and_refunds,
    decline_that_came_in,
    decisions_of_nothing,
    advances,
    _mails,
    _messages,
    settlements,
    disputes,
)
_OF_ISSUER: Final = (issuer.ours, issuers_cases, channel_book)


def _difference(
    merchant_id: UUID, order_id: UUID | None, wrong: tuple[str, Any, Any]
) -> Difference:
    name, expected, kept = wrong
    return Difference(merchant_id, order_id, name, text(expected), text(kept))
