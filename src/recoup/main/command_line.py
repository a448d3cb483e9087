"""What `recoup` hands to its verbs: how they reach a world."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from recoup.kernel.problem import Problem
from recoup.main.heap import settle_heap
from recoup.main.settings import load_settings

if TYPE_CHECKING:
    from recoup.doors.command.verbs import Opened

T = TypeVar("T")


class CommandLine:
    """Implements `doors.command.verbs.CommandLine`."""

    def run(self, data_dir: Path | None, work: Callable[["Opened"], Awaitable[T]], *, sandbox_only: bool) -> T:
        from recoup.main.chosen_world import with_world

        settings = load_settings(data_dir=data_dir)
        if sandbox_only and settings.world != "sandbox":
            raise Problem("invalid", "This command works in the sandbox only.", cure="Remove --live and RECOUP_WORLD.")
        settle_heap()
        return with_world(settings, work)
