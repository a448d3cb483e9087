"""The words of imports, the same on both pages."""

from typing import Final

from recoup.doors.portal.words import State
from recoup.rules.imports.attempt import SKIPPED

STATES: Final = {
    "received": State("Received", "hold", "draft", "Stored; its attempts are queued."),
    "working": State("Importing", "run", "processing", "Its attempts are taken over in parts."),
    "completed": State("Completed", "ok", "completed", "All attempts are taken over."),
    "stopped": State("Stopped", "off", "cancelled", "Stopped; attempts not yet taken over were dropped."),
}
ATTEMPTS: Final = {
    "approved": "approved", "declined": "declined", "not_sent": "never sent to the issuer",
    "unknown": "without a known outcome",
}  # fmt: skip
ORDERS: Final = {"": "As the file shows", "day": "Day first: 31/12/2026", "month": "Month first: 12/31/2026"}
MARKS: Final = {"": "As the file shows", ".": "Point: 1,234.50", ",": "Comma: 1.234,50"}
UNITS: Final = {"": "As the file shows", "major": "Whole units", "minor": "Smallest unit, like cents"}
LEFT_OUT: Final = SKIPPED
TITLES: Final = {
    "recoup-history": "Recoup history", "stripe-payments": "Stripe payments", "stripe-charges": "Stripe charges",
    "adyen-received": "Adyen received payments", "adyen-accounting": "Adyen payment accounting",
    "braintree": "Braintree transactions", "recurly": "Recurly transactions", "chargebee": "Chargebee transactions",
    "chargebee-api": "Chargebee transactions", "checkout": "Checkout.com payments",
    "killbill": "Kill Bill transactions", "nmi": "NMI transactions", "authorize-net": "Authorize.Net transactions",
}  # fmt: skip
