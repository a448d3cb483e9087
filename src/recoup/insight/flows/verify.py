"""Proves the ledger, the log, the faces and the balances, and everything that must agree with them.

All of it in one read-only snapshot, merchant by merchant, a bounded number of orders at a time: it
may run beside a working system. It goes on after a difference, and behind a page that is damaged,
and reports them all, up to a number.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from functools import partial
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from recoup.bank.gateways import says
from recoup.bank.rules.bank_payout import file_context
from recoup.bank.store.accounts import SealedAccount
from recoup.bank.store.proofs import PayoutFile, accounts, files, statements
from recoup.certificates.rules.certificate_file import FIRST_ROOT, prove, read
from recoup.db.operation.damaged_pages import named
from recoup.db.operation.standing import every_merchant
from recoup.db.pool import DAMAGED
from recoup.db.statement import Connection, Read
from recoup.imports.rules.attempt import IMPORTS_KEPT
from recoup.imports.store.proofs import imported_sends, uploads
from recoup.insight.flows import verify_decisions, verify_ledger, verify_orders
from recoup.insight.store.proofs import issuer
from recoup.insight.store.proofs.attempts import attempts_and_refunds
from recoup.insight.store.proofs.decisions import (
    StoredDecision,
    decisions_of_nothing,
    read_decisions,
)
from recoup.insight.store.proofs.disputes import disputes, issuers_cases, notices
from recoup.insight.store.proofs.due import due_work, due_work_of_nothing
from recoup.insight.store.proofs.ledger import (
    book,
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
from recoup.insight.store.proofs.pages import CertificateFile, certificate_files, pages
from recoup.insight.store.proofs.periods import periods
from recoup.insight.store.proofs.switches import switches
from recoup.kernel.problem import Problem
from recoup.kernel.time import WallTime
from recoup.kit.proofs.counts import COUNTED, count
from recoup.kit.proofs.sends import decline_that_came_in, sends_of_nothing
from recoup.kit.proofs.walk import Difference, Window, merchants, text, windows
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
    exposure,
    kept_bounds,
    operator_exposure,
)
from recoup.settlement.rules.settlement_file import KINDS
from recoup.settlement.store.proofs import bank_settlements
from recoup.stablecoin.store.proofs import channel_book, payouts, settlements
from recoup.terms.rules.advance_bounds import kept_tables, weeks_until

AT_ONCE: Final = 100
_Pair = tuple[str, Any, Any]  # what differs, what it should be, what is there


async def bounds(connection: Read, merchant_id: UUID) -> list[Difference]:
    """The first version that differs, of each asset: a week that was changed is in all that
    follow."""
    differences = []
    for asset in await assets_bounded(connection, merchant_id):
        wrong = await _first_wrong(connection, merchant_id, asset)
        if wrong is not None:
            differences.append(wrong)
    return differences


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


async def certificates(connection: Read, merchant_id: UUID) -> list[Difference]:
    """Each kept certificate proves itself, names the root of the one before, and was announced with
    its own."""
    differences, last, root = [], 0, FIRST_ROOT
    while True:
        rows = await certificate_files(connection, merchant_id, last, AT_ONCE)
        for row in rows:
            for name, expected, here in _wrong_certificate(row, last + 1, root):
                field = f"{name} of certificate {row.certificate_id}"
                differences.append(Difference(merchant_id, None, field, str(expected), str(here)))
            last, root = row.chain_no, row.root
        if len(rows) < AT_ONCE:
            return differences


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


__all__ = ["Difference", "Verified", "verify"]


DIFFERENCES_MAX: Final = 100


@dataclass(slots=True)
class Verified:
    """`checked`: how much there is of each kind, in the order shown. `differences`: the first, and
    `more`: how many were found besides; of one statement's answer at most a thousand are counted.
    `decided`: by version of their decider, the decisions that were decided again and came out the
    same."""

    checked: dict[str, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    issuer: bool = False
    more: int = 0
    damaged: set[tuple[str, int]] = field(default_factory=set)
    decided: Counter[str] = field(default_factory=Counter)

    @property
    def difference(self) -> Difference | None:
        return self.differences[0] if self.differences else None

    def found(self, differences: Iterable[Difference]) -> None:
        for difference in differences:
            if len(self.differences) < DIFFERENCES_MAX:
                self.differences.append(difference)
            else:
                self.more += 1

    @asynccontextmanager
    async def reading(
        self, connection: Connection, merchant_id: UUID | None = None
    ) -> AsyncIterator[None]:
        """What is read inside ends at a page that is damaged: it is a difference, once, and what
        follows is proved as ever."""
        try:
            async with connection.transaction():
                yield
        except DAMAGED as error:
            page = await named(connection, error)
            if page is None:
                raise
            if (page.file, page.block) not in self.damaged:
                self.damaged.add((page.file, page.block))
                found = f"{page.finding}. {page.cure}"
                self.found([Difference(merchant_id, None, page.of_table, "can be read", found)])


async def verify(
    world: World, merchant_id: UUID | None = None, tell: Callable[[UUID], None] | None = None
) -> Verified:
    """Verifies all merchants, or one; `tell` is called with each merchant that is begun.

    Raises: Problem(not_found) for a merchant that this world does not have.
    """
    wall = world.clocks.wall()
    async with world.db.connection() as connection:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            with_issuer = "sandbox" in world.processors and await issuer.can_read(connection)
            done = Verified(issuer=with_issuer)
            known, strangers = list[UUID](), list[Difference]()
            async with done.reading(connection):
                known, strangers = await merchants(connection)
            if done.damaged:
                async with done.reading(connection):
                    known = await every_merchant(connection)
            if merchant_id is not None and merchant_id not in known and not strangers:
                raise Problem(
                    "not_found",
                    "There is no such merchant in this world.",
                    cure="Check its id, or leave it out.",
                )
            chosen = known if merchant_id is None else [m for m in known if m == merchant_id]
            done.checked["merchants"] = len(chosen)
            for name in COUNTED:
                async with done.reading(connection):
                    done.checked[name] = await count(connection, name, merchant_id)
            done.found(strangers)
            async with done.reading(connection):
                done.found(await damaged_models(connection))
            models: dict[str, Model] = {}
            for merchant in chosen:
                if tell:
                    tell(merchant)
                await _merchant(connection, merchant, wall, done, models)
                for prove_more in (partial(bank, world), certificates, bounds):
                    async with done.reading(connection, merchant):
                        done.found(await prove_more(connection, merchant))
            async with done.reading(connection):
                done.found(await operator_exposure(connection))
            before = world.clocks.wall() - IMPORTS_KEPT
            async with done.reading(connection):
                done.found(await sends_of_nothing(connection, merchant_id, before))
            if with_issuer:
                async with done.reading(connection):
                    done.found(await issuer.theirs(connection, merchant_id))
    return done


async def _merchant(
    connection: Connection,
    merchant_id: UUID,
    wall: WallTime,
    done: Verified,
    models: dict[str, Model],
) -> None:
    """`models`: those read so far, by name."""
    async with done.reading(connection, merchant_id):
        async for window in windows(connection, merchant_id):
            async with done.reading(connection, merchant_id):
                await _window(connection, window, wall, done)
    async with done.reading(connection, merchant_id):
        async for postings in postings_without_order(connection, merchant_id):
            wrong = (verify_ledger.wrong_posting(merchant_id, row) for row in postings)
            done.found(_difference(merchant_id, None, each) for each in wrong if each)
    async with done.reading(connection, merchant_id):
        await _decisions(connection, merchant_id, done, models)
    for proof in (
        references_of_nothing,
        book,
        pages,
        due_work_of_nothing,
        payouts,
        notices,
        statements,
        uploads,
        imported_sends,
        _settlements_at_the_bank,
        periods,
        feed,
        exposure,
        switches,
    ):
        async with done.reading(connection, merchant_id):
            done.found(await proof(connection, merchant_id))


async def _decisions(
    connection: Read, merchant_id: UUID, done: Verified, models: dict[str, Model]
) -> None:
    policies: dict[str, InForce] = {}
    gone: Counter[str] = Counter()
    async for rows in read_decisions(connection, merchant_id):
        await load_models(connection, rows, models)
        await load_policies(connection, merchant_id, (row.versions for row in rows), policies)
        wrong_ones = verify_decisions.all_wrong(rows, done.decided, gone, models, policies)
        done.found(_difference(merchant_id, *each) for each in wrong_ones)
    done.found(_difference(merchant_id, None, each) for each in verify_decisions.of_gone(gone))


async def _settlements_at_the_bank(db: Read, merchant_id: UUID) -> Sequence[Difference]:
    return await bank_settlements(db, merchant_id, list(KINDS), list(KINDS.values()))


async def _window(connection: Read, window: Window, wall: WallTime, done: Verified) -> None:
    merchant_id = window.merchant_id
    orders = verify_orders.all_wrong(
        await read_orders(connection, *window), await read_lines(connection, *window)
    )
    done.found(_difference(merchant_id, *wrong) for wrong in orders)
    done.found(await references(connection, window))
    done.found(await cards(connection, window))
    done.found(await attempts_and_refunds(connection, window))
    money = await read_money_lines(connection, *window, verify_ledger.money())
    postings, outstanding = (
        await read_postings(connection, *window),
        await read_outstanding(connection, *window),
    )
    booked = verify_ledger.all_wrong(merchant_id, money, postings, outstanding)
    done.found(_difference(merchant_id, *wrong) for wrong in booked)
    done.found(await decline_that_came_in(connection, window))
    done.found(await decisions_of_nothing(connection, window))
    done.found(await advances(connection, window))
    done.found(await due_work(connection, window, wall, INLINE_GRACE))
    done.found(await mails(connection, window, TRIES_MAX))
    lines, events = list(verify_orders.events()), list(verify_orders.events().values())
    done.found(await messages(connection, window, lines, events, EVENT_STATUSES))
    for proof in (
        settlements,
        disputes,
        *((issuer.ours, issuers_cases, channel_book) if done.issuer else ()),
    ):
        done.found(await proof(connection, window))


def _difference(
    merchant_id: UUID, order_id: UUID | None, wrong: tuple[str, Any, Any]
) -> Difference:
    name, expected, kept = wrong
    return Difference(merchant_id, order_id, name, text(expected), text(kept))
