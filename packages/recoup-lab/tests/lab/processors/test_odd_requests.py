"""A day of odd requests at a stand-in: each ends as what it is, and none as a processor that does
not answer."""

from collections.abc import Mapping
from itertools import product
from typing import Any, Final

import pytest
from lab.processors.subject_ground import play

from recoup.kernel.money import UNITS_MAX
from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.port import PayerAtHand
from recoup.processors.rules.browser import Browser
from recoup_lab.conformance.adyen import AdyenSubject
from recoup_lab.conformance.nmi import NmiSubject
from recoup_lab.conformance.vendor import VendorSubject

AMOUNTS: Final = (
    (30, "USD"),
    (99, "USD"),
    (UNITS_MAX, "USD"),
    (1, "JPY"),
    (1001, "KWD"),
    (1010, "KWD"),
    (12345, "BHD"),
    (5, "ISK"),
    (1, "CLP"),
    (150, "IDR"),
    (10050, "CVE"),
    (100, "XTS"),
    (100, "USDT"),
    (100, "CLF"),
    (100, "ZZZ"),
    (7, "HUF"),
    (1_500_000_00, "IDR"),
    (100, "MGA"),
    (100, "XAU"),
    (0, "USD"),
    (-5, "EUR"),
)
DESCRIPTORS: Final = (
    "", "RC*" + "X" * 60, "1234567890", "Ünïcødé ☃ 商店", "<b>&amp;\"'`", "a\r\nb: c", "\0",
    "Straße 9", " ", "12 345", "x" * 5_000,
)  # fmt: skip
PROOF: Final = {"authenticationValue": "AAABBBCCCDDDEEEFFFGGGHH0Ig0=", "threeDsVersion": "2.2.0"}
AUTHENTICATED: Final[tuple[Mapping[str, str], ...]] = (
    {},
    PROOF | {"ecommerceIndicator": "05"},
    PROOF | {"ecommerceIndicator": "2"},
    PROOF | {"ecommerceIndicator": "06"},
    PROOF | {"ecommerceIndicator": "07"},
    PROOF | {"ecommerceIndicator": "potato"},
    PROOF,
    PROOF | {"authenticationValue": "no base64!", "ecommerceIndicator": "05"},
    PROOF | {"threeDsVersion": "two", "ecommerceIndicator": "05"},
    PROOF | {"xid": "-", "directoryServerTransactionId": "x" * 900, "ecommerceIndicator": "05"},
    PROOF | {"authenticationResponseStatus": "C", "directoryResponseStatus": "Q"},
    PROOF | {"authenticationResponseStatus": "Y", "authenticationValueAlgorithm": "9" * 99},
    {"ecommerceIndicator": "05"},
)
METHODS: Final = (
    "",
    "x",
    "x" * 65,
    "x" * 4_000,
    "1' OR '1'='1",
    "../../admin",
    "☃",
    "a&type=void",
    "\r\n",
    "null",
)
BROWSERS: Final = (
    Browser(), Browser(accept="*/*", user_agent="curl/8"),
    Browser("*/*", "Mozilla/5.0", "de-DE", 24, 900, 1440, -60, False),
    Browser("*/*", "Mozilla/5.0", "x" * 99, 0, 0, 0, 0, True),
)  # fmt: skip
PRESENT: Final[Mapping[str, Any]] = {"initiator": "customer", "mit_reason": None}


def odd_requests(on: VendorSubject[Any]) -> list[dict[str, Any]]:
    def stored() -> Stored:
        made = on.credential("approved")
        assert isinstance(made, Stored)
        return made

    asked = [{"units": units, "currency": currency} for units, currency in AMOUNTS]
    asked += [
        {"descriptor": one, "capture": capture}
        for one, capture in product(DESCRIPTORS, (True, False))
    ]
    asked += [
        {"three_d_secure": dict(one), **who} for one, who in product(AUTHENTICATED, (PRESENT, {}))
    ]
    asked += [{"credential": Stored(on.kind, one, stored().customer)} for one in METHODS]
    asked += [
        {"credential": Stored(on.kind, stored().id, one)}
        for one in ("x", "ab", "x" * 257, "☃☃☃", "\0\0\0")
    ]
    asked += [
        {"first_network_id": one, "sequence": 2}
        for one in ("", "☃", "9" * 15, "MCC1234561120", "9" * 400)
    ]
    payers = [
        PayerAtHand("https://shop.example/back", wanted, one)
        for one, wanted in product(BROWSERS, (True, False))
    ]
    asked += [{"payer": one, **PRESENT} for one in payers]
    words = ("low_value", "transaction_risk_analysis", "moto", "mit", "nonsense")
    return asked + [
        {"exemption": one, "sequence": 1, "agreement": "recurring", **PRESENT} for one in words
    ]


@pytest.mark.parametrize("subject", [AdyenSubject, NmiSubject])
def test_a_hundred_odd_requests_end_as_what_they_are(subject: type[VendorSubject[Any]]) -> None:
    async def story(on: VendorSubject[Any]) -> None:
        asked = odd_requests(on)
        assert len(asked) >= 100
        seen, wrong = dict[str, int](), []
        for one in asked:
            said = await on.send(on.charge(**one))
            seen[said.state] = seen.get(said.state, 0) + 1
            ends = said.state in ("approved", "declined", "awaits_payer") and said.fault is None
            refused = said.state == "not_sent" and said.fault in ("request", "credential")
            if not (ends or refused):
                wrong.append((one, said.state, said.fault, said.text))
        assert wrong == []
        assert min(seen["approved"], seen["not_sent"]) > 15
        assert on.unpublished() == []

    play(subject, story)
