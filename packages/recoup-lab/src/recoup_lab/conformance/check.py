"""Definition of a check, and how it says that it failed or does not apply."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recoup_lab.conformance.subject import Subject


class FailedError(Exception):
    """Its text says what was seen."""


class NotOfferedError(Exception):
    """The check does not apply to this connector. Its text says why."""


Run = Callable[["Subject"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Check:
    number: int
    name: str
    run: Run


CHECKS: dict[int, Check] = {}


def check(number: int, name: str) -> Callable[[Run], Run]:
    def listed(run: Run) -> Run:
        CHECKS[number] = Check(number, name, run)
        return run

    return listed


def hold(is_so: bool, seen: object) -> None:
    """Raises: FailedError."""
    if not is_so:
        raise FailedError(str(seen))


def same(seen: object, wanted: object) -> None:
    """Raises: FailedError."""
    hold(seen == wanted, f"{seen} instead of {wanted}")
