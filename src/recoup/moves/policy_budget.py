"""What leaves for merchants whose retry policy has a budget is counted in the transaction of the send."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from recoup.moves.change import Change
from recoup.store.merchants.policies import count_sends
from recoup.store.statement import Tx


def reserved(change: Change) -> int:
    """Sends of its order that leave with this change, where they count."""
    if change.order.retry.month_sends is None:
        return 0
    return sum(one.state == "reserved" and not one.claimed for one in change.rows.network_sends)


async def count(tx: Tx, changes: Sequence[Change]) -> None:
    """Without one no statement runs. Rows are taken in one order."""
    found = Counter[tuple[UUID, date]]()
    for change in changes:
        if sends := reserved(change):
            found[change.order.merchant_id, change.now.date().replace(day=1)] += sends
    if found:
        keys = sorted(found)
        await count_sends(tx, [key[0] for key in keys], [key[1] for key in keys], [found[key] for key in keys])
