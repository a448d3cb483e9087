"""Trainings run at night, each in a process of its own, by whichever worker leases them."""

from datetime import datetime, timedelta
from typing import Final

PROCESS_MAX: Final = timedelta(minutes=30)  # then it is ended
LEASED: Final = PROCESS_MAX + timedelta(minutes=10)


def night_before(now: datetime, hour: int) -> datetime:
    """The last time that it was this hour, in UTC."""
    today = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)
