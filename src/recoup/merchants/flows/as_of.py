"""Cut as of which somebody reads a merchant's money, or a partner's: an instant by either clock,
which has to have been."""

from datetime import datetime, timedelta
from uuid import UUID

from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.time import WallTime, business_at, iso, whole_millisecond
from recoup.kit.as_of import ALWAYS, NOW, Cut
from recoup.kit.world import World
from recoup.merchants.flows.cells import ask_each
from recoup.merchants.store.clock_moves import Clock, clock_of, partner_clock


async def cut_of(
    world: World, merchant_id: UUID, business: datetime | None, recorded: datetime | None
) -> Cut:
    """Cuts at the instants; NOW when neither is given. `business`: by the merchant's clock;
    `recorded`: wall time. Of an instant that is named by milliseconds, as answers show them, all of
    the millisecond counts.

    Raises: Problem(invalid), field AsOf or AsOfRecorded, for both of them, for one that has not
    come yet, and for one before the merchant; Problem(not_found) for an unknown merchant.
    """
    if not _is_named(business, recorded):
        return NOW
    clock = await clock_of(world.db, merchant_id)
    if clock is None:
        raise _no_such_merchant()
    return _cut(world.clocks.wall(), clock, business, recorded)


async def partner_cut_of(
    world: World,
    partner_id: UUID,
    merchant_id: UUID | None,
    business: datetime | None,
    recorded: datetime | None,
) -> Cut:
    """Cut for all merchants of a partner, or one. `business`: by each merchant's own clock, which
    all have to have shown.

    Raises: as `cut_of`; Problem(not_found) for a merchant that is not the partner's.
    """
    if not _is_named(business, recorded):
        return NOW
    answers = await ask_each(world, lambda cell: partner_clock(cell.db, partner_id, merchant_id))
    answers.check()
    clocks = [clock for _, clock in answers.said if clock is not None]
    if not clocks:
        raise _no_such_merchant()
    offsets = [clock.offset_us for clock in clocks if clock.offset_us is not None]
    began_at = min(clock.began_at for clock in clocks)
    clock = Clock(clocks[0].created_at, min(offsets, default=0), began_at)
    return _cut(world.clocks.wall(), clock, business, recorded)


def _no_such_merchant() -> Problem:
    return Problem("not_found", "There is no such merchant in this world.", cure="Check its id.")


def _is_named(business: datetime | None, recorded: datetime | None) -> bool:
    """Raises: Problem(invalid) for both."""
    if business is not None and recorded is not None:
        message = "Send asOf or asOfRecorded, not both."
        raise invalid(message, "AsOfRecorded", "asOf is the merchant's time, the other real time.")
    return business is not None or recorded is not None


def _cut(wall: WallTime, clock: Clock, business: datetime | None, recorded: datetime | None) -> Cut:
    field, at, first, latest = (
        ("AsOf", business, clock.began_at, business_at(wall, clock.offset_us))
        if business is not None
        else ("AsOfRecorded", recorded, clock.created_at, wall)
    )
    assert at is not None
    if at > latest:
        message = Sentence("That has not come yet: this clock shows {0}.", iso(latest))
        raise invalid(message, field, "Name an earlier moment.")
    if at < first:
        message = Sentence("This merchant was not there yet: it began at {0}.", iso(first))
        raise invalid(message, field, "Name a later moment.")
    at = whole_millisecond(at)
    return Cut(business=at) if business is not None else Cut(recorded=at)


async def end_of(world: World, merchant_id: UUID, cut: Cut) -> datetime:
    """The end of a period that has none yet: the merchant's time at the cut, or now. For a time of
    recording by the clock as it is set today."""
    if cut.business != ALWAYS:
        return cut.business
    clock = await clock_of(world.db, merchant_id)
    ahead = timedelta(microseconds=clock.offset_us if clock else 0)
    return min(cut.recorded, world.clocks.wall()) + ahead
