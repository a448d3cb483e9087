"""What we know ourselves that speaks for the merchant, as sentences to begin the evidence with."""

from recoup.doors.portal.templates import full
from recoup.kernel.money import money
from recoup.store.disputes.disputes import DisputeRow
from recoup.store.orders.order_page import OrderPage


def suggested(page: OrderPage, dispute: DisputeRow) -> list[str]:
    asset, found = page.order.asset, []
    for refund in page.modifications:
        if refund.kind in ("refund", "reversal") and refund.state == "done":
            amount, reference = money(refund.units, asset), refund.reference or refund.modification_id
            found.append(
                f"{amount} {asset} were refunded to the cardholder, requested on "
                f"{full(refund.business_at)},"
                f" reference {reference}."
            )
    charge = next((a for a in page.attempts if a.attempt_id == dispute.attempt_id), None)
    if charge is not None:
        amount, network = money(charge.units, asset), charge.network_transaction_id or "-"
        found.append(
            f"Charged {amount} {asset} on {full(charge.sent_at or charge.due_at)}, approved with code"
            f" {charge.scheme_code or '00'}, network transaction {network}, statement text"
            f" {page.order.descriptor}."
        )
    passed = next((line for line in page.log if line.happening == "challenge_passed"), None)
    if passed is not None:
        found.append(f"The cardholder passed the bank's check on {full(passed.business_at)}.")
    return found
