"""Braintree: what its routes take and need, and what merchants connect their accounts by."""

import re
from typing import TYPE_CHECKING, Final

from recoup.kernel.problem import Sentence
from recoup.processors.gateways.kinds import Connection, Kind, SimulatedIssuer
from recoup.processors.rules.connect_form import Form

if TYPE_CHECKING:
    from recoup.processors.gateways.kinds import OpenProcessor


def _make(given: Connection, issuer: SimulatedIssuer | None) -> "OpenProcessor":
    from recoup_connectors.braintree.account import accounts_of, check_mode
    from recoup_connectors.braintree.api import key_pair
    from recoup_connectors.braintree.connector import Braintree

    check_mode(given.url, given.world)
    return Braintree(
        url=given.url,
        keys=key_pair(given.key),
        accounts=accounts_of(given.account),
        name=given.name,
        acceptor_id=given.acceptor,
        older_keys=tuple(key_pair(part) for part in given.notice_secret.split()),
    )


FORM: Final = Form(
    "Braintree",
    "public:private",
    re.compile(r"[A-Za-z0-9]{8,80}:[A-Za-z0-9]{8,80}"),
    Sentence("Write the public and the private key with a colon between them."),
    account=re.compile(r"[A-Z]{3}=[A-Za-z0-9_-]{1,80}(?: [A-Z]{3}=[A-Za-z0-9_-]{1,80})*"),
    account_cure=Sentence(
        "Write the merchant account of each currency: EUR=acme-eur USD=acme-usd."
    ),
    account_changes=True,
    order=3,
)
KIND: Final = Kind(
    _make,
    url="https://payments.braintree-api.com/graphql",
    sandbox_url="https://payments.sandbox.braintree-api.com/graphql",
    key_length_min=16,
    cards=False,
    stored=True,
    form=FORM,
)
