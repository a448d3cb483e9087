"""Findings of a check of an account at a processor, as people read them."""

from typing import Final

MAY: Final = "The key may do it."
MAY_NOT: Final = "The key may not do it: {0}."
IN_COUNTRY: Final = "The account is in {0}."
ADD_RIGHT: Final = "Add the right to the restricted key."
UNREACHED: Final = "Stripe cannot be reached: {0}."
LOOK_AT_NETWORK: Final = "Look at the network and the url."
ANSWERS: Final = "Stripe answers {0}."
TRY_AGAIN: Final = "Try again in a few minutes."
NOT_PROVEN: Final = (
    "This proves nothing about the right. Look the request up in the processor's log."
)
NO_WEBHOOK: Final = "Stripe has no enabled webhook endpoint that ends with {0}."
ADD_WEBHOOK: Final = "Add it in Stripe, with the events that the guide names."
EVENTS_SENT: Final = "Stripe sends the events that are needed."
EVENTS_MISSING: Final = "The webhook endpoint lacks events: {0}."
ADD_EVENTS: Final = "Add them to the endpoint in Stripe."
LIVE_KEY: Final = "A restricted key of the live mode."
TEST_KEY: Final = "A restricted key of the test mode."
ANY_KEY: Final = "The key may do everything in the account."
RESTRICT: Final = "Use a restricted key: rk_live_…, or rk_test_… in the sandbox."
NO_RETRIES: Final = "Stripe retries no open invoice by itself."
RETRIES: Final = "Stripe itself will retry {0} open invoices."
STOP_RETRIES: Final = "Turn Smart Retries off, or let Recoup take the invoices over."

# Of any vendor, by its name
NOT_REACHED: Final = "{0} cannot be reached: {1}."
SAYS: Final = "{0} answers {1}."

GIVE_ROLE: Final = "Give the role to the API credential, and this merchant account."
RESCUE_OFF: Final = "Auto Rescue is turned off with every payment."
RESCUE_ON: Final = "Adyen itself retries payments that Recoup has made."
STOP_RESCUE: Final = "Turn Auto Rescue off for this merchant account."

KEY_KNOWN: Final = "Braintree knows the key."
KEY_REFUSED: Final = "Braintree refuses the key: {0}."
LOOK_AT_HALVES: Final = "Look at the two halves of the key, and whether it is of this mode."
ACCOUNT_TAKES: Final = "The merchant account {0} takes {1}."
ACCOUNT_TAKES_NOT: Final = "The merchant account {0} takes no {1}."
NAME_ACCOUNT: Final = "Name a merchant account of this currency."

GIVE_QUERY: Final = "Give the security key the permission Query."
