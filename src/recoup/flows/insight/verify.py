"""Proves the ledger, the log, the faces and the balances, and everything that must agree with them.

All of it in one read-only snapshot, merchant by merchant, a bounded number of orders at a time: it may run beside a
working system. It goes on after a difference and reports them all, up to a number.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from recoup.core.kit.model import Model
from recoup.flows.insight import verify_decisions, verify_ledger, verify_orders
from recoup.flows.insight.stored_policies import load_policies
from recoup.flows.insight.verify_bank import bank
from recoup.flows.insight.verify_bounds import bounds
from recoup.flows.insight.verify_certificates import certificates
from recoup.flows.insight.verify_models import damaged_models, load_models
from recoup.flows.world import World
from recoup.kernel.problem import Problem
from recoup.kernel.time import WallTime
from recoup.moves.attempt.plan import INLINE_GRACE
from recoup.moves.message.mail import TRIES_MAX
from recoup.rules.imports.attempt import IMPORTS_KEPT
from recoup.rules.messages.order_events import EVENT_STATUSES
from recoup.rules.money.settlement import KINDS
from recoup.rules.policies.in_force import InForce
from recoup.store.insight.proofs import issuer
from recoup.store.insight.proofs.advances import advances, exposure, operator_exposure
from recoup.store.insight.proofs.attempts import attempts_and_refunds
from recoup.store.insight.proofs.bank import statements
from recoup.store.insight.proofs.counts import counts
from recoup.store.insight.proofs.decisions import decisions_of_nothing, read_decisions
from recoup.store.insight.proofs.disputes import disputes, issuers_cases, notices
from recoup.store.insight.proofs.due import due_work, due_work_of_nothing
from recoup.store.insight.proofs.imports import imported_sends, uploads
from recoup.store.insight.proofs.ledger import (
    book,
    postings_without_order,
    read_money_lines,
    read_outstanding,
    read_postings,
)
from recoup.store.insight.proofs.messages import feed, mails, messages
from recoup.store.insight.proofs.orders import cards, read_lines, read_orders, references, references_of_nothing
from recoup.store.insight.proofs.pages import pages
from recoup.store.insight.proofs.periods import periods
from recoup.store.insight.proofs.sends import decline_that_came_in, sends_of_nothing
from recoup.store.insight.proofs.settlements import bank_settlements
from recoup.store.insight.proofs.stable import channel_book, payouts, settlements
from recoup.store.insight.proofs.switches import switches
from recoup.store.insight.proofs.walk import Difference, Window, merchants, text, windows
from recoup.store.statement import Read

__all__ = ["Difference", "Verified", "verify"]


DIFFERENCES_MAX: Final = 100


@dataclass(slots=True)
class Verified:
    """`checked`: how much there is of each kind, in the order shown. `differences`: the first, and `more`: how many
    were found besides; of one statement's answer at most a thousand are counted. `decided`: by version of their
    decider, the decisions that were decided again and came out the same."""

    checked: dict[str, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    issuer: bool = False
    more: int = 0
    decided: Counter[str] = field(default_factory=Counter)

    @property
    def difference(self) -> Difference | None:
        return self.differences[0] if self.differences else None

    def found(self, differences: Iterable[Difference]) -> None:
        for one in differences:
            if len(self.differences) < DIFFERENCES_MAX:
                self.differences.append(one)
            else:
                self.more += 1


async def verify(world: World, merchant_id: UUID | None = None, tell: Callable[[UUID], None] | None = None) -> Verified:
    """Over all merchants, or one; `tell` is called with each merchant that is begun.

    Raises: Problem(not_found) for a merchant that this world does not have.
    """
    wall = world.clocks.wall()
    async with world.db.connection() as connection:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            with_issuer = "sandbox" in world.processors and await issuer.can_read(connection)
            known, strangers = await merchants(connection)
            if merchant_id is not None and merchant_id not in known and not strangers:
                raise Problem(
                    "not_found", "There is no such merchant in this world.", cure="Check its id, or leave it out."
                )
            chosen = known if merchant_id is None else [m for m in known if m == merchant_id]
            done = Verified({"merchants": len(chosen)} | await counts(connection, merchant_id), issuer=with_issuer)
            done.found(strangers)
            done.found(await damaged_models(connection))
            models: dict[str, Model] = {}
            for one in chosen:
                if tell:
                    tell(one)
                await _merchant(connection, one, wall, done, models)
                done.found(await bank(world, connection, one))
                done.found(await certificates(connection, one))
                done.found(await bounds(connection, one))
            done.found(await operator_exposure(connection))
            done.found(await sends_of_nothing(connection, merchant_id, world.clocks.wall() - IMPORTS_KEPT))
            if with_issuer:
                done.found(await issuer.theirs(connection, merchant_id))
    return done


async def _merchant(
    connection: Read, merchant_id: UUID, wall: WallTime, done: Verified, models: dict[str, Model]
) -> None:
    """`models`: those read so far, by name."""
    async for window in windows(connection, merchant_id):
        await _window(connection, window, wall, done)
    async for postings in postings_without_order(connection, merchant_id):
        wrong = (verify_ledger.wrong_posting(merchant_id, row) for row in postings)
        done.found(_difference(merchant_id, None, each) for each in wrong if each)
    policies: dict[str, InForce] = {}
    gone: Counter[str] = Counter()
    async for rows in read_decisions(connection, merchant_id):
        await load_models(connection, rows, models)
        await load_policies(connection, merchant_id, rows, policies)
        wrong_ones = verify_decisions.all_wrong(rows, done.decided, gone, models, policies)
        done.found(_difference(merchant_id, *each) for each in wrong_ones)
    done.found(_difference(merchant_id, None, each) for each in verify_decisions.of_gone(gone))
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
    ):
        done.found(await proof(connection, merchant_id))
    done.found(await bank_settlements(connection, merchant_id, list(KINDS), list(KINDS.values())))
    for proof in (periods, feed, exposure, switches):
        done.found(await proof(connection, merchant_id))


async def _window(connection: Read, window: Window, wall: WallTime, done: Verified) -> None:
    merchant_id = window.merchant_id
    orders = verify_orders.all_wrong(await read_orders(connection, *window), await read_lines(connection, *window))
    done.found(_difference(merchant_id, *wrong) for wrong in orders)
    done.found(await references(connection, window))
    done.found(await cards(connection, window))
    done.found(await attempts_and_refunds(connection, window))
    money = await read_money_lines(connection, *window, verify_ledger.MONEY)
    postings, outstanding = await read_postings(connection, *window), await read_outstanding(connection, *window)
    booked = verify_ledger.all_wrong(merchant_id, money, postings, outstanding)
    done.found(_difference(merchant_id, *wrong) for wrong in booked)
    done.found(await decline_that_came_in(connection, window))
    done.found(await decisions_of_nothing(connection, window))
    done.found(await advances(connection, window))
    done.found(await due_work(connection, window, wall, INLINE_GRACE))
    done.found(await mails(connection, window, TRIES_MAX))
    lines, events = list(verify_orders.events()), list(verify_orders.events().values())
    done.found(await messages(connection, window, lines, events, EVENT_STATUSES))
    for proof in (settlements, disputes, *((issuer.ours, issuers_cases, channel_book) if done.issuer else ())):
        done.found(await proof(connection, window))


def _difference(merchant_id: UUID, order_id: UUID | None, wrong: tuple[str, Any, Any]) -> Difference:
    name, expected, found = wrong
    return Difference(merchant_id, order_id, name, text(expected), text(found))
