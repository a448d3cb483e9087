"""Permissions of roles, in words: for the page of roles, and for the documentation."""

from collections.abc import Mapping
from typing import Final

from recoup.kernel.problem import Sentence, joined
from recoup.kit.rights import MAY

# action -> what it lets somebody do at a merchant, beside looking
AT_MERCHANT: Final[Mapping[str, str]] = {
    "refund": "refund orders, review stuck refunds, compare statements",
    "approve": "approve refunds that others request", "limits": "set refund limits and data access "
                                                                "of roles",
    "cancel": "cancel orders", "capture": "capture authorised orders",
    "retry": "retry, stop, hold and release orders, write notes",
    "block": "block customers and cards",
    "erase": "erase and export a customer's data",
    "dispute": "answer disputes", "upload": "upload files of payments",
    "switch": "switch order types, manage campaigns, set the rescue engine",
    "test": "test the connection",
    "mails": "choose the e-mails to customers", "bank": "enter bank accounts",
    "apply": "apply for a merchant and create it", "go_live": "ask to go live",
    "invite": "view and invite members, end memberships, require a second factor",
    "keys": "create and end keys",
    "hooks": "manage, test and replay webhooks, replace their signing keys",
    "sandbox": "move the sandbox's clock, simulate declines",
    "audit": "view the audit log",
}  # fmt: skip
# the same at a partner
AT_PARTNER: Final[Mapping[str, str]] = {
    "merchants": "create and change merchants",
    "switches": "switch order types for many merchants, set the bounds of retry policies",
    "see_keys": "view keys", "keys": "make keys",
    "hooks": "manage and test the partner's webhooks, replace their signing keys",
    "apply": "apply for a merchant and create it",
    "invite": "view and invite members, end memberships, require a second factor",
    "audit": "view the partner's audit log",
}  # fmt: skip


def whom_to_ask(action: str) -> str:
    """The cure for somebody at a merchant whose role may not."""
    others = [role for role, may in MAY.items() if action in may and role != "owner"]
    return (
        Sentence("Ask somebody with the role {0}.", joined(others, " or "))
        if others
        else "Ask an owner."
    )


def in_words(role: str) -> tuple[str, ...]:
    """The acts that a role may do at a merchant, beside looking."""
    return tuple(text for action, text in AT_MERCHANT.items() if action in MAY[role])
