"""The command line's group. What a verb needs is imported when it runs: the processes of a server are verbs
too, and need nothing of the laboratory's."""

from collections.abc import Callable, Sequence
from typing import Any

import click


class VerbGroup(click.Group):
    """`later`: each adds some verbs. For a verb that is not known yet they are called in turn until it is."""

    def __init__(self, *given: Any, later: Sequence[Callable[[click.Group], None]] = (), **more: Any) -> None:
        super().__init__(*given, **more)
        self._later = list(later)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        while (found := super().get_command(ctx, cmd_name)) is None and self._later:
            self._later.pop(0)(self)
        return found

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Help shows them all."""
        while self._later:
            self._later.pop(0)(self)
        return super().list_commands(ctx)
