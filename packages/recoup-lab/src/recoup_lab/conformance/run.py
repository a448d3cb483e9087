"""Runs the checks on a connector, each before a stand-in of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from recoup.kernel.problem import Problem
from recoup_lab.conformance import ask, codes, house, money, notices, send
from recoup_lab.conformance.adyen import AdyenSubject
from recoup_lab.conformance.braintree import BraintreeSubject
from recoup_lab.conformance.bridge import BridgeSubject
from recoup_lab.conformance.check import CHECKS, Check, FailedError, NotOfferedError
from recoup_lab.conformance.nmi import NmiSubject
from recoup_lab.conformance.stripe import StripeSubject
from recoup_lab.conformance.subject import Breaker, Subject

GROUPS: Final = (send, codes, ask, money, notices, house)
State = Literal["ok", "failed", "not_offered"]
SECONDS_MAX: Final = 60.0
SUBJECTS: Final[Mapping[str, Callable[[Breaker | None], Subject]]] = {
    "adyen": AdyenSubject,
    "braintree": BraintreeSubject,
    "bridge": BridgeSubject,
    "nmi": NmiSubject,
    "stripe": StripeSubject,
}


@dataclass(frozen=True, slots=True)
class Result:
    """`why`: what was seen of a check that failed, or why it does not apply. `calls`: that were made, without ids."""

    number: int
    name: str
    state: State
    why: str = ""
    calls: frozenset[str] = frozenset()


async def run_checks(
    make: Callable[[Breaker | None], Subject], *, only: Iterable[int] | None = None, breaks: Breaker | None = None
) -> AsyncIterator[Result]:
    """In the order of their numbers."""
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
    except Exception as error:  # noqa: BLE001 - a connector that raises has failed; its text may quote a secret
        return "failed", f"it raises {type(error).__name__}"
    return "ok", ""
