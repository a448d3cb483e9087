"""`--as-of` and `--as-of-recorded`: the moment as of which a report is made, as somebody types it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import click

from recoup.flows.money.as_of import cut_of
from recoup.flows.world import World
from recoup.kernel.problem import invalid
from recoup.kernel.time import of_these_days
from recoup.rules.money.as_of import Cut

from_option = click.option("--from", "valid_from", help="From this date on (ISO 8601, UTC); default: now.")


def moment(text: str | None) -> datetime | None:
    """Raises: Problem(invalid) for what is no date."""
    if text is None:
        return None
    found = typed_moment(text)
    if found is None:
        raise invalid(f"{text!r} is not a date.", "from", "Like 2026-01-31T00:00:00Z.")
    return found


def typed_moment(text: str) -> datetime | None:
    """Without a zone it is UTC. None: no moment of these days."""
    try:
        return of_these_days(datetime.fromisoformat(text))
    except ValueError:
        return None


def as_of_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Passes `as_of` and `as_of_recorded` on, as typed."""
    recorded = click.option("--as-of-recorded", help="As it had been recorded at this real time (ISO 8601, UTC).")
    business = click.option("--as-of", help="As it stood at this business time (ISO 8601, UTC): the bytes of then.")
    return business(recorded(command))


async def typed_cut(world: World, merchant_id: UUID, as_of: str | None, as_of_recorded: str | None) -> Cut:
    """Raises: Problem(invalid), as `cut_of`, and for what is no moment."""
    return await cut_of(world, merchant_id, _moment(as_of, "as-of"), _moment(as_of_recorded, "as-of-recorded"))


def check_only_shown(as_of: str | None, as_of_recorded: str | None, *, changes: bool) -> None:
    """Raises: Problem(invalid) for a moment beside a change: the past is shown, and nothing is set in it."""
    if changes and (as_of is not None or as_of_recorded is not None):
        field = "as-of" if as_of is not None else "as-of-recorded"
        message = f"--{field} shows what was so; it sets nothing."
        raise invalid(message, field, "Leave it out, or the new terms.")


def _moment(text: str | None, field: str) -> datetime | None:
    if text is None:
        return None
    found = typed_moment(text)
    if found is None:
        raise invalid(f"{text!r} is no moment.", field, "Write it like 2026-01-31T12:00:00Z.")
    return found
