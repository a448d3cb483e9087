"""The one way a flow changes orders: lock, read everything, decide purely, write once.

`work(change)` sees the order under its lock and gathers what happens to it. Calls that come
together share a transaction, each order once; a Problem raised by one order's work discards that
order's change alone.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final, Generic, NamedTuple, TypeVar
from uuid import UUID

import msgspec

from recoup.db.coalesce import Coalescer
from recoup.db.pool import retrying
from recoup.db.statement import Tx
from recoup.kernel.cause import note_order
from recoup.kernel.feature import Place
from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem
from recoup.kernel.scope import WORKER, Actor, Scope
from recoup.kernel.time import WallTime
from recoup.kit.world import World
from recoup.networks.limits import LOOKBACK
from recoup.orders.moves import policy_budget
from recoup.orders.moves.change import Change, write_all
from recoup.orders.moves.rows import locked_row
from recoup.orders.rules.contact import email_counted, phone_counted
from recoup.orders.rules.snapshot import LockedOrder, Order
from recoup.orders.store.archived import not_found
from recoup.orders.store.intake import NewOrder, Raced, admit
from recoup.orders.store.locks import lock_cards, lock_orders
from recoup.orders.store.rows import NetworkSend
from recoup.processors.gateways.describing import describes
from recoup.rescue.flows.carriers import may_confirm, may_enter_card, region_at
from recoup.rescue.moves.send import with_reserved
from recoup.rescue.rules.arms import EngineAtHand
from recoup.rescue.rules.card_update import SWITCH as CARD_UPDATES
from recoup.rescue.rules.model import Model
from recoup.rescue.store.evidence import OrderEvidence, read_evidence
from recoup.rescue.store.locked import Contact, contact_of, order_of

Key = tuple[UUID, UUID]
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Admission:
    """A row for `store.orders.intake`, whose order is decided in the same transaction.
    Transmissions from the id `recent` on are looked at."""

    row: NewOrder
    recent: UUID


@dataclass(frozen=True, slots=True)
class AdmittedJob:
    """An order admitted now, with the answer of `work`, or the Problem that it raised: then it is
    admitted only."""

    answer: Any


@dataclass(frozen=True, slots=True)
class Job(Generic[R]):
    """A piece of work on one order, the worker's unless stated. `cards` also locks its card and
    brings the card's sends, and the contract on disputes. `person`, whose refund it is, brings the
    limits of refunds and those that wait, and locks their day; `role`: as what the actor's limits
    hold. `wallet` locks the wallet of a stablecoin order, and brings what it holds. `door`: of
    another dialect's order the caller hears that there is none."""

    key: Key
    work: Callable[[Change], R]
    actor: Actor = WORKER
    request_id: str = "worker"
    cards: bool = False
    door: str | None = None
    person: Actor | None = None
    wallet: bool = False
    admission: Admission | None = None
    role: str | None = None

    @property
    def turn(self) -> tuple[UUID, Any]:
        """Key of the job's turn: of two jobs that share it the second finds what the first has
        done."""
        return self.key if self.admission is None else (self.key[0], self.admission.row.key)


Fill = Callable[[Change], None]
Jobs = Sequence[Job[Any]]
Locked = Mapping[Key, LockedOrder]
Reads = Callable[[Tx, Jobs, Locked, WallTime], Awaitable[Fill | None]]
# What some jobs ask for beside their locked orders: read in the same transaction, and filled into
# each change; None, and no statement, where no job asks. Their order is that of their locks.
READS: Final = Place[Reads]("reads")
# What the changes of a transaction exchange with each other's, before they are written.
BEFORE_WRITE: Final = Place[Callable[[Tx, Sequence[Change]], Awaitable[None]]]("before_write")


class Orders:
    """The door of all flows to orders that exist. One a world and process. `together`: orders a
    transaction."""

    def __init__(self, world: World, *, together: int = 64) -> None:
        self._world = world
        self._plain: Coalescer[Job[Any], Any] = Coalescer(self._run, writers=3, max_rows=together)
        self._by_people: Coalescer[Job[Any], Any] = Coalescer(
            self._run, writers=2, max_rows=together
        )
        self._with_cards: Coalescer[Job[Any], Any] = Coalescer(
            self._run, writers=3, max_rows=together
        )

    @property
    def policy(self) -> Policy:
        return self._world.policy

    def at(self, world: World) -> "Orders":
        """The door to the orders of that cell."""
        return self if world is self._world else Orders(world)

    async def run(
        self,
        command: Callable[[Change], R],
        key: Key,
        scope: Scope | None = None,
        *,
        cards: bool = False,
        door: str | None = None,
        person: Actor | None = None,
        wallet: bool = False,
    ) -> R:
        """The command on one order, on behalf of `scope`, or of the worker. Raises: as `change`."""
        scope = scope or Scope(key[0], WORKER, "worker")
        actor, role = scope.actor, scope.role
        person = person or (actor if role else None)
        return await self.change(
            Job(key, command, actor, scope.request_id, cards, door, person, wallet, role=role)
        )

    async def change(self, job: Job[R]) -> R:
        """Runs a job and returns what `work` answered, once everything it gathered is committed.

        Raises: Problem(not_found) for an unknown order; whatever Problem `work` raises, with
        nothing written.
        """
        note_order(job.key[1])
        way = self._with_cards if job.cards else self._by_people if job.person else self._plain
        answer: R = await way.submit(job)
        return answer

    async def admit(self, job: Job[Any]) -> AdmittedJob | None:
        """Admits the job's order and does its work, in one transaction. None for one that is known,
        or that the slow way has to look at.

        Raises: Problem(unavailable).
        """
        try:
            taken: AdmittedJob | None = await self._with_cards.submit(job)
        except Raced:
            return None
        if taken is not None:
            note_order(job.key[1])
        return taken

    async def _run(self, jobs: Sequence[Job[Any]]) -> list[Any]:
        answers: dict[int, Any] = {}
        waiting = list(enumerate(jobs))
        while waiting:
            turns: set[tuple[UUID, Any]] = set()
            now: list[tuple[int, Job[Any]]] = []
            later: list[tuple[int, Job[Any]]] = []
            for item in waiting:
                (later if item[1].turn in turns else now).append(item)
                turns.add(item[1].turn)
            batch = now
            try:
                answers |= await retrying(
                    lambda batch=batch: self._transaction(batch)  # type: ignore[misc]
                )
            except Exception as error:
                if not answers:
                    raise
                # Earlier rounds are committed: what fails now fails for its own job alone.
                answers |= await self._one_by_one(batch, error)
            waiting = later
        return [answers[index] for index in range(len(jobs))]

    async def _one_by_one(
        self, jobs: list[tuple[int, Job[Any]]], error: Exception
    ) -> dict[int, Any]:
        """Answers or errors of the jobs one by one, after `error` of them together."""
        if len(jobs) == 1 or isinstance(error, Problem):
            return {index: error for index, _ in jobs}
        answers: dict[int, Any] = {}
        for item in jobs:
            try:
                answers |= await retrying(
                    lambda item=item: self._transaction([item])  # type: ignore[misc]
                )
            except Exception as alone:  # noqa: BLE001 - it is the answer of that job
                answers[item[0]] = alone
        return answers

    async def _transaction(self, jobs: list[tuple[int, Job[Any]]]) -> dict[int, Any]:
        world, wall = self._world, self._world.clocks.wall()
        first = jobs[0][1]
        answers: dict[int, Any] = {}
        changes = []
        await world.models.ready()
        if first.cards:
            await world.routes.ready()
        async with world.db.transaction() as tx:
            keys = sorted(job.key for _, job in jobs if job.admission is None)
            locked = await lock_orders(tx, keys) if keys else ()
            rows = {(r.merchant_id, r.order_id): r for r in locked}
            admissions = [job.admission for _, job in jobs if job.admission is not None]
            if admissions:
                rows |= await admit_all(tx, admissions)
            cards = [r.card_id for r in rows.values() if r.card_id] if first.cards else []
            heads = await lock_cards(tx, cards, wall) if first.cards else {}
            with_tokens = bool(world.token_services)
            evidence = await read_evidence(
                tx, rows, wall - LOOKBACK, with_sends=first.cards, with_tokens=with_tokens
            )
            asking = [job for _, job in jobs]
            fills = [await read(tx, asking, rows, wall) for read in READS]
            ground = _Ground(world, wall, rows, evidence, fills, heads, {}, Counter())
            for index, job in jobs:
                row = rows.get(job.key)
                if row is None and job.admission is not None:
                    answers[index] = None
                    continue
                if row is None or job.door not in (None, row.door):
                    cure = "Check the id; it is the orderId of /evaluate."
                    answers[index] = await not_found(tx, *job.key, cure)
                    continue
                change = ground.change(job)
                try:
                    answers[index] = job.work(change)
                except Problem as problem:
                    answers[index] = problem
                    if job.admission is None:
                        continue
                    change = ground.change(job)
                if job.admission is not None:
                    answers[index] = AdmittedJob(answers[index])
                changes.append(change)
                ground.reserve(change)
            if changes:
                for act in BEFORE_WRITE:
                    await act(tx, changes)
                await write_all(tx, changes)
                await policy_budget.count(tx, changes)
        return answers


class _Ground(NamedTuple):
    """Rows that one transaction has locked and read."""

    world: World
    wall: WallTime
    rows: Mapping[Key, LockedOrder]
    evidence: Mapping[Key, OrderEvidence]
    fills: Sequence[Fill | None]
    heads: Mapping[UUID, UUID]  # card -> the one that all which are one with it are joined to
    reserved: dict[
        UUID, dict[UUID, NetworkSend]
    ]  # by that one the sends that this transaction has changed
    sent: Counter[policy_budget.Subject]  # the sends of this transaction that count for a budget

    def change(self, job: Job[Any]) -> Change:
        """The change of a job's order, with nothing done yet."""
        row, evidence = self.rows[job.key], self.evidence[job.key]
        order = order_of(row, evidence, self.wall)
        order.key = order_key(self.world, row)
        order.may_confirm = partial(may_confirm, self.world, order)
        order.may_enter_card = partial(may_enter_card, self.world, order.merchant_id)
        order.regions = partial(region_at, self.world, order)
        if order.limits is not None:
            order.known_as = customer_names(self.world, order, contact_of(evidence))
        head = self.heads.get(row.card_id) if row.card_id else None
        order.sends = with_reserved(order.sends, self.reserved.get(head, {}) if head else {})
        if order.rescue is not None and job.cards:
            order.rescue = replace(order.rescue, visa_limit=self.world.policy.visa_limit)
        order.retry = policy_budget.with_sent(order, self.sent)
        now = order.merchant.business(self.wall)
        is_new = job.admission is not None
        change = Change(
            order,
            now=now,
            wall=self.wall,
            actor=job.actor,
            request_id=job.request_id,
            is_new=is_new,
        )
        change.role = job.role
        for fill in filter(None, self.fills):
            fill(change)
        change.has_updater = has_updater(self.world, order)
        if evidence.off_since is not None:
            change.off_since = WallTime(datetime.fromisoformat(evidence.off_since))
        if order.arm is not None:
            change.give(engine_at_hand(self.world, order))
        if job.admission is not None:
            change.due(job.admission.row.due_kind, job.admission.row.due_at)
        return change

    def reserve(self, change: Change) -> None:
        if change.refund_context is not None:
            change.refund_context.day.units += change.leaving_units
        self.sent.update(policy_budget.reserved(change))
        for send in change.rows.network_sends:
            self.reserved.setdefault(self.heads.get(send.card_id, send.card_id), {})[
                send.send_id
            ] = send


async def admit_all(tx: Tx, admissions: Sequence[Admission]) -> dict[Key, LockedOrder]:
    """Admits orders and returns each that exists from now on, as a locked row of it would be.

    Raises: Raced, with nothing written.
    """
    given = [msgspec.structs.replace(admission.row, decided=True) for admission in admissions]
    made = await admit(tx, given, min(admission.recent for admission in admissions))
    return {
        (row.merchant_id, row.order_id): locked_row(row, card)
        for row in given
        if (card := made.get(row.order_id)) is not None
    }


def has_updater(world: World, order: Order) -> bool:
    """True when somebody can say what became of the order's card: its processor of the cards that
    it keeps, an account updater of those in the vault, unless its merchant has switched that
    off."""
    updater, method = world.updater, order.card.stored if order.card else None
    if updater is None or not order.notices.get(CARD_UPDATES, True):
        return False
    if method is None:
        return updater.knows_numbers
    processor = world.processors.get(method.route)
    may_query = updater.keeps(method.route) or processor is not None and describes(processor)
    return may_query and not method.is_closed and bool(method.reference)


def engine_at_hand(world: World, order: Order) -> EngineAtHand:
    """The engine with the model that is in use now; draws are the order's own."""
    order_id, merchant_id = str(order.order_id), order.merchant_id.bytes
    now = order.merchant.business(world.clocks.wall())
    model: Model | None = world.models.current(now)
    why = world.models.why_none(now) if model is None else ""
    return EngineAtHand(
        model,
        why,
        lambda text: world.keys.mac("rescue-draw", merchant_id + f"{order_id}/{text}".encode()),
    )


def order_key(world: World, row: LockedOrder) -> UUID:
    """The order's key at its processors, in place of its merchant's own id. The key for that is
    never rotated."""
    return world.keys.derived_id(
        "order", world.name, row.merchant_id, row.door, row.external_id, row.generation
    )


def customer_names(world: World, order: Order, contact: Contact) -> tuple[UUID, ...]:
    """Names under which the customer of an order may come again, one id each; the card number is
    another."""
    names = {
        "payer-email": email_counted(contact.email or ""),
        "payer-phone": phone_counted(contact.phone or ""),
    }
    contact_ids = [
        world.keys.derived_id(kind, order.merchant_id.bytes, name)
        for kind, name in names.items()
        if name
    ]
    return (*([order.payer_id] if order.payer_id else ()), *contact_ids)
