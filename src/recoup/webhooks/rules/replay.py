"""A stored decision decided again, by the decider, the policy and the model that it names. Pure.

Whatever has ever decided in a release is listed here: a new version of a decider, or of a policy,
is a further line, and no line goes away while a decision of it is kept.
"""

from collections.abc import Mapping
from typing import Any, Final

from recoup.kernel.extended import Extended
from recoup.orders.rules.decision import Decision
from recoup.policies.rules.in_force import NO_POLICIES, Policies
from recoup.policies.rules.policy import POLICIES
from recoup.rescue.rules import route_by_worth
from recoup.rescue.rules.by_hand import BY_HAND_VERSION, HandInput, decide_by_hand
from recoup.rescue.rules.card_update import CARD_UPDATE_VERSION, UpdateInput, decide_update
from recoup.rescue.rules.charge import CHARGE_VERSION, ChargeInput, plan_charge
from recoup.rescue.rules.decide import DECIDER_VERSION, decide
from recoup.rescue.rules.deciders import DECIDER, Deciders
from recoup.rescue.rules.evidence import Evidence
from recoup.rescue.rules.gate import GATE_VERSION, GateInput, gate
from recoup.rescue.rules.model import Model, decides_by_model
from recoup.rescue.rules.signal import SIGNAL_VERSION, SignalInput, decide_by_signal
from recoup.risk.rules.advance import AdvanceInputs
from recoup.risk.rules.advance_by_bounds import ADVANCE_BY_BOUNDS_VERSION, advance_by_bounds
from recoup.risk.rules.decide import RISK_VERSION, RiskInput, decide_risk
from recoup.terms.rules.collection import COLLECTION_POLICIES

NO_MODELS: Final[Mapping[str, Model]] = {}

# version -> the policies that it ever decided by, and how it decides from stored features, its
# policy and its model
_DECIDERS: Final[Deciders] = {
    DECIDER_VERSION: (POLICIES, lambda data, policy, _,
    within: decide(Evidence.from_dict(data), policy, within)),
    ADVANCE_BY_BOUNDS_VERSION: (
        COLLECTION_POLICIES,
        lambda data, policy, model,
        _: advance_by_bounds(AdvanceInputs.from_dict(data), policy, model),
    ),
    CHARGE_VERSION: (COLLECTION_POLICIES, lambda data, policy,
    *_: plan_charge(ChargeInput.from_dict(data), policy)),
    GATE_VERSION: ({None: None}, lambda data, *_: gate(GateInput.from_dict(data))),
    route_by_worth.ROUTE_BY_WORTH_VERSION: (
        {None: None}, lambda data,
        *_: route_by_worth.choose_route(route_by_worth.WorthInput.from_dict(data)),
    ),
    BY_HAND_VERSION: ({None: None}, lambda data, *_: decide_by_hand(HandInput.from_dict(data))),
    SIGNAL_VERSION: ({None: None}, lambda data, *_: decide_by_signal(SignalInput.from_dict(data))),
    CARD_UPDATE_VERSION: ({None: None}, lambda data,
    *_: decide_update(UpdateInput.from_dict(data))),
    RISK_VERSION: ({None: None}, lambda data, *_: decide_risk(RiskInput.from_dict(data))),
}  # fmt: skip


DECIDERS: Final = Extended(_DECIDERS, DECIDER, dict)
SOMETIMES_LEARNED: Final = frozenset({ADVANCE_BY_BOUNDS_VERSION})  # by a model where they name one


class UnknownVersion(ValueError):
    """Error of a version that nothing here has decided by."""


def decide_again(
    features: Mapping[str, Any],
    versions: Mapping[str, Any],
    models: Mapping[str, Model] = NO_MODELS,
    within: Policies = NO_POLICIES,
) -> Decision:
    """`models`, `within`: by name, the models and the set policies that decided. Raises:
    UnknownVersion, also without those of the decision; KeyError, TypeError, ValueError for features
    that no decision was made from."""
    decider, policy = versions["decider"], versions["policy"]
    policies, decides = DECIDERS.get(decider, ({}, None))
    if decides is None or policy not in policies:
        raise UnknownVersion(f"{decider} with {policy}")
    learned = (
        decides_by_model(decider) or decider in SOMETIMES_LEARNED and versions["model"] is not None
    )
    model = models.get(versions["model"]) if learned else None
    if learned and model is None:
        raise UnknownVersion(f"{decider} with {versions['model']}")
    name = versions.get("policies")
    if name is not None and name not in within:
        raise UnknownVersion(f"{decider} within {name}")
    return decides(features, policies[policy], model, within[name] if name is not None else None)
