"""How a customer is called on a page."""

from recoup.kernel.sentence import Sentence
from recoup.rules.languages.said import said
from recoup.rules.merchants.personal import DOTS
from recoup.store.lists.customers import Customer


def label_of(customer: Customer, language: str) -> str:
    """What the merchant knows them by, as it is; or the end of our id for one whose data is gone or masked, as the
    page's language says it. People type what they read."""
    found = customer.known_email or customer.external_id
    if found and DOTS not in found:
        return found
    return said(language, Sentence("customer {0}", str(customer.payer_id)[-6:]))


def is_gone(customer: Customer) -> bool:
    """Nothing names them any more."""
    return not any((customer.email, customer.name, customer.phone, customer.external_id, customer.newest))
