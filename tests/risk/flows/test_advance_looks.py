"""Money is risked on what Recoup itself sent and heard,
not on payments that the merchant tells of."""

from types import SimpleNamespace
from typing import Any

import pytest
from tests.engine.ground import evidence, fridays

from recoup.risk.moves import grant as move
from recoup.risk.rules.advance import AdvanceInputs


def test_payments_that_the_merchant_tells_of_raise_no_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A customer who never existed, with a good payment each Friday, made the operator advance an
    order."""
    given: list[Any] = []
    known = evidence(looks=fridays(12)).facts
    assert known is not None
    assert known.looks
    monkeypatch.setattr(move, "facts_of", lambda order, now: known)
    monkeypatch.setattr(
        move, "advance_by_arm", lambda arm, known, asked, bounds, engine: given.append(asked)
    )
    order = SimpleNamespace(
        attempt_in_flight=lambda: None,
        arm="engine",
        arm_known=object(),
        facts={},
        advance_bounds=None,
    )
    at, thing = known.first.at, object()
    inputs: Any = AdvanceInputs("answer", thing, 100, "USD", 0, thing, at)  # type: ignore[arg-type]
    case = SimpleNamespace(order=order, given=lambda kind: object(), now=None)
    move._judged(case, inputs)  # type: ignore[arg-type]
    assert given[0].facts.looks == ()
    assert given[0].facts.first == known.first
