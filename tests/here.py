"""`recoup`'s verbs over a world of a test: `CliRunner().invoke(verb, words, obj=Here(does))`."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from recoup.merchants.cli import Opened

Work = Callable[[Opened], Awaitable[Any]]


class Here:
    """Click's object: what a verb wants to do in its world, `does` does."""

    def __init__(self, does: Callable[[Work], Any]) -> None:
        self._does = does

    def run(self, data_dir: Path | None, work: Work, *, sandbox_only: bool) -> Any:
        return self._does(work)
