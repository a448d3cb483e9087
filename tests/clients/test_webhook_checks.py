"""The client's checks of webhooks against what the server signs: right ones pass, each bent one fails."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

from tests.rings import each

from recoup.rules.messages.signature import http_date, sign, standard_headers
from recoup.rules.stable.signing import sign_webhook
from recoup_client import webhooks

KEY = base64.b64encode(bytes(range(64))).decode()
NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
AT = NOW.timestamp()
BODY = json.dumps({"Event": "order.completed", "note": "é"}).encode()


def rescue(body: bytes = BODY, host: str = "shop.test:8443") -> bool:
    headers = sign(KEY, "shop.test:8443", "0" * 32, http_date(NOW), BODY)
    return webhooks.is_rescue(KEY, host, {name.title(): value for name, value in headers.items()}, body, AT)


def standard(body: bytes = BODY, key: str = KEY, at: float = AT) -> bool:
    headers = standard_headers([base64.b64encode(b"new").decode(), KEY], "evt_1", NOW, BODY)  # a key is being replaced
    return webhooks.is_standard(key, headers, body, at)


def stablecoin(body: bytes = BODY, at: float = AT) -> bool:
    stamp = str(int(AT))
    headers = {"X-Fluxa-Timestamp": stamp, "X-Fluxa-Signature": sign_webhook("whsec_a", stamp, BODY)}
    return webhooks.is_stablecoin("whsec_a", headers, body, at)


def test_what_the_server_signed_is_taken() -> None:
    assert rescue()
    assert standard()
    assert stablecoin()


@each(
    "bent",
    [
        lambda: rescue(BODY + b" "),
        lambda: rescue(host="other.test"),
        lambda: standard(BODY + b" "),
        lambda: standard(key=base64.b64encode(b"x" * 64).decode()),
        lambda: standard(at=AT + 301),
        lambda: stablecoin(BODY + b" "),
        lambda: stablecoin(at=AT + 301),
        lambda: webhooks.is_rescue(KEY, "h", {}, BODY, AT),
        lambda: webhooks.is_standard(KEY, {}, BODY, AT),
        lambda: webhooks.is_stablecoin("s", {"x-fluxa-timestamp": "²"}, BODY, AT),
        lambda: webhooks.is_rescue(KEY, "h", {"x-fc-date": "Mon, 99 Foo"}, BODY, AT),
    ],
)
def test_what_somebody_else_sent_is_refused(bent: Any) -> None:
    assert not bent()


def test_a_stamp_of_thousands_of_digits_is_refused_not_an_error() -> None:
    stamp = "1" * 5_000
    assert not webhooks.is_standard(KEY, {"webhook-id": "evt_1", "webhook-timestamp": stamp}, BODY, AT)
    assert not webhooks.is_stablecoin("whsec_a", {"X-Fluxa-Timestamp": stamp}, BODY, AT)
