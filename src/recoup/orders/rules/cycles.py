"""Due times of a subscription's cycles: anchor + n × interval, so that nothing drifts. Source:
contract §2.8."""

import re
from calendar import monthrange
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from recoup.kernel.ids import parse_wire_id
from recoup.kernel.problem import invalid

COUNT_MAX: Final = 366
_LENGTHS: Final = {"day": timedelta(days=1), "week": timedelta(weeks=1)}


def cycle_at(anchor: datetime, unit: str, count: int, n: int) -> datetime:
    """The n-th cycle, from 0. A month that lacks the anchor's day ends on its last; the next one
    has the day again."""
    if unit != "month":
        return anchor + _LENGTHS[unit] * count * n
    months = anchor.year * 12 + anchor.month - 1 + count * n
    year, month = divmod(months, 12)
    day = min(anchor.day, monthrange(year, month + 1)[1])
    return anchor.replace(year=year, month=month + 1, day=day)


def first_from(anchor: datetime, unit: str, count: int, n: int, now: datetime) -> int:
    """The first cycle from the n-th on that is not over at `now`."""
    while cycle_at(anchor, unit, count, n) < now:
        n += 1
    return n


def latest_due(
    anchor: datetime, unit: str, count: int, n: int, now: datetime, ends_at: datetime | None
) -> int:
    """The last cycle from the n-th on that is due at `now`: of many that were missed only it is
    charged."""
    while (at := cycle_at(anchor, unit, count, n + 1)) <= now and (
        ends_at is None or at <= ends_at
    ):
        n += 1
    return n


def order_name(subscription: str, number: int) -> str:
    """The merchant_order_id of a cycle's charge, `number` from 1; a second try finds the same
    order."""
    return f"{subscription}-{number}"


def is_a_cycles(merchant_order_id: str) -> bool:
    """True when a cycle's charge might be called so: a merchant's own charge must not stand in its
    way."""
    subscription, _, number = merchant_order_id.partition("-")
    return parse_wire_id("sub", subscription) is not None and number.isdigit()


def next_charge(
    anchor: datetime,
    unit: str,
    count: int,
    done: int,
    skipped: int,
    total: int,
    ends_at: datetime | None,
) -> datetime | None:
    """The time when the cycle after `done` is charged; None when all are. `total` 0 never ends."""
    if total and done >= total:
        return None
    at = cycle_at(anchor, unit, count, done + skipped)
    return None if ends_at is not None and at > ends_at else at


LINK_MAX: Final = 2048
_ODD: Final = re.compile(r"[\x00-\x20\x7f\"<>\\^`{|}]")


def check_link(url: str | None, field: str) -> str | None:
    """http or https with a host, without a user or password.

    Raises: Problem(invalid).
    """
    if url is None or url == "":
        return None
    cure = "Send an absolute http or https address."
    try:
        parts = urlsplit(url)
        fits = (
            parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        )
        _ = parts.port
    except ValueError:
        fits = False
    if not fits or len(url) > LINK_MAX or _ODD.search(url):
        raise invalid(
            f"The field {field} is no address that a browser may be sent to.", field, cure
        )
    return url
