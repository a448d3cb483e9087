"""NMI's documented forms: `published.txt`, words and formats. `faults` lists what is wrong with
one, for the stand-in, which refuses it as NMI does, and for the checks of the connector."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from recoup.kernel.money import EXPONENTS
from recoup_lab.processors.published_text import blocks_of, is_base64

_FILE: Final = Path(__file__).parent / "published.txt"
_NUMBERED: Final = re.compile(r"merchant_defined_field_([1-9]|1\d|20)|item_[a-z_]+_\d{1,3}")
REQUIRED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "sale": ("amount",),
        "auth": ("amount",),
        "capture": ("transactionid", "amount"),
        "void": ("transactionid",),
        "refund": ("transactionid",),
        "update_customer": ("customer_vault_id",),
        "delete_customer": ("customer_vault_id",),
    }
)
WORDS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "payment": frozenset(("creditcard", "check", "cash")),
        "billing_method": frozenset(("recurring", "installment")),
        "initiated_by": frozenset(("customer", "merchant")),
        "stored_credential_indicator": frozenset(("stored", "used")),
        "cardholder_auth": frozenset(("verified", "attempted")),
        "sca_exemption": frozenset(
            (
                "na",
                "low_value",
                "tra_exemption",
                "trusted_merchant",
                "secure_corporate_payment",
                "merchant_initiated_transaction",
                "recurring_payment",
                "sca_delegation",
            )
        ),
        "report_type": frozenset(
            (
                "receipt",
                "customer_vault",
                "recurring",
                "recurring_plans",
                "invoicing",
                "profile",
                "gateway_processors",
                "account_updater",
                "test_mode_status",
            )
        ),
        "condition": frozenset(
            (
                "pending",
                "pendingsettlement",
                "in_progress",
                "abandoned",
                "failed",
                "canceled",
                "complete",
                "unknown",
            )
        ),
    }
)
DUP_SECONDS_MAX: Final = 7_862_400
_LIKE: Final = MappingProxyType({"auth": "sale", "update_customer": "add_customer"})
CALLS: Final = (*REQUIRED, "add_customer", "query")


def names_of(call: str) -> frozenset[str]:
    return frozenset(blocks_of(_FILE)[_LIKE.get(call, call)])


def events() -> frozenset[str]:
    """Kinds of webhooks."""
    return frozenset(blocks_of(_FILE)["events"])


def call_of(form: Mapping[str, str], *, asks: bool = False) -> str:
    """`sale`, `add_customer`, `query`; empty for what is none."""
    name = "query" if asks else form.get("type") or form.get("customer_vault") or ""
    return name if name in CALLS else ""


def faults(form: Mapping[str, str], *, asks: bool = False) -> list[str]:
    """Faults in NMI's words, without their REFID."""
    call = call_of(form, asks=asks)
    return list(_faults(call, form)) if call else ["Invalid Transaction Type"]


def _faults(call: str, form: Mapping[str, str]) -> Iterator[str]:
    known = names_of(call)
    yield from (
        f"Unknown variable {one}"
        for one in form
        if one not in known and not _NUMBERED.fullmatch(one)
    )
    yield from (
        f"Missing required field: {one}" for one in REQUIRED.get(call, ()) if not form.get(one)
    )
    by_vault = any(form.get(one) for one in ("customer_vault_id", "ccnumber", "payment_token"))
    if call in ("sale", "auth", "add_customer") and not by_vault:
        yield "Required Field ccnumber is Missing or Empty"
    for name, words in WORDS.items():
        said = (
            form[name].split(",") if name == "condition" and name in form else [form.get(name, "")]
        )
        yield from (f"Invalid {name}" for one in said if name in form and one not in words)
    yield from (
        f"Invalid {name}"
        for name, fits in _FORMATS.items()
        if name in form and not fits(form[name])
    )
    authenticated = [
        one for one in ("cardholder_auth", "cavv", "three_ds_version") if form.get(one)
    ]
    if call in ("sale", "auth") and 0 < len(authenticated) < 3:
        yield "3-D Secure needs cardholder_auth, cavv and three_ds_version"


def _matches(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.fullmatch(pattern, text) is not None


_FORMATS: Final[Mapping[str, Callable[[str], bool]]] = MappingProxyType(
    {
        "amount": _matches(r"(?!0+\.00$)\d{1,15}\.\d\d"),
        "currency": lambda text: len(text) == 3 and text in EXPONENTS,
        "ccexp": _matches(r"(0[1-9]|1[0-2])/?\d\d"),
        "cavv": is_base64,
        "xid": is_base64,
        "three_ds_version": _matches(r"[12]\.\d\.\d"),
        "initial_transaction_id": _matches(r"\d{1,12}"),
        "directory_server_id": _matches(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
        "dup_seconds": lambda text: text.isdecimal() and int(text) <= DUP_SECONDS_MAX,
        "start_date": _matches(r"\d{8}(\d{6})?"),
        "end_date": _matches(r"\d{8}(\d{6})?"),
        "result_limit": _matches(r"\d{1,6}"),
        "page_number": _matches(r"\d{1,6}"),
    }
)
