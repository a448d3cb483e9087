"""Places where features add to the worker."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from recoup.kernel.feature import Place
from recoup.kit.world import World

Turn = tuple[
    str, Callable[[], Awaitable[int]], float
]  # a name, the work, and the seconds between two turns
LOOPS: Final = Place[Callable[[World], Iterable[Turn]]]("loops")
