"""The shop's past as the file that its processor exports: Stripe's table of charges, with the
columns that the import knows it by (`imports/rules/data/stripe-charges.toml`)."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final

from recoup_lab.world.port import HistoryRow

_COLUMNS: Final = (
    "id",
    "amount",
    "currency",
    "created",
    "status",
    "paid",
    "payment_intent_id",
    "customer_id",
    "outcome_network_status",
    "outcome_type",
    "outcome_network_decline_code",
    "outcome_network_advice_code",
    "payment_method_details_type",
    "card_last4",
    "card_brand",
    "card_funding",
    "card_country",
    "card_exp_month",
    "card_exp_year",
)
_APPROVED: Final = ("succeeded", "true", "approved_by_network", "authorized")
_DECLINED: Final = ("failed", "false", "declined_by_network", "issuer_declined")


def past_file(rows: Sequence[HistoryRow]) -> bytes:
    """Oldest first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(_lines(sorted(rows, key=lambda row: row.at)))
    return text.getvalue().encode()


def _lines(rows: Sequence[HistoryRow]) -> Iterator[tuple[object, ...]]:
    for number, row in enumerate(rows, 1):
        status, paid, network, outcome = _APPROVED if row.approved else _DECLINED
        code, advice = ("", "") if row.approved else (row.scheme_code, row.advice_code or "")
        card = row.card
        yield (
            f"ch_{number:08d}",
            row.amount,
            row.currency.lower(),
            f"{row.at:%Y-%m-%d %H:%M:%S}",
            status,
            paid,
            f"pi_{row.order_id}",
            row.customer_id,
            network,
            outcome,
            code,
            advice,
            "card",
            card.number[-4:],
            card.scheme,
            card.funding,
            row.country,
            card.exp_month,
            card.exp_year,
        )
