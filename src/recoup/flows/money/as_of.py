"""As of when somebody reads a merchant's money: an instant by either clock, which has to have been."""

from datetime import datetime, timedelta
from uuid import UUID

from recoup.flows.world import World
from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence
from recoup.kernel.time import business_at, iso, whole_millisecond
from recoup.rules.money.as_of import ALWAYS, NOW, Cut
from recoup.store.merchants.clock_moves import clock_of


async def cut_of(world: World, merchant_id: UUID, business: datetime | None, recorded: datetime | None) -> Cut:
    """NOW when neither is given. `business`: by the merchant's clock; `recorded`: wall time. Of an instant that is
    named by milliseconds, as answers show them, all of the millisecond counts.

    Raises: Problem(invalid), field AsOf or AsOfRecorded, for both of them, for one that has not come yet, and for one
    before the merchant; Problem(not_found) for an unknown merchant.
    """
    if business is None and recorded is None:
        return NOW
    if business is not None and recorded is not None:
        message = "Send asOf or asOfRecorded, not both."
        raise Problem(
            "invalid", message, field="AsOfRecorded", cure="asOf is the merchant's time, the other real time."
        )
    async with world.db.connection() as connection:
        clock = await clock_of(connection, merchant_id)
    if clock is None:
        raise Problem("not_found", "There is no such merchant in this world.", cure="Check its id.")
    wall = world.clocks.wall()
    field, at, first, latest = (
        ("AsOf", business, clock.began_at, business_at(wall, clock.offset_us))
        if business is not None
        else ("AsOfRecorded", recorded, clock.created_at, wall)
    )
    assert at is not None
    if at > latest:
        message = Sentence("That has not come yet: this clock shows {0}.", iso(latest))
        raise Problem("invalid", message, field=field, cure="Name an earlier moment.")
    if at < first:
        message = Sentence("This merchant was not there yet: it began at {0}.", iso(first))
        raise Problem("invalid", message, field=field, cure="Name a later moment.")
    at = whole_millisecond(at)
    return Cut(business=at) if business is not None else Cut(recorded=at)


async def end_of(world: World, merchant_id: UUID, cut: Cut) -> datetime:
    """The end of a period that has none yet: the merchant's time at the cut, or now. For a time of recording by the
    clock as it is set today."""
    if cut.business != ALWAYS:
        return cut.business
    async with world.db.connection() as connection:
        clock = await clock_of(connection, merchant_id)
    ahead = timedelta(microseconds=clock.offset_us if clock else 0)
    return min(cut.recorded, world.clocks.wall()) + ahead
