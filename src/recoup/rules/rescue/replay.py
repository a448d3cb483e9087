"""A stored decision decided again, by the decider and the policy that it names. Pure."""

from collections.abc import Mapping
from typing import Any

from recoup.rules.money.collection import COLLECTION_VERSION
from recoup.rules.rescue.advance import ADVANCE_VERSION, Asked, advance
from recoup.rules.rescue.decide import DECIDER_VERSION, decide
from recoup.rules.rescue.evidence import Decision, Evidence
from recoup.rules.rescue.policy import POLICIES


class UnknownVersion(ValueError):
    """Nothing here has decided by that name."""


def decide_again(features: Mapping[str, Any], versions: Mapping[str, Any]) -> Decision:
    """Raises: UnknownVersion; KeyError, TypeError, ValueError for features that no decision was made from."""
    decider, policy = versions["decider"], versions["policy"]
    if decider == DECIDER_VERSION and policy in POLICIES:
        return decide(Evidence.from_dict(features), POLICIES[policy])
    if decider == ADVANCE_VERSION and policy == COLLECTION_VERSION:
        return advance(Asked.from_dict(features))
    raise UnknownVersion(f"{decider} with {policy}")
