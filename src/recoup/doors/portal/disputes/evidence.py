"""What we know ourselves that speaks for the merchant, as sentences to begin the evidence with."""

from recoup.doors.portal.templates import full
from recoup.kernel.money import money
from recoup.kernel.sentence import Sentence
from recoup.store.disputes.disputes import DisputeRow
from recoup.store.orders.order_page import OrderPage


def suggested(page: OrderPage, dispute: DisputeRow) -> list[str]:
    asset = page.order.asset
    found: list[str] = []
    for refund in page.modifications:
        if refund.kind in ("refund", "reversal") and refund.state == "done":
            amount, reference = money(refund.units, asset), refund.reference or refund.modification_id
            found.append(
                Sentence(
                    "{0} {1} were refunded to the cardholder, requested on {2}, reference {3}.",
                    amount,
                    asset,
                    full(refund.business_at),
                    reference,
                )
            )
    charge = next((a for a in page.attempts if a.attempt_id == dispute.attempt_id), None)
    if charge is not None:
        amount, network = money(charge.units, asset), charge.network_transaction_id or "-"
        found.append(
            Sentence(
                "Charged {0} {1} on {2}, approved with code {3}, network transaction {4}, statement text {5}.",
                amount,
                asset,
                full(charge.sent_at or charge.due_at),
                charge.scheme_code or "00",
                network,
                page.order.descriptor,
            )
        )
    passed = next((line for line in page.log if line.happening == "challenge_passed"), None)
    if passed is not None:
        found.append(Sentence("The cardholder passed the bank's check on {0}.", full(passed.business_at)))
    return found
