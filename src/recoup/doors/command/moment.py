"""Moments as somebody types them; `--from`: the date from which on terms hold."""

from datetime import datetime

import click

from recoup.kernel.problem import Problem
from recoup.kernel.time import of_these_days

from_option = click.option("--from", "valid_from", help="From this date on (ISO 8601, UTC); default: now.")


def moment(text: str | None) -> datetime | None:
    """Raises: Problem(invalid) for what is no date."""
    if text is None:
        return None
    found = typed_moment(text)
    if found is None:
        raise Problem("invalid", f"{text!r} is not a date.", field="from", cure="Like 2026-01-31T00:00:00Z.")
    return found


def typed_moment(text: str) -> datetime | None:
    """Without a zone it is UTC. None: no moment of these days."""
    try:
        return of_these_days(datetime.fromisoformat(text))
    except ValueError:
        return None
