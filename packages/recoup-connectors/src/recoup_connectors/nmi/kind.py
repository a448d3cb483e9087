"""NMI: what its routes take and need, and what merchants connect their accounts by."""

import re
from typing import TYPE_CHECKING, Final

from recoup.kernel.problem import Sentence
from recoup.processors.gateways.kinds import Connection, Kind, SimulatedIssuer, secrets_of
from recoup.processors.rules.connect_form import Form

if TYPE_CHECKING:
    from recoup.processors.gateways.kinds import OpenProcessor


def _make(given: Connection, issuer: SimulatedIssuer | None) -> "OpenProcessor":
    from recoup_connectors.nmi.account import check_mode
    from recoup_connectors.nmi.connector import Nmi

    check_mode(given.url, given.world)
    return Nmi(
        url=given.url,
        key=given.key,
        name=given.name,
        acceptor_id=given.acceptor,
        notice_secrets=secrets_of(given.notice_secret),  # two while it rolls
    )


FORM: Final = Form(
    "NMI",
    "",
    re.compile(r"[A-Za-z0-9-]{16,128}"),
    Sentence("Make a security key in NMI with the permissions API and Query."),
    re.compile(r"[!-+\--~]{8,240}"),
    Sentence("Copy the signing key of the webhook in NMI."),
    order=4,
)
KIND: Final = Kind(
    _make,
    url="https://secure.nmi.com/api",
    sandbox_url="https://sandbox.nmi.com/api",
    key_length_min=16,
    cards=False,
    stored=True,
    form=FORM,
)
