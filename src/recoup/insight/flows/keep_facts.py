"""Facts to decide by, kept for merchants whose orders an engine may decide about: each payer's
latest attempts, and how issuers answered.

The feed says which payers have news, and the transmissions' ids do; what is known of such a payer
is counted anew, so that doing it twice, or late, gives the same. An issuer's answers are added up,
each with the event that tells it first.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.db.pool import retrying
from recoup.db.statement import Tx
from recoup.kernel.ids import first_id_of
from recoup.kernel.time import WallTime
from recoup.kit.world import World
from recoup.networks.codes import answered_code
from recoup.orders.flows.each import each
from recoup.rescue.moves.payer_looks import look_at
from recoup.rescue.rules.answer_classes import CLASSES
from recoup.rescue.rules.payer_looks import answer_of
from recoup.rescue.store.facts import (
    IssuerAnswers,
    add_answers,
    merchants_behind,
    move_facts,
    take_facts,
)
from recoup.rescue.store.payer_sources import (
    FeedEvent,
    answered_with,
    events_after,
    payers_of,
    transmitted_after,
)

EVENTS_MAX: Final = 500  # of a transaction; as many transmissions
MERCHANTS_MAX: Final = 100
LOOK_AGAIN: Final = timedelta(seconds=30)  # at merchants that only transmit
SETTLED: Final = timedelta(
    minutes=1
)  # what got its id then, by whichever clock, is committed or never will be
_UPLOADED: Final = "upload.completed"


async def keep_facts(world: World) -> int:
    """Keeps one part of the facts of every merchant that is behind; answers how many events and
    transmissions."""
    wall = world.clocks.wall()
    merchants = await merchants_behind(world.db, wall - LOOK_AGAIN, MERCHANTS_MAX)
    return await each(merchants, lambda merchant_id: keep_facts_of(world, merchant_id))


async def keep_facts_of(world: World, merchant_id: UUID) -> int:
    """The next part of one merchant; answers how much it was."""

    async def once() -> int:
        async with world.db.transaction() as tx:
            return await _part(tx, merchant_id, world.clocks.wall())

    return await retrying(once)


async def _part(tx: Tx, merchant_id: UUID, wall: WallTime) -> int:
    clock = await take_facts(tx, merchant_id)
    if clock is None:
        return 0
    before = first_id_of(wall - SETTLED)
    events = await events_after(tx, merchant_id, clock.feed_no, EVENTS_MAX)
    transmissions = await transmitted_after(tx, merchant_id, clock.transmit_id, before, EVENTS_MAX)
    payers = {row.payer_id for row in transmissions if row.payer_id is not None}
    payers.update(await payers_of(tx, merchant_id, {row.subject_id for row in events}))
    await look_at(tx, merchant_id, payers, clock.region, wall)
    await _count(tx, merchant_id, events, clock.region)
    reached = events[-1].feed_no if events else clock.feed_no
    # A file's rows got their ids when it was read, however long after that they are worked.
    uploads = [row.subject_id for row in events if row.event == _UPLOADED]
    transmitted = min(
        [transmissions[-1].transmit_id if transmissions else clock.transmit_id, *uploads]
    )
    await move_facts(tx, merchant_id, reached, transmitted, wall)
    return len(events) + len(transmissions)


async def _count(tx: Tx, merchant_id: UUID, events: Sequence[FeedEvent], region: str) -> None:
    if not events:
        return
    counts: Counter[tuple[str, int]] = Counter()
    for row in await answered_with(tx, merchant_id, events):
        code = answered_code(row.scheme_code, row.processor_code)
        answer = answer_of(row.state, row.sent_at, row.scheme, code, row.advice_code, region)
        counts[row.issuer_digits, answer] += 1
    issuers = sorted({issuer for issuer, _ in counts})
    if issuers:
        await add_answers(
            tx,
            [
                IssuerAnswers(
                    merchant_id, issuer, *(counts[issuer, number] for number in range(len(CLASSES)))
                )
                for issuer in issuers
            ],
        )
