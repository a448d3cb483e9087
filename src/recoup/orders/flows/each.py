"""The same for each of several merchants: the failure of one does not starve those after it."""

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from uuid import UUID

AT_ONCE: Final = 100


async def each(merchants: Sequence[UUID], work: Callable[[UUID], Awaitable[int]]) -> int:
    """The sum of what was done for at most AT_ONCE of them, drawn anew in each pass: workers that
    begin together share the merchants, and each merchant has its turn. Raises, once all drawn had
    theirs: the first failure."""
    done, failure = 0, None
    for merchant_id in random.sample(merchants, min(AT_ONCE, len(merchants))):
        try:
            done += await work(merchant_id)
        except Exception as error:  # noqa: BLE001 - raised below, after the others
            failure = failure or error
    if failure is not None:
        raise failure
    return done
