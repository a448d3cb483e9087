"""Runs the checks on a connector, each before a stand-in of its own. Packages add subjects by entry
points of the group `recoup.subjects`."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from recoup.kernel.extensions import added, load
from recoup.kernel.problem import Problem
from recoup_lab.conformance import ask, codes, house, money, notices, send
from recoup_lab.conformance.check import CHECKS, Check, FailedError, NotOfferedError
from recoup_lab.conformance.subject import Breaker, Subject

GROUPS: Final = (send, codes, ask, money, notices, house)
State = Literal["ok", "failed", "not_offered"]
SECONDS_MAX: Final = 60.0
SUBJECTS: Final = "recoup.subjects"


@dataclass(frozen=True, slots=True)
class Result:
    """Result of a check. `why`: what was seen of one that failed, or why it does not apply.
    `calls`: those made, without ids."""

    number: int
    name: str
    state: State
    why: str = ""
    calls: frozenset[str] = frozenset()


def subject_of(name: str) -> type[Subject]:
    """Raises: KeyError; Problem(unavailable) for a package that cannot be used."""
    return load(added(SUBJECTS)[name], type)


async def run_checks(
    make: type[Subject], *, only: Iterable[int] | None = None, breaks: Breaker | None = None
) -> AsyncIterator[Result]:
    """Runs the checks in the order of their numbers."""
    for number in sorted(only if only is not None else CHECKS):
        yield await _run(CHECKS[number], make(breaks))


async def _run(check: Check, subject: Subject) -> Result:
    if (reason := subject.unlike.get(check.number)) is not None:
        return Result(check.number, check.name, "not_offered", reason)
    await subject.start()
    state, why = await _seen(check, subject)
    if state == "ok" and subject.unpublished():
        state, why = "failed", f"the vendor does not publish this: {subject.unpublished()[0]}"
    calls = subject.calls_made()
    await subject.stop()
    return Result(check.number, check.name, state, why, calls)


async def _seen(check: Check, subject: Subject) -> tuple[State, str]:
    try:
        async with asyncio.timeout(SECONDS_MAX):
            await check.run(subject)
    except NotOfferedError as reason:
        return "not_offered", str(reason)
    except FailedError as failure:
        return "failed", str(failure)
    except TimeoutError:
        return "failed", "it takes too long"
    except Problem as problem:
        return "failed", problem.message
    except Exception as error:  # noqa: BLE001
        # a connector that raises has failed; its text may quote a secret
        return "failed", f"it raises {type(error).__name__}"
    return "ok", ""
