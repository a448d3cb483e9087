"""What roles may do, in words: for the page of people, and for the table of the documentation."""

from collections.abc import Mapping
from typing import Final

from recoup.flows.people.sessions import MAY

# action -> what it lets somebody do at a merchant, beside looking
AT_MERCHANT: Final[Mapping[str, str]] = {
    "refund": "refund orders, work the refund desk, compare statements", "cancel": "cancel orders",
    "retry": "retry, stop, hold and release orders, write notes", "block": "block customers and cards",
    "erase": "export and erase a customer's data",
    "dispute": "answer disputes", "upload": "send batches and transmissions as files",
    "switch": "switch kinds of orders, make campaigns", "test": "try the connection",
    "mails": "choose the mails to payers", "bank": "enter bank accounts",
    "apply": "apply for a merchant, submit, make it a merchant", "go_live": "ask to go live",
    "invite": "see and invite people, end memberships", "keys": "make and end keys",
    "hooks": "make, change, test and replay webhooks, replace their signing keys",
    "sandbox": "move the sandbox's clock, simulate declines",
}  # fmt: skip
# the same at a partner
AT_PARTNER: Final[Mapping[str, str]] = {
    "merchants": "make and change merchants", "switches": "switch kinds of orders for many merchants",
    "see_keys": "see which keys there are", "keys": "make keys", "apply": "apply for a merchant, submit, make it one",
    "invite": "see and invite people, end memberships",
}  # fmt: skip


def table_of(words: Mapping[str, str], may: Mapping[str, frozenset[str]]) -> list[tuple[str, ...]]:
    """One row an action: its words, then for each role whether it may."""
    return [(text, *("yes" if action in may[role] else "–" for role in may)) for action, text in words.items()]


def in_words(role: str) -> str:
    """What a role may do at a merchant."""
    found = [text for action, text in AT_MERCHANT.items() if action in MAY[role]]
    return "may " + ", ".join(found) if found else "may look"
