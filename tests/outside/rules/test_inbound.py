"""Notices of processors: their signature, and what is read of them."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.outside.inbound import SKEW_SECONDS_MAX, is_signed, read_notice, signed

KEY, NOW = b"k" * 32, datetime(2030, 5, 1, 12, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "noticeId": "n1",
    "caseId": "c1",
    "merchantId": str(uuid.UUID(int=1)),
    "chargeId": str(uuid.UUID(int=2)),
    "stage": "first",
    "status": "open",
    "amount": 4590,
    "currency": "USD",
    "reasonCode": "10.4",
    "respondBy": "2030-05-15T00:00:00Z",
    "fee": 1500,
}


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_a_signature_holds_for_its_body_and_key_alone(body: bytes, other: bytes) -> None:
    header = signed(KEY, body, NOW)
    assert is_signed(KEY, header, body, NOW)
    assert is_signed(KEY, header + ",v1=" + "0" * 64, body, NOW)
    assert not is_signed(b"x" * 32, header, body, NOW)
    assert body == other or not is_signed(KEY, header, other, NOW)


def test_a_signature_is_over_after_five_minutes() -> None:
    header = signed(KEY, b"{}", NOW)
    late = timedelta(seconds=SKEW_SECONDS_MAX)
    assert is_signed(KEY, header, b"{}", NOW + late)
    assert is_signed(KEY, header, b"{}", NOW - late)
    assert not is_signed(KEY, header, b"{}", NOW + late + timedelta(seconds=1))


@given(st.text(max_size=120))
def test_no_header_breaks_the_check(header: str) -> None:
    assert not is_signed(KEY, header, b"{}", NOW)


def test_a_notice_is_read_and_what_else_it_says_is_left() -> None:
    notice = read_notice(json.dumps(GOOD | {"more": {"x": 1}}).encode())
    assert (notice.notice_id, notice.amount, notice.respond_by) == (
        "n1",
        4590,
        datetime(2030, 5, 15, tzinfo=UTC),
    )
    for name in ("reasonCode", "respondBy", "fee"):
        read_notice(json.dumps({k: v for k, v in GOOD.items() if k != name}).encode())


@each(
    ("name", "values"),
    [
        ("noticeId", ["", "a b", "x" * 101, 5, None]),
        ("caseId", ["", "\u0000", "é"]),
        ("merchantId", ["x", 1]),
        ("chargeId", ["", "x"]),
        ("stage", ["second", None]),
        ("status", ["maybe"]),
        ("amount", [0, -1, 1.5, "1", 10**16, 10**30]),
        ("currency", ["usd", "U", "DOLLAR"]),
        ("reasonCode", ["x" * 21, "\u0000", 5]),
        (
            "respondBy",
            [
                "yesterday",
                "2030-05-15T00:00:00",
                "0001-01-01T00:00:00Z",
                "0001-01-01T00:00:00+23:59",
                "9999-12-31T23:59:59-23:59",
            ],
        ),
        ("fee", [-1, 10**15 + 1]),
    ],
)
def test_a_field_that_is_wrong_is_named(name: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(Problem) as refused:
            read_notice(json.dumps(GOOD | {name: value}).encode())
        assert refused.value.code == "invalid"
        assert refused.value.field in (name, None)
    if name not in ("reasonCode", "respondBy", "fee"):
        with pytest.raises(Problem) as refused:
            read_notice(json.dumps({k: v for k, v in GOOD.items() if k != name}).encode())
        assert refused.value.field == name


@pytest.mark.parametrize(
    ("told", "utc"),
    [
        ("2030-05-15T00:00:00-23:59", "2030-05-15T23:59:00+00:00"),
        ("2030-05-15T00:00:00+16:00", "2030-05-14T08:00:00+00:00"),
    ],
)
def test_a_time_with_a_strange_offset_is_kept_in_utc(told: str, utc: str) -> None:
    respond_by = read_notice(json.dumps(GOOD | {"respondBy": told}).encode()).respond_by
    assert respond_by is not None
    assert respond_by.isoformat() == utc


@given(st.binary(max_size=300))
def test_no_body_breaks_the_reading(body: bytes) -> None:
    with pytest.raises(Problem):
        read_notice(body)
