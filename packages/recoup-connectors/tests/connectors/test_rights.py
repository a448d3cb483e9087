"""What proves that a key has a right at Adyen: the answer that only such a key gets, and no other
refusal."""

import json

from recoup.processors.gateways.transport import Reply
from recoup_connectors.adyen.api import _calls, _right


def test_only_what_proves_a_role_says_that_the_key_has_it() -> None:
    validation, security = (
        json.dumps({"errorType": "validation"}),
        json.dumps({"errorType": "security"}),
    )
    said = {
        (200, "{}"): {"merchant account", "answer disputes"},
        (422, validation): {"make payments", "capture, cancel and refund", "answer disputes"},
        (422, security): set[str](),
        (422, "<html>"): set[str](),
        (400, validation): set[str](),
        (403, security): set[str](),
        (404, validation): set[str](),
        (500, "{}"): set[str](),
    }
    for (status, body), wanted in said.items():
        reply = Reply(status, {}, body.encode())
        found = {
            name: _right(name, reply, proofs) for name, (_, _, proofs) in _calls("acme").items()
        }
        assert {name for name, one in found.items() if one.ok} == wanted, (status, body)
        assert all(one.unclear is (status != 403) for one in found.values() if not one.ok)
