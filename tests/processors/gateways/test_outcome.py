"""What an answer may be taken for."""

from dataclasses import replace
from typing import Any

import pytest

from recoup.networks.decline_code import code_by
from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.outcome import NETWORK_ATTEMPTS_MAX, Outcome, as_requested
from recoup.processors.gateways.wire_amounts import IsoAmounts

APPROVED = Outcome("approved", "r-1", units=4590, currency="usd")


@pytest.mark.parametrize(
    "lie", [{"units": 4589}, {"currency": "EUR"}, {"other_id": True}, {"units": 100}]
)
def test_an_approval_of_something_else_is_unknown_and_a_case(lie: dict[str, Any]) -> None:
    read = as_requested(replace(APPROVED, **lie), 4590, "USD")
    assert (read.state, read.contradicts, read.reference) == ("unknown", True, "r-1")


def test_what_says_the_same_or_nothing_stands() -> None:
    assert as_requested(APPROVED, 4590, "USD") is APPROVED
    silent = Outcome("approved")
    assert as_requested(silent, 4590, "USD") is silent
    declined = Outcome("declined", units=1, currency="EUR")
    assert as_requested(declined, 4590, "USD") is declined


def test_a_decline_of_another_message_is_no_decline() -> None:
    read = as_requested(Outcome("declined", other_id=True), 4590, "USD")
    assert (read.state, read.contradicts) == ("unknown", True)


@pytest.mark.parametrize(("said", "kept"), [(-3, 1), (0, 1), (2, 2), (10**9, NETWORK_ATTEMPTS_MAX)])
def test_no_answer_makes_a_send_less_than_one_or_without_end(said: int, kept: int) -> None:
    assert Outcome("declined", network_attempts=said).network_attempts == kept


def test_codes_of_any_length_are_cut() -> None:
    long = Outcome("declined", processor_advice=code_by("", "x" * 500), avs="\0y", risk="z" * 65)
    assert (len(str(long.processor_advice)), long.avs, len(long.risk or "")) == (64, "y", 64)


def test_a_stored_method_shows_no_id() -> None:
    stored = Stored("stripe", "pm_secret", "cus_secret", fingerprint="fp_secret", last4="4242")
    assert "secret" not in repr(stored)


def test_amounts_are_carried_as_iso_has_them() -> None:
    assert [IsoAmounts().exponent(one) for one in ("USD", "JPY", "BHD", "XXZ")] == [2, 0, 3, None]
    assert IsoAmounts().carries(1, "USD")
    assert not IsoAmounts().carries(0, "USD")
    assert not IsoAmounts().carries(1, "XXZ")
