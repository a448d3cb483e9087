"""What roles may do, in words: for the page of people, and for the table of the documentation."""

from collections.abc import Mapping
from typing import Final

from recoup.flows.people.sessions import MAY

# action -> what it lets somebody do at a merchant, beside looking
AT_MERCHANT: Final[Mapping[str, str]] = {
    "refund": "refund orders, work the refund desk, compare statements",
    "approve": "agree to refunds that others ask for", "limits": "set what roles may refund and whose data they see",
    "cancel": "cancel orders", "capture": "capture authorised orders",
    "retry": "retry, stop, hold and release orders, write notes", "block": "block customers and cards",
    "erase": "erase and export a customer's data",
    "dispute": "answer disputes", "upload": "send batches and transmissions as files",
    "switch": "switch kinds of orders, make campaigns", "test": "try the connection",
    "mails": "choose the mails to payers", "bank": "enter bank accounts",
    "apply": "apply for a merchant, submit, make it a merchant", "go_live": "ask to go live",
    "invite": "see and invite people, end memberships, require a second factor", "keys": "make and end keys",
    "hooks": "make, change, test and replay webhooks, replace their signing keys",
    "sandbox": "move the sandbox's clock, simulate declines",
    "audit": "see who did what",
}  # fmt: skip
# the same at a partner
AT_PARTNER: Final[Mapping[str, str]] = {
    "merchants": "make and change merchants", "switches": "switch kinds of orders for many merchants",
    "see_keys": "see which keys there are", "keys": "make keys",
    "hooks": "make, change and test the partner's webhooks, replace their signing keys",
    "apply": "apply for a merchant, submit, make it one",
    "invite": "see and invite people, end memberships, require a second factor",
    "audit": "see what the partner's people and keys did",
}  # fmt: skip


def table_of(words: Mapping[str, str], may: Mapping[str, frozenset[str]]) -> list[tuple[str, ...]]:
    """One row an action: its words, then for each role whether it may."""
    return [(text, *("yes" if action in may[role] else "–" for role in may)) for action, text in words.items()]


def whom_to_ask(action: str) -> str:
    """The cure for somebody at a merchant whose role may not."""
    others = [role for role, may in MAY.items() if action in may and role != "owner"]
    return f"Ask somebody with the role {' or '.join(others)}." if others else "Ask an owner."


def in_words(role: str) -> tuple[str, ...]:
    """What a role may do at a merchant, beside looking."""
    return tuple(text for action, text in AT_MERCHANT.items() if action in MAY[role])
