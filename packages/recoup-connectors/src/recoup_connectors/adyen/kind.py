"""Adyen: what its routes take and need, and what merchants connect their accounts by."""

import re
from typing import TYPE_CHECKING, Final

from recoup.kernel.problem import Sentence
from recoup.processors.gateways.kinds import Connection, Kind, SimulatedIssuer, secrets_of
from recoup.processors.rules.connect_form import Form

if TYPE_CHECKING:
    from recoup.processors.gateways.kinds import OpenProcessor


def _make(given: Connection, issuer: SimulatedIssuer | None) -> "OpenProcessor":
    from recoup_connectors.adyen.connector import Adyen, check_mode

    check_mode(given.url, given.world)
    return Adyen(
        key=given.key,
        account=given.account,
        name=given.name,
        url=given.url,
        acceptor_id=given.acceptor,
        notice_secrets=secrets_of(
            given.notice_secret
        ),  # of both kinds of notices, and two of each while they roll
        multicapture=given.multicapture,
    )


FORM: Final = Form(
    "Adyen",
    "AQE…",
    re.compile(r"[!-~]{16,512}"),
    Sentence("Copy the API key of an API credential in Adyen; it begins with AQE."),
    re.compile(r"[0-9A-Fa-f]{64}"),
    Sentence(
        "Copy the HMAC key of each webhook in Adyen, 64 hexadecimal digits; two with a space "
        "between them."
    ),
    secrets_max=2,
    account=re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}"),
    account_cure=Sentence(
        "Write the name of your merchant account, as Adyen's Customer Area shows it."
    ),
    live_url="https://{prefix}-checkout-live.adyenpayments.com",
    prefix_cure=Sentence(
        "Copy the live URL prefix from Adyen's Customer Area: Developers, API URLs."
    ),
    order=2,
)
KIND: Final = Kind(
    _make,
    sandbox_url="https://checkout-test.adyen.com",
    needs_url=True,  # in live, where each merchant has a prefix
    key_length_min=16,
    cards=False,
    stored=True,
    needs_account=True,
    multicapture_set=True,
    form=FORM,
)
