"""Whether a world's database knows all that this installation knew before: a copy that was put back, or a replica that
took over with losses, does not."""

from dataclasses import dataclass
from datetime import datetime

from recoup.kernel.problem import Problem

RETRY_SECONDS = 60


@dataclass(slots=True)
class Sound:
    """A standing that is told, not measured: a test sets it."""

    reason: str = ""
    lost_from: datetime | None = None
    lost_to: datetime | None = None
    asks_first_until: datetime | None = None

    @property
    def is_quarantined(self) -> bool:
        return bool(self.reason)

    def check(self) -> None:
        """Raises: Problem(unavailable) while it is quarantined."""
        if self.is_quarantined:
            raise quarantined(self.reason)


def quarantined(reason: str) -> Problem:
    """The answer to whatever would send, pay, mail or write while it lasts."""
    return Problem(
        "unavailable",
        reason,
        cure="Send it again later; the operator runs `recoup recover`.",
        retry_after_seconds=RETRY_SECONDS,
    )
