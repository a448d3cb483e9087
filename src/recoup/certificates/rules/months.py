"""Months that certificates are made of: UTC, by the merchant's business time, once they are
closed."""

from datetime import UTC, datetime, timedelta
from typing import Final

from recoup.kernel.problem import Sentence, invalid
from recoup.kit.report_spans import month

# So long after its end a month is open for answers that are late and declines that the merchant
# reports afterwards.
CLOSES_AFTER: Final = timedelta(days=3)


def month_start(at: datetime) -> datetime:
    """The start of the month that an instant lies in."""
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def month_end(begin: datetime) -> datetime:
    """The first instant of the month after."""
    return (begin + timedelta(days=31)).replace(day=1)


def closes_at(begin: datetime) -> datetime:
    return month_end(begin) + CLOSES_AFTER


def month_text(begin: datetime) -> str:
    return f"{begin:%Y-%m}"


def closed_month(text: str, now: datetime) -> datetime:
    """The first instant of a month, `2026-11`, that is closed at `now`. Raises: Problem(invalid),
    its field month."""
    begin = month(text, "UTC")[0]
    if begin > now:
        raise invalid(
            Sentence("{0} lies in the future.", month_text(begin)),
            "month",
            "Name a month that is over.",
        )
    if now < closes_at(begin):
        raise invalid(
            Sentence(
                "{0} is not closed before {1}.",
                month_text(begin),
                f"{closes_at(begin):%Y-%m-%d %H:%M} UTC",
            ),
            "month",
            "Late answers and reported declines still count; ask again then.",
        )
    return begin
