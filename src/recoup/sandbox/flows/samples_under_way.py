"""Limits on webhook samples that wait for their receivers at once: each keeps a connection, for as
long as they like."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from recoup.kernel.problem import Problem, Sentence

OF_OWNER_MAX: Final = 5  # as many as a connection test sends
ALL_MAX: Final = 64
RETRY_SECONDS: Final = 2


class SamplesUnderWay:
    """Samples under way in a world, in this process. `owner`: a merchant or a partner."""

    def __init__(self) -> None:
        self._of: Counter[UUID] = Counter()  # holds nobody at zero

    @contextmanager
    def one(self, owner: UUID) -> Iterator[None]:
        """Raises: Problem(too_many_requests)."""
        if self._of[owner] >= OF_OWNER_MAX:
            raise _full(Sentence("{0} samples are under way, which is the limit.", OF_OWNER_MAX))
        if self._of.total() >= ALL_MAX:
            raise _full(
                Sentence("{0} samples of all callers are under way, which is the limit.", ALL_MAX)
            )
        self._of[owner] += 1
        try:
            yield
        finally:
            self._of[owner] -= 1
            if not self._of[owner]:
                del self._of[owner]


def _full(message: str) -> Problem:
    return Problem(
        "too_many_requests",
        message,
        retry_after_seconds=RETRY_SECONDS,
        cure=Sentence("Send the next one in {0} s.", RETRY_SECONDS),
    )
