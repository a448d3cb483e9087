"""How a customer is called on a page."""

from typing import Any


def label_of(customer: Any) -> str:
    """What the merchant knows them by, or the end of our id for one whose data is gone."""
    newest = customer["newest"] or {}
    found = customer["email"] or newest.get("email") or customer["external_id"]
    return str(found or f"customer {str(customer['payer_id'])[-6:]}")


def is_gone(customer: Any) -> bool:
    """Nothing names them any more."""
    return not any(customer[name] for name in ("email", "name", "phone", "external_id", "newest"))
