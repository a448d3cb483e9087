"""The same history gives the same counts, whichever vendor exported it.

Of a Stripe export with its usual words for a generic decline 171 attempts had vanished, and with
them 52 of 361 payments.
"""

from collections import Counter
from typing import Any

import pytest
from tests.imports.rules.reading import look
from tests.imports.rules.vendors import LAYOUTS, Try, export, history

from recoup.imports.rules.report import Counts, report_of

TRIES = history(3_050)


def counted(name: str, tries: list[Try]) -> dict[str, Any]:
    looked = look(export(LAYOUTS[name], tries))
    assert looked.profile.name == name.partition(",")[0]
    counts = Counts()
    for outcome in looked.read(max(one.at for one in tries), world=False):
        counts.add(outcome)
    report, _ = report_of(looked, counts)
    assert (report["skipped"], report["bad"]) == ({}, {})
    return report


def told(tries: list[Try]) -> dict[str, Any]:
    """What the history itself says."""
    payments: dict[int, list[Try]] = {}
    for one in tries:
        payments.setdefault(one.payment, []).append(one)
    declined = [group for group in payments.values() if group[0].state == "declined"]
    return {
        "states": dict(Counter(one.state for one in tries)),
        "payments": len(payments),
        "declined": len(declined),
        "rescued": sum(any(one.state == "approved" for one in group) for group in declined),
    }


@pytest.mark.parametrize("name", LAYOUTS)
def test_3050_payments_give_the_same_counts_from_each_vendor(name: str) -> None:
    report, wanted = counted(name, TRIES), told(TRIES)
    assert {key: report[key] for key in wanted} == wanted
    assert wanted["payments"] == 3_050
    assert min(wanted["states"].values()) > 50
    assert wanted["rescued"] > 500


def test_a_generic_decline_of_stripe_is_a_decline() -> None:
    """Its message says that the bank gave no reason; it was taken for an attempt that was never
    sent."""
    head = (
        "id,Created date (UTC),Amount,Currency,Decline Reason,Status,Seller "
        "Message,PaymentIntent ID,Customer ID\n"
    )
    rows = (
        "ch_G1,2026-10-01 10:00:00,45.90,usd,generic_decline,Failed,"
        "The bank did not return any further details with this decline.,pi_G1,cus_1\n"
        "ch_G2,2026-10-04 10:00:00,45.90,usd,,Paid,Payment complete.,pi_G1,cus_1\n"
        "ch_G3,2026-10-02 10:00:00,20.00,usd,insufficient_funds,Failed,"
        "The bank returned the decline code `insufficient_funds`.,pi_G3,cus_2\n"
        "ch_G4,2026-10-03 10:00:00,30.00,usd,highest_risk_level,Failed,Stripe blocked this payment "
        "as too risky.,p4,c\n"
    )
    looked, counts = look(head + rows), Counts()
    for outcome in looked.read(TRIES[-1].at.replace(year=2027), world=False):
        counts.add(outcome)
    report, _ = report_of(looked, counts)
    assert report["states"] == {"approved": 1, "declined": 2, "not_sent": 1, "unknown": 0}
    assert (report["payments"], report["declined"], report["rescued"]) == (3, 2, 1)
