"""Results kept by what they were asked for. A long text, which anybody may have written, is never
kept."""

from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, wraps
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
TEXT_MAX: Final = 64  # characters, or bytes


class _LongError(Exception):
    """Raised for a long text: nothing is kept of a call that raises."""


def cached(size: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keeps the last `size` results, like `lru_cache`; those of a longer text are worked out each
    time."""

    def keep(work: Callable[P, R]) -> Callable[P, R]:
        @lru_cache(maxsize=size)
        def kept(*given: P.args, **named: P.kwargs) -> R:
            for argument in (*given, *named.values()):
                if isinstance(argument, str | bytes) and len(argument) > TEXT_MAX:
                    raise _LongError
            return work(*given, **named)

        @wraps(work)
        def result(*given: P.args, **named: P.kwargs) -> R:
            with suppress(_LongError):
                return kept(*given, **named)  # type: ignore[arg-type]
            return work(*given, **named)

        vars(result).update(cache_clear=kept.cache_clear, cache_info=kept.cache_info)
        return result

    return keep
