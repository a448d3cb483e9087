"""How a customer is called on a page."""

from typing import Any

from recoup.rules.languages.said import said
from recoup.rules.merchants.personal import DOTS, email_of


def label_of(customer: Any, language: str) -> str:
    """What the merchant knows them by, as it is; or the end of our id for one whose data is gone or masked, as the
    page's language says it. Whoever types it types what they read."""
    found = email_of(customer) or customer["external_id"]
    if found and DOTS not in found:
        return str(found)
    return said(language, f"customer {str(customer['payer_id'])[-6:]}")


def is_gone(customer: Any) -> bool:
    """Nothing names them any more."""
    return not any(customer[name] for name in ("email", "name", "phone", "external_id", "newest"))
