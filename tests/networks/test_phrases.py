"""What gateways without a list of codes say: final words end it, the others wait, and in doubt a
person decides."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.networks.codes import Reading, code_of, read_decline
from recoup.networks.tables import PROCESSOR_CODES
from recoup.policies.rules.policy import group_of

LOST, CLOSED, REVOKED, NEVER = "lost_stolen", "closed_or_invalid_account", "revoked", "do_not_honor"
FINAL = {
    "card reported lost": LOST,
    "Card has been reported as lost or stolen": LOST,
    "Lost card": LOST,
    "STOLEN CARD, PICK UP": LOST,
    "lost/stolen card": LOST,
    "The card was reported stolen.": LOST,
    "Pick up card - F": LOST,
    "pickup card (no fraud)": LOST,
    "Retain card": LOST,
    "CARD_STOLEN": LOST,
    "Card marked lost by issuer": LOST,
    "Declined, card is stolen": LOST,
    "Stolen card, pick up immediately": LOST,
    "Card reported stolen. Call now": LOST,
    "Not approved, account closed": CLOSED,
    "account closed": CLOSED,
    "Closed account": CLOSED,
    "The account has been closed": CLOSED,
    "Account was finally closed": CLOSED,
    "Card closed by cardholder": CLOSED,
    "cardAccountClosed": CLOSED,
    "Card cancelled by issuer": CLOSED,
    "card account no longer valid": CLOSED,
    "No such account": CLOSED,
    "Cardholder deceased": CLOSED,
    "Account terminated": CLOSED,
    "card deactivated": CLOSED,
    "customer requested stop of all recurring payments": REVOKED,
    "Stop recurring payments": REVOKED,
    "Cardholder has requested to stop this recurring billing": REVOKED,
    "cardholder stopped billing": REVOKED,
    "Customer cancelled the recurring payments": REVOKED,
    "recurring payment cancelled": REVOKED,
    "Revocation of authorization order": REVOKED,
    "revocation of all authorisations": REVOKED,
    "The customer has revoked the mandate": REVOKED,
    "Stop payment order": REVOKED,
    "consent withdrawn": REVOKED,
    "Payment stopped by cardholder": REVOKED,
    "authorisation revoked": REVOKED,
    "Subscription was cancelled": REVOKED,
    "do not retry": NEVER,
    "Do not try again": NEVER,
    "DO_NOT_RETRY": NEVER,
    "please don't retry this card": NEVER,
    "Do not attempt this transaction again": NEVER,
    "Do not re-submit": NEVER,
    "retry not allowed": NEVER,
    "Issuer will never approve": NEVER,
    "Declined permanently": NEVER,
    "Hard decline": NEVER,
    "non-retryable": NEVER,
    "No further attempts": NEVER,
    "This payment cannot be retried": NEVER,
}
WAITING = (
    "Do not honor",
    "do not honour",
    "DoNotHonor",
    "Declined",
    "Refused",
    "Not approved",
    "General decline",
    "Insufficient funds",
    "Not sufficient funds",
    "Not enough balance",
    "exceeds withdrawal limit",
    "over limit",
    "Try again later",
    "Issuer unavailable",
    "Issuer or switch inoperative",
    "System malfunction",
    "timeout",
    "Connection to card network lost",
    "connection closed by host",
    "Lost connection to issuer",
    "System closed for maintenance",
    "Gateway stopped responding",
    "Batch closed, send it again",
    "Service stopped for maintenance",
    "Card temporarily blocked, try again later",
    "Temporary hold on the account",
    "Call issuer",
    "Refer to card issuer",
    "Request cancelled: timeout",
    "Declined by the bank",
    "",
)
DOUBTFUL = (
    "Card blocked",
    "card is not lost",
    "Shopper cancelled",
    "Account suspended",
    "blacklisted",
    "Card barred by bank",
    "payment forbidden",
    "The agreement was ended: terminated",
    "pick up the phone",
    "Do not charge",
    "no retries left",
    "account frozen",
    "card is no longer",
    "never mind",
    "Try again later, do not retry before 24h",
    "The customer has not requested stop of recurring payments",
    "Your account is not closed",
    "Card not reported stolen",
)


def read(text: str | None = None, code: str | None = None, **more: Any) -> Reading:
    return read_decline(
        **{
            "scheme": "visa",
            "code": code_of("some gateway", code),
            "text": text,
            "on": date(2026, 11, 29),
        }
        | more
    )


@each(("text", "reason"), FINAL.items())
def test_final_words_are_never_sent_again(text: str, reason: str) -> None:
    for reading in (
        read(text),
        read(text.upper() if " " in text else text),
        read(f"Error 17: {text}!"),
        read(None, text),
    ):
        assert (reading.klass, reading.retry, reading.reason) == ("hard", "never", reason), text


@each("text", WAITING)
def test_words_that_end_nothing_are_sent_again(text: str) -> None:
    for reading in (read(text), read(text, "X17")):
        assert group_of(reading) is not None, (text, reading)


@each("text", DOUBTFUL)
def test_in_doubt_a_person_decides_and_nothing_is_planned(text: str) -> None:
    for reading in (read(text), read(text, "X17")):
        assert (reading.reason, reading.retry, group_of(reading)) == (
            "unclear",
            "after_review",
            None,
        ), text


def test_a_merchants_own_closed_account_ends_no_card() -> None:
    assert read("Merchant account closed").klass == "configuration"


@each("code", ["51", "nmi:202", "adyen:12", "stripe:insufficient_funds"])
def test_a_code_that_says_why_goes_before_words(code: str) -> None:
    reading = read("Lost card", code)
    assert (reading.klass, reading.decided_by) == ("funds", None)


@each(
    ("code", "said"),
    [("05", "05"), ("nmi:200", "nmi:200"), ("stripe:generic_decline", "stripe:generic_decline")],
)
def test_a_no_without_a_reason_gives_way_to_final_words_and_both_are_named(
    code: str, said: str
) -> None:
    reading = read("PICK UP CARD", code)
    assert (reading.klass, reading.decided_by, reading.overruled) == (
        "hard",
        "text:pick up card",
        said,
    )
    doubtful = read("card blocked", code)
    assert (doubtful.klass, doubtful.retry) == ("soft", "yes")


def test_each_phrase_of_the_table_is_read_as_its_row_says() -> None:
    for row in PROCESSOR_CODES:
        if row.source == "text":
            assert read(row.code.replace("*", "x")).klass == row.klass, row


@given(st.text(max_size=600))
def test_any_text_can_be_read(text: str) -> None:
    reading = read(text)
    assert reading == read(text)
    assert reading.retry in ("yes", "never", "after_review") or group_of(reading) is None


@pytest.mark.parametrize("n", [20_000])
def test_a_long_text_is_read_in_a_moment(n: int) -> None:
    for part in ("do not ", "lost ", "Aa", "* ", "\N{COMBINING ACUTE ACCENT}"):
        assert read((part * n)[:n]).klass
