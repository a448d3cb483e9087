"""Stripe: what its routes take and need, and what merchants connect their accounts by."""

import re
from typing import TYPE_CHECKING, Final

from recoup.kernel.problem import Sentence
from recoup.processors.gateways.kinds import Connection, Kind, SimulatedIssuer, secrets_of
from recoup.processors.rules.connect_form import Form

if TYPE_CHECKING:
    from recoup.processors.gateways.kinds import OpenProcessor


def _make(given: Connection, issuer: SimulatedIssuer | None) -> "OpenProcessor":
    from recoup_connectors.stripe.connector import Stripe, check_mode

    check_mode(given.key, given.world)
    return Stripe(
        key=given.key,
        name=given.name,
        url=given.url,
        account=given.account,
        acceptor_id=given.acceptor,
        notice_secrets=secrets_of(given.notice_secret),  # two while it rolls
    )


FORM: Final = Form(
    "Stripe",
    "rk_live_…",
    re.compile(r"rk_(live|test)_[A-Za-z0-9_]{4,240}"),
    Sentence("Make a restricted key in Stripe; it begins with rk_."),
    re.compile(r"whsec_[A-Za-z0-9+/=_-]{4,240}"),
    Sentence("Copy the signing secret of the webhook endpoint in Stripe; it begins with whsec_."),
    bills=True,
    guide="stripe",
    order=1,
)
KIND: Final = Kind(
    _make, url="https://api.stripe.com", key_length_min=12, cards=False, stored=True, form=FORM
)
