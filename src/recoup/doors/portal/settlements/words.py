"""The words of settlements, the same on every page."""

from typing import Final

from recoup.doors.portal.words import State

STATES: Final = {
    "carried": State(
        "Carried", "off", "right", "Nothing is paid out: the balance is carried over to the next settlement."
    ),
    "created": State("Scheduled", "hold", "onhold", "Nothing is sent before the operator has approved it."),
    "homeless": State("Waits for a bank account", "hold", "onhold", "No bank account of this currency is in use."),
    "approved": State("Approved", "run", "processing", "It is being sent to the bank."),
    "sent": State("Sent", "run", "processing", "The bank has it, and has not confirmed it yet."),
    "paid": State("Confirmed", "ok", "completed", "The bank has paid it."),
    "returned": State("Returned", "prob", "problem", "The bank returned it; it can be paid again."),
}
KINDS: Final = {
    "amount": "Order", "fee": "Service fee", "dispute_fee": "Chargeback fee", "dispute": "Chargeback",
    "refund": "Return",
    "adjustment": "Adjustment", "reserve": "Reserve", "carried": "Carried", "payout": "Payout",
}  # fmt: skip
# As accountants know them: of all lines of a kind.
HEADINGS: Final = {
    "amount": "Total Value", "fee": "Service Fees", "dispute_fee": "Chargebacks Fees", "dispute": "Chargebacks Value",
    "refund": "Returns", "adjustment": "Adjustment", "reserve": "Reserve", "carried": "Carried",
}  # fmt: skip
BALANCE_WORDS: Final = {
    "card": "For the next settlements", "wallet": "Stablecoins", "reserve": "Reserve", "scheduled": "Scheduled payouts",
    "payouts": "Stablecoin payouts",
}  # fmt: skip
ACCOUNTS: Final = {
    "added": State("To verify", "hold", "onhold", "Enter the two small amounts from its statement."),
    "verified": State("To approve", "hold", "onhold", "The operator approves it."),
    "active": State("In use", "ok", "completed", "Payouts go to it."),
    "replaced": State("Replaced", "off", "cancelled", "Another account replaced it."),
    "refused": State("Refused", "off", "cancelled", "No payouts go to it."),
}
