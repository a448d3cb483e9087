"""The same for each of several merchants: the failure of one does not starve those after it."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID


async def each(merchants: Sequence[UUID], work: Callable[[UUID], Awaitable[int]]) -> int:
    """The sum of what was done. Raises, once all had their turn: the first failure."""
    done, failure = 0, None
    for merchant_id in merchants:
        try:
            done += await work(merchant_id)
        except Exception as error:  # noqa: BLE001 - raised below, after the others
            failure = failure or error
    if failure is not None:
        raise failure
    return done
