"""Money that is moved by hand between the operator and a merchant: with a note, above a limit a day
by two people."""

from datetime import timedelta
from uuid import UUID

from recoup.audit import moves as audit
from recoup.audit.rules import amount
from recoup.bank.store.accounts import Adjustment, adjusted_alone
from recoup.bank.store.payouts import lock_adjustment
from recoup.db.pool import retrying
from recoup.db.statement import Read
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.scope import Scope
from recoup.kernel.time import BusinessTime, business_at
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import no_such_merchant
from recoup.merchants.store.merchants import offset_of
from recoup.settlement.moves.batch import close_adjustment, make_adjustment
from recoup.settlement.store.settlement import lock_clock, payable_assets
from recoup.terms.rules.settlement import check_adjustment, check_second, needs_second
from recoup.terms.store.settlement_terms import terms_at

NOTE_MAX = 500
ALONE_WITHIN = timedelta(days=1)


async def would_wait(world: World, scope: Scope, units: int, asset: str, note: str) -> bool:
    """True when such an adjustment would wait for a second person; nothing is made. Raises:
    Problem(invalid), as `adjust`."""
    async with world.db.read() as connection:
        now = world.clocks.business(await offset_of(connection, scope.merchant_id) or 0)
        return await _waits(connection, scope, units, asset, note, now)


async def _waits(
    db: Read, scope: Scope, units: int, asset: str, note: str, now: BusinessTime
) -> bool:
    check_adjustment(units, note, asset, await payable_assets(db, scope.merchant_id))
    alone = await adjusted_alone(
        db, scope.merchant_id, asset, scope.actor.text(), now - ALONE_WITHIN
    )
    return needs_second(units, asset, await terms_at(db, scope.merchant_id, now), alone)


async def adjust(
    world: World, scope: Scope, units: int, asset: str, note: str, *, key: UUID | None = None
) -> str:
    """`units` signed: + is in the merchant's favour. `key`: the id to give it, so that the same
    form makes one. Answers its state: booked, or waiting for a second person.

    Raises: Problem(invalid) for 0, no note, a currency without a balance; Problem(conflict) for a
    key that was used.
    """
    note = " ".join(note.split())[:NOTE_MAX]

    async def once() -> str:
        wall = world.clocks.wall()
        async with world.db.transaction() as tx:
            clock = await lock_clock(
                tx, scope.merchant_id
            )  # who adjusts at once is counted one after the other
            if clock is None:
                raise no_such_merchant()
            now = business_at(wall, clock.offset_us)
            waits = await _waits(tx, scope, units, asset, note, now)
            adjustment_id = key or new_id()
            if key is not None and await lock_adjustment(tx, scope.merchant_id, key) is not None:
                raise Problem(
                    "conflict", "This adjustment already exists.", cure="Reload the page."
                )
            row = Adjustment(
                scope.merchant_id,
                adjustment_id,
                asset,
                units,
                note,
                "waiting" if waits else "booked",
                made_by=scope.actor.text(),
                decided_by=None,
                created_at=now,
                decided_at=None if waits else now,
            )
            await make_adjustment(tx, row, now=now, wall=wall)
            details = {"amount": amount(units, asset), "state": row.state}
            await audit.note(tx, scope, wall, "adjustment.made", adjustment_id, details)
            return row.state

    return await retrying(once)


async def decide_adjustment(world: World, scope: Scope, adjustment_id: UUID, *, book: bool) -> None:
    """The second person books or refuses it.

    Raises: Problem not_found, wrong_state; Problem(forbidden) for the person who made it.
    """

    async def once() -> None:
        wall = world.clocks.wall()
        async with world.db.transaction() as tx:
            row = await lock_adjustment(tx, scope.merchant_id, adjustment_id)
            if row is None:
                raise Problem("not_found", "There is no such adjustment.", cure="Check the id.")
            if row.state != "waiting":
                raise Problem(
                    "wrong_state",
                    Sentence("This adjustment is {0} already.", row.state),
                    cure="Reload the page.",
                )
            if book:
                check_second(row.made_by, scope.actor.text(), "An adjustment of this size")
            await close_adjustment(
                tx,
                row,
                "booked" if book else "refused",
                scope.actor.text(),
                now=business_at(wall, row.offset_us),
                wall=wall,
            )
            details = {"amount": amount(row.units, row.asset)}
            await audit.note(
                tx,
                scope,
                wall,
                f"adjustment.{'booked' if book else 'refused'}",
                adjustment_id,
                details,
            )

    await retrying(once)
