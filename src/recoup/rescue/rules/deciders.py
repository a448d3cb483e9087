"""Deciders of an order's attempts, by version, so that a stored decision is decided again by what
decided it."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from recoup.kernel.feature import Place
from recoup.orders.rules.decision import Decision
from recoup.policies.rules.in_force import InForce

# From stored features, a policy, a model, and the merchant's set policy.
Decider = Callable[[Mapping[str, Any], Any, Any, InForce | None], Decision]
Deciders = Mapping[
    str, tuple[Mapping[Any, Any], Decider]
]  # with the policies that a version ever decided by
DECIDER: Final = Place[Deciders]("decider")


def without_policy(version: str, decide: Callable[[Mapping[str, Any]], Decision]) -> Deciders:
    """A decider that asks for nothing but the features."""
    return {version: ({None: None}, lambda data, *_: decide(data))}
