"""Visa's Compelling Evidence 3.0 as Stripe takes it:
`evidence.enhanced_evidence.visa_compelling_evidence_3`.

Source: docs.stripe.com/api/disputes/update and docs.stripe.com/disputes/api/visa-ce3, seen 2026-11.
Exactly two earlier charges of the same account, each with a description; a device is its
fingerprint or its id, not both.
"""

from typing import Any, Final

from recoup.networks.compelling_evidence import CardPayment, Compelling, values_of

FIELD: Final = "enhanced_evidence"
_DESCRIPTION_MAX: Final = 20_000
_NAMES: Final = {
    "ip": "customer_purchase_ip",
    "fingerprint": "customer_device_fingerprint",
    "deviceId": "customer_device_id",
    "account": "customer_account_id",
}
_ADDRESS: Final = {
    "line1": "addressLine1",
    "line2": "addressLine2",
    "city": "city",
    "state": "state",
    "postal_code": "zipcode",
    "country": "countryCode",
}


def enhanced(found: Compelling | None) -> dict[str, Any] | None:
    """The evidence as Stripe takes it; None where it cannot: a payment of another account, or one
    whose charge is not known."""
    if found is None or any(
        prior.route != found.disputed.route or _charge(prior) is None for prior in found.priors
    ):
        return None
    keys = [key for key in found.keys if key != "deviceId" or "fingerprint" not in found.keys]
    delivered = found.disputed.address is not None
    disputed = {"merchandise_or_services": "merchandise" if delivered else "services"} | _facts(
        found.disputed, keys
    )
    # By number, as Stripe's libraries write lists of objects.
    priors = {
        str(n): {"charge": _charge(one)} | _facts(one, keys) for n, one in enumerate(found.priors)
    }
    evidence = {"disputed_transaction": disputed, "prior_undisputed_transactions": priors}
    return {"visa_compelling_evidence_3": evidence}


def _charge(one: CardPayment) -> str | None:
    return next(
        (name for name in (*one.ids, one.reference or "") if name.startswith(("ch_", "py_"))), None
    )


def _facts(one: CardPayment, keys: list[str]) -> dict[str, Any]:
    values, address = values_of(one), one.address or {}
    facts: dict[str, Any] = {name: values[key] for key, name in _NAMES.items() if key in keys}
    if "address" in keys:
        facts["shipping_address"] = {name: address.get(ours) for name, ours in _ADDRESS.items()}
    return facts | {"product_description": one.product[:_DESCRIPTION_MAX]}
