"""Detection of a fall of a merchant's rescue rate that raises an alert.

Payments of the last day are compared with those of the seven days before *at the same age*: a
payment of some hours is rescued less often than one of a week, and that is no fall. Source:
decision 0038.
"""

from datetime import timedelta
from typing import Final, Literal, NamedTuple

SPAN: Final = timedelta(days=1)
DAYS_BEFORE: Final = 7
DECLINED_MIN: Final = 50  # in the last day, and in the days before
FELL_TO: Final = (3, 4)  # of what it was, at most
BACK_AT: Final = (9, 10)  # of what it was, at least: what lies between changes nothing
ERRORS: Final = 3  # standard errors of the difference: less may be chance

Verdict = Literal["fell", "recovered"]


class Counted(NamedTuple):
    """Payments that came in declined, and how many of them were rescued at their age."""

    declined: int
    rescued: int


def judge(recent: Counted, before: Counted, *, fallen: bool) -> Verdict | None:
    """`fallen`: it raised an alert, and the rate was not back since. None: nothing is new, or too
    little is known."""
    if min(recent.declined, before.declined) < DECLINED_MIN:
        return None
    now, was = (
        recent.rescued * before.declined,
        before.rescued * recent.declined,
    )  # rates, with one denominator
    if fallen:
        return "recovered" if now * BACK_AT[1] >= was * BACK_AT[0] else None
    low = was > 0 and now * FELL_TO[1] <= was * FELL_TO[0]
    return "fell" if low and not _by_chance(recent, before) else None


def _by_chance(recent: Counted, before: Counted) -> bool:
    """True when the difference of the two rates is below ERRORS of its standard error."""
    whole, rescued = recent.declined + before.declined, recent.rescued + before.rescued
    difference = before.rescued * recent.declined - recent.rescued * before.declined
    spread = rescued * (whole - rescued) * recent.declined * before.declined
    return difference**2 * whole < ERRORS**2 * spread
