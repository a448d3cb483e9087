"""A decision about an advance made again with one of its inputs changed. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from recoup.rules.money.advance_bounds import PAYERS_MIN, TENTHS, WEEKS_MIN, HeldBounds, TenthBounds
from recoup.rules.money.betting import WHOLE
from recoup.rules.money.collection import COLLECTION_POLICIES
from recoup.rules.rescue.advance import AdvanceInputs
from recoup.rules.rescue.advance_by_bounds import BoundedInputs, advance_by_bounds
from recoup.rules.rescue.engine.model import Model
from recoup.rules.rescue.evidence import Decision
from recoup.rules.rescue.what_if_result import Change, WhatIf

_ALL_PAID: Final = TenthBounds(
    (PAYERS_MIN,) * TENTHS, (WEEKS_MIN,) * TENTHS, (WHOLE,) * TENTHS, (True,) * TENTHS, (0,) * TENTHS
)


def of_advance(
    features: Mapping[str, Any], versions: Mapping[str, str | None], models: Mapping[str, Model]
) -> Iterator[WhatIf]:
    """Raises: as `what_if`."""
    policy = COLLECTION_POLICIES[str(versions["policy"])]
    model = models[str(versions["model"])] if versions["model"] is not None else None

    def decides(given: BoundedInputs) -> Decision:
        return advance_by_bounds(given, policy, model)

    given = BoundedInputs.from_dict(features)
    inputs, base = given.inputs, decides(given)
    if inputs.units > 1:
        half = replace(inputs, units=inputs.units // 2, fee_units=inputs.fee_units // 2)
        yield _compared("half_the_order", decides(_with(given, half)), base)
    if inputs.room != "enough":
        yield _compared("room_left", decides(_with(given, replace(inputs, room="enough"))), base)
    change: Change = "no_loss_allowed" if base.verdict == "approve_now" else "any_loss_allowed"
    points = 0 if base.verdict == "approve_now" else WHOLE
    limits = replace(inputs.limits, allowed_loss_basis_points=points)
    yield _compared(change, decides(_with(given, replace(inputs, limits=limits))), base)
    paid = HeldBounds(0, inputs.now.date(), _ALL_PAID)
    yield _compared("closed_orders_paid", decides(replace(given, bounds=paid)), base)
    if inputs.occasion == "unresolved":
        yield _compared("no_try_out", decides(_without_try(given)), base)


def _with(given: BoundedInputs, inputs: AdvanceInputs) -> BoundedInputs:
    by_model = replace(given.by_model, asked=inputs) if given.by_model is not None else None
    return replace(given, inputs=inputs, by_model=by_model)


def _without_try(given: BoundedInputs) -> BoundedInputs:
    """As if the decline that came in were the last word."""
    plain = _with(given, replace(given.inputs, occasion="declined"))
    by_model = replace(plain.by_model, out_at=None) if plain.by_model is not None else None
    return replace(plain, by_model=by_model)


def _compared(change: Change, found: Decision, base: Decision) -> WhatIf:
    """`chance`: what money would have been risked on."""
    return WhatIf(change, found.verdict, None, 0, found.alternatives[0].chance, found.verdict != base.verdict)
