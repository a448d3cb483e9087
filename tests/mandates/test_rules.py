"""Which payments a revocation stops, and which new mandate opens them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.mandates.rules import (
    MandateChange,
    MandateInput,
    code_of,
    decide_by_mandate,
    reaches,
    scope_of,
    stopped_by,
)
from recoup.networks.codes import code_of as named_code
from recoup.networks.codes import read_decline
from recoup.processors.rules.agreement import Agreement, agreement_of

ORDER, OTHER = UUID(int=7), UUID(int=8)
T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
NAMES = st.none() | st.sampled_from(["a", "b"])
AGREEMENTS = st.builds(Agreement, NAMES, NAMES)
KINDS = st.sampled_from(["revoked", "renewed"])
SCOPES = st.sampled_from(["payment", "agreement", "all"])


def change(
    number: int, kind: str, scope: str, days: int, named: Agreement, holds: bool
) -> MandateChange:  # noqa: FBT001
    at, what = T0 + timedelta(days=days), scope if kind == "revoked" else None
    found = MandateChange(
        UUID(int=number),
        kind,
        at,
        ORDER if number % 2 else OTHER,
        what,
        "R1",
        named.subscription,
        named.network_id,
    )  # type: ignore[arg-type]
    return replace(found, holds=holds)


CHANGES = st.lists(
    st.builds(
        change, st.integers(1, 99), KINDS, SCOPES, st.integers(0, 5), AGREEMENTS, st.booleans()
    ),
    max_size=8,
    unique_by=lambda one: one.change_id,
)


@each(
    ("scheme", "code", "advice", "scope", "said"),
    [
        ("visa", "R0", None, "payment", "R0"),
        ("visa", "R1", None, "agreement", "R1"),
        ("visa", "R3", None, "all", "R3"),
        ("mastercard", "05", "21", "agreement", "MAC 21"),
        ("mastercard", "R1", None, "agreement", "R1"),
        ("visa", "05", "21", None, ""),  # no advice of its own
        ("visa", "41", None, None, ""),
        ("mastercard", "05", "03", None, ""),
        ("visa", "R2", None, None, ""),
    ],
)
def test_codes(scheme: str, code: str, advice: str | None, scope: str | None, said: str) -> None:
    reading = read_decline(
        scheme=scheme, code=named_code(None, code), text=None, advice=advice, on=T0.date()
    )
    assert scope_of(reading) == scope
    if scope is not None:
        assert (code_of(reading), reading.reason, reading.terminal) == (said, "revoked", True)


@pytest.mark.parametrize(
    ("source", "code", "scope"), [("nmi", "262", "agreement"), ("nmi", "261", "all")]
)
def test_codes_of_processors(source: str, code: str, scope: str) -> None:
    reading = read_decline(
        scheme="visa", code=named_code(source, code), text=None, advice=None, on=T0.date()
    )
    assert scope_of(reading) == scope


def test_what_an_order_names() -> None:
    facts = {"subscription": {"subscriptionId": " sub-1 "}, "network_transaction_id": "0123"}
    assert agreement_of(facts) == Agreement("sub-1", "0123")
    assert (
        agreement_of({"subscription": {"interval": "monthly"}}) == agreement_of({}) == Agreement()
    )
    assert (
        len(agreement_of({"subscription": {"subscriptionId": "x" * 10_000}}).subscription or "")
        == 128
    )


def revoked(
    scope: str = "agreement", days: int = 0, order_id: UUID | None = None, **named: str | None
) -> MandateChange:
    return MandateChange(
        UUID(int=1), "revoked", T0 + timedelta(days=days), order_id, scope, "R1", **named
    )  # type: ignore[arg-type]


def renewed(days: int = 1, **named: str | None) -> MandateChange:
    return MandateChange(
        UUID(int=2),
        "renewed",
        T0 + timedelta(days=days),
        None,
        **named,
    )  # type: ignore[arg-type]


@each(
    ("changes", "agreement", "stops"),
    [
        ([revoked(subscription="a")], Agreement("a"), True),
        ([revoked(subscription="a")], Agreement("b"), False),
        ([revoked(subscription="a")], Agreement(), True),
        ([revoked()], Agreement("a"), True),
        ([revoked(network_id="n1")], Agreement(None, "n2"), False),
        ([revoked(network_id="n1")], Agreement("a", "n1"), True),
        ([revoked("all", subscription="a")], Agreement("b", "n"), True),
        ([revoked("payment", order_id=ORDER, subscription="a")], Agreement("a"), True),
        ([revoked("payment", order_id=OTHER, subscription="a")], Agreement("a"), False),
        ([revoked("payment", order_id=OTHER)], Agreement(), False),
        ([revoked(subscription="a"), renewed(subscription="a")], Agreement("a"), False),
        ([revoked(subscription="a"), renewed(subscription="b")], Agreement("a"), True),
        ([revoked(subscription="a"), renewed()], Agreement("a"), False),
        ([revoked(subscription="a"), renewed(days=0)], Agreement("a"), True),
        ([revoked(days=2, subscription="a"), renewed()], Agreement("a"), True),
        ([revoked("all"), renewed(subscription="b")], Agreement("a"), True),
        ([revoked("all"), renewed(subscription="b")], Agreement("b"), False),
        ([revoked(network_id="n1"), renewed(network_id="n2")], Agreement(None, "n1"), True),
        ([revoked(network_id="n1"), renewed()], Agreement(None, "n1"), True),
        ([revoked(subscription="a"), renewed(network_id="n2")], Agreement("a", "n2"), False),
        ([revoked(subscription="a"), renewed(network_id="n2")], Agreement("a", "n9"), True),
    ],
)
def test_cases(changes: list[MandateChange], agreement: Agreement, stops: bool) -> None:
    for order in permutations(changes):
        assert (stopped_by(agreement, order, ORDER) is not None) is stops


@each(
    ("change", "agreement", "named"),
    [
        (revoked(subscription="a"), Agreement("a"), True),
        (revoked(subscription="a"), Agreement(), False),
        (revoked(), Agreement("a"), False),
        (revoked(network_id="n1"), Agreement("a", "n1"), True),
        (revoked("all", subscription="a"), Agreement(None, "n1"), False),
        (revoked("payment", subscription="a"), Agreement(), True),
        (revoked(), Agreement(), False),
    ],
)
def test_a_reason_says_whether_the_two_can_be_told_apart(
    change: MandateChange, agreement: Agreement, named: bool
) -> None:
    given_ = MandateInput.of(change, agreement, T0)
    assert given_.same_named is named
    said_so = any("tell it apart" in reason for reason in decide_by_mandate(given_).reasons)
    assert said_so is (not named and change.scope != "all")


@given(AGREEMENTS, CHANGES)
def test_what_stops_reaches_holds_and_is_the_newest(
    agreement: Agreement, changes: list[MandateChange]
) -> None:
    found = stopped_by(agreement, changes, ORDER)
    standing = [
        one
        for one in changes
        if one.kind == "revoked" and one.holds and reaches(one, agreement, ORDER)
    ]
    assert found is None or found in standing
    last = max((one.at for one in changes if one.kind == "renewed" and one.holds), default=None)
    newer = [one for one in standing if last is None or one.at >= last]
    if newer:
        assert found is not None, "a mandate from before a revocation opens nothing"
        assert found.at >= max(one.at for one in newer)


@given(AGREEMENTS, CHANGES)
def test_what_was_corrected_and_a_further_revocation(
    agreement: Agreement, changes: list[MandateChange]
) -> None:
    holding = [one for one in changes if one.holds]
    assert stopped_by(agreement, changes, ORDER) == stopped_by(agreement, holding, ORDER)
    last = MandateChange(UUID(int=1_000), "revoked", T0 + timedelta(days=9), None, "all", "R3")
    assert stopped_by(agreement, [*changes, last], ORDER) == last
