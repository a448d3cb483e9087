"""The vendor's own library reads the stand-in's notices, and the connector reads those of the
library."""

import warnings
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from lab.processors.subject_ground import play
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.processors.gateways.connector import is_challenged, is_connector
from recoup_lab.conformance.braintree import BraintreeSubject
from recoup_lab.processors.braintree.server import PRIVATE, PUBLIC, notification, posted, signature

with warnings.catch_warnings(action="ignore"):  # the library's own
    import braintree

# The library's own, from Python 3.12 on.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ORDER = "018f3a52-0000-7000-8000-000000000001"


def _gateway() -> Any:
    usual = {"merchant_id": "m", "public_key": PUBLIC, "private_key": PRIVATE}
    return braintree.BraintreeGateway(
        braintree.Configuration(environment=braintree.Environment.Sandbox, **usual)
    )


def test_the_library_reads_our_notices() -> None:
    transaction = {"legacyId": "tr000001", "orderId": ORDER, "object": "transaction"}
    form = dict(
        _pairs(posted(notification("transaction_settled", transaction, NOW.timestamp())).body)
    )
    found = _gateway().webhook_notification.parse(form["bt_signature"], form["bt_payload"])
    assert (found.kind, found.transaction.id, found.transaction.order_id) == (
        "transaction_settled",
        "tr000001",
        ORDER,
    )
    with pytest.raises(braintree.exceptions.invalid_signature_error.InvalidSignatureError):
        _gateway().webhook_notification.parse(signature(b"another"), form["bt_payload"])


def _pairs(body: bytes) -> list[tuple[str, str]]:
    from urllib.parse import parse_qsl

    return parse_qsl(body.decode())


@each(
    ("kind", "subject"),
    [
        ("dispute_opened", "dispute"),
        ("dispute_won", "dispute"),
        ("transaction_settled", "charge"),
        ("transaction_disbursed", "charge"),
        ("refund_failed", "modification"),
        ("check", None),
        ("subscription_charged_successfully", None),
        ("account_updater_daily_report", None),
    ],
)
def test_the_connector_reads_the_librarys(kind: str, subject: str | None) -> None:
    async def story(on: BraintreeSubject) -> None:
        assert is_connector(on.connector)
        form = _gateway().webhook_testing.sample_notification(kind, "my_id")
        body = urlencode(
            {"bt_signature": form["bt_signature"], "bt_payload": form["bt_payload"].decode()}
        ).encode()
        (notice,) = on.connector.read_notices({}, body, NOW)
        assert (notice.kind, notice.subject, notice.mine) == (kind, subject, True)
        assert "my_id" in notice.about or subject is None
        assert notice.at.tzinfo is not None
        with pytest.raises(Problem):
            on.connector.read_notices({}, body.replace(b"bt_payload=", b"bt_payload=AAAA"), NOW)

    play(BraintreeSubject, story)


def test_a_challenge_is_answered_as_the_library_does() -> None:
    async def story(on: BraintreeSubject) -> None:
        challenge = "20f9f8ed05f77439fe955c977e4c8a53"
        assert is_challenged(on.connector)
        said = on.connector.answer_challenge({"bt_challenge": challenge})
        assert said is not None
        assert said.body.decode() == _gateway().webhook_notification.verify(challenge)

    play(BraintreeSubject, story)
