"""A card's send as it is stored, as the network limits count it."""

from collections.abc import Mapping
from typing import Any

from recoup.rules.network.limits import Initiator, Send


def send_of(row: Mapping[str, Any]) -> Send:
    return Send(
        at=row["at"],
        units=row["units"],
        currency=row["currency"],
        initiator=row["initiator"],
        acceptor_id=row["acceptor_id"],
        merchant_id=str(row["merchant_id"]),
        state=row["state"],
        declined=row["declined"],
        visa_category=row["visa_category"],
        advice=row["advice_code"],
        code=row["scheme_code"],
        klass=row["klass"],
        claimed=row["claimed"],
    )


def initiator_of(text: str) -> Initiator:
    return "customer" if text == "customer" else "merchant"
