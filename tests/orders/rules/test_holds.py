"""Who lets a held order go: whoever held it, and the operator; nobody while it waits for a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.kernel.problem import Problem
from recoup.networks.whys import HOLD_REASONS, sentence_of
from recoup.orders.rules.holds import BY_MERCHANT, BY_OPERATOR, KILLED, check_release, why_held

CAUSES = st.sampled_from([BY_MERCHANT, BY_OPERATOR, KILLED, "visa-reattempt-30d", None])
UNTIL = st.sampled_from([None, "2026-11-20T10:00:00+00:00"])


def lets_go(cause: str | None, until: str | None, operator: bool, killed: bool) -> bool:
    try:
        check_release(
            {"cause": cause, "until": until, "why": "w"}, operator=operator, killed=killed
        )
    except Problem:
        return False
    return True


@given(CAUSES, UNTIL, st.booleans(), st.booleans())
def test_who_may_release(
    cause: str | None, until: str | None, operator: bool, killed: bool
) -> None:
    expected = until is None and not killed and (operator or cause == BY_MERCHANT)
    assert lets_go(cause, until, operator, killed) is expected


@given(CAUSES, UNTIL, st.booleans())
def test_the_operator_may_whatever_a_merchant_may(
    cause: str | None, until: str | None, killed: bool
) -> None:
    assert lets_go(cause, until, True, killed) >= lets_go(cause, until, False, killed)


@given(st.text(), st.booleans())
def test_a_hold_has_a_reason_of_the_list(reason: str, operator: bool) -> None:
    if reason not in HOLD_REASONS:
        with pytest.raises(Problem):
            why_held(reason, operator=operator)
    for known in HOLD_REASONS:
        assert HOLD_REASONS[known] in sentence_of(why_held(known, operator=operator))
