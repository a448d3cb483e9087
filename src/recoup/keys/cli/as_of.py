"""`--as-of` and `--as-of-recorded`: the moment as of which a report is made, as somebody types
it."""

from collections.abc import Callable
from datetime import datetime
from functools import update_wrapper
from typing import Annotated, Any

import click

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import invalid
from recoup.kit.as_of import Cut
from recoup.kit.cli.parameters import Parsed
from recoup.kit.files.moments import typed_moment
from recoup.merchants.cli import Opened
from recoup.merchants.flows.as_of import cut_of

from_option = click.option(
    "--from", "valid_from", help="From this date on (ISO 8601, UTC); default: now."
)


def moment(text: str | None, field: str = "from") -> datetime | None:
    """Reads a moment; without a zone it is UTC. Raises: Problem(invalid)."""
    if text is None:
        return None
    moment = typed_moment(text)
    if moment is None:
        raise invalid(f"{text!r} is no moment.", field, "Write it like 2026-01-31T12:00:00Z.")
    return moment


Instant = Annotated[datetime | None, Parsed(moment)]


@frozen
class AsTyped:
    """The two options."""

    as_of: Annotated[
        str | None, "As it stood at this business time (ISO 8601, UTC): the bytes of then."
    ] = None
    as_of_recorded: Annotated[
        str | None, "As it had been recorded at this real time (ISO 8601, UTC)."
    ] = None

    @property
    def is_given(self) -> bool:
        return self.as_of is not None or self.as_of_recorded is not None

    async def cut(self, opened: Opened) -> Cut:
        """Raises: Problem(invalid), as `cut_of`, and for what is no moment."""
        business, recorded = (
            moment(self.as_of, "as-of"),
            moment(self.as_of_recorded, "as-of-recorded"),
        )
        return await cut_of(opened.world, opened.merchant_id, business, recorded)

    def check_only_shown(self, *, changes: bool) -> None:
        """Raises: Problem(invalid) for a moment beside a change: the past is shown, and nothing is
        set in it."""
        if changes and self.is_given:
            field = "as-of" if self.as_of is not None else "as-of-recorded"
            message = f"--{field} shows what was so; it sets nothing."
            raise invalid(message, field, "Leave it out, or the new terms.")


def as_of_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Passes `past` on."""

    def call(*given: Any, as_of: str | None, as_of_recorded: str | None, **options: Any) -> Any:
        return command(*given, past=AsTyped(as_of, as_of_recorded), **options)

    recorded = click.option(
        "--as-of-recorded", help="As it had been recorded at this real time (ISO 8601, UTC)."
    )
    business = click.option(
        "--as-of", help="As it stood at this business time (ISO 8601, UTC): the bytes of then."
    )
    return business(recorded(update_wrapper(call, command)))
