"""Mail to payers: which happenings make one, who sends it unless told otherwise, and its words.

Nothing of a card but its last four digits. Merchants usually send receipts themselves, so those are off until they are
wanted; what only we can say is on. Source: decision 0024.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Final, NamedTuple


class Notice(NamedTuple):
    """`happenings`: lines of the order's log that make one."""

    name: str
    meaning: str
    happenings: tuple[str, ...]
    on: bool


NOTICES: Final = (
    Notice("receipt", "the card was charged", ("collected", "captured", "charged"), False),
    Notice("refunded", "money goes back", ("refund_owed",), False),
    Notice("charge_coming", "the order is through, its charge comes later", ("advanced",), True),
    Notice("challenge", "only the payer can cure a decline: the link", ("challenge_offered",), True),
)
NAMES: Final = tuple(notice.name for notice in NOTICES)
_BY_HAPPENING: Final = {happening: notice for notice in NOTICES for happening in notice.happenings}
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def notice_of(happening: str, settings: Mapping[str, bool]) -> str | None:
    """The notice that this happening makes for a merchant with these settings."""
    notice = _BY_HAPPENING.get(happening)
    return notice.name if notice and settings.get(notice.name, notice.on) else None


def switched(settings: Mapping[str, bool]) -> dict[str, bool]:
    """Every notice: on or off."""
    return {notice.name: settings.get(notice.name, notice.on) for notice in NOTICES}


def is_address(text: str) -> bool:
    """A plain e-mail address that cannot be read as anything else."""
    return len(text) <= 254 and ".." not in text and _ADDRESS.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """Texts as they are shown. `amount` with its currency; `netted`: the charge is made smaller instead."""

    notice: str
    shop: str
    amount: str
    card: str
    statement: str
    order: str
    day: str
    contact: str
    charge_page: str
    link: str = ""
    netted: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    subject: str
    text: str
    html: str


def words_of(facts: NoticeFacts) -> Words:
    """Plain and HTML with the same words; everything is escaped, and a subject is one line."""
    subject, lines, link = _SAYS[facts.notice](facts)
    lines = [*lines, f"Questions about the order: {facts.contact}."]
    plain = [*lines[:1], *([facts.link] if link else []), *lines[1:],
             f"You do not know this charge? {facts.charge_page}"]  # fmt: skip
    parts = [f"<p>{escape(line)}</p>" for line in lines]
    if link:
        parts.insert(1, f'<p><a href="{escape(facts.link)}">{escape(link)}</a></p>')
    parts.append(f'<p><a href="{escape(facts.charge_page)}">You do not know this charge?</a></p>')
    html = f'<!doctype html><html lang="en"><body>{"".join(parts)}</body></html>'
    return Words(_one_line(subject), "\n\n".join(_one_line(line) for line in plain) + "\n", html)


Said = tuple[str, list[str], str]  # subject, paragraphs, the words of the link or none


def _receipt(f: NoticeFacts) -> Said:
    return f"Your payment of {f.amount} to {f.shop}", [
        f"{f.amount} were charged to your {f.card} on {f.day} for your order {f.order} at {f.shop}.",
        f"Your statement will say {f.statement}.",
    ], ""  # fmt: skip


def _refunded(f: NoticeFacts) -> Said:
    if f.netted:
        told = f"{f.amount} are taken off what your {f.card} will be charged for your order {f.order} at {f.shop}."
        return f"{f.amount} less for your order at {f.shop}", [told], ""
    return f"{f.shop} refunds {f.amount}", [
        f"{f.amount} of your order {f.order} at {f.shop} go back to your {f.card}. Banks show it after some days.",
        f"Your statement will say {f.statement}.",
    ], ""  # fmt: skip


def _charge_coming(f: NoticeFacts) -> Said:
    return f"Your order at {f.shop}: the charge comes later", [
        f"Your order {f.order} at {f.shop} is through. Your {f.card} will be charged {f.amount} in the next days.",
        f"Your statement will say {f.statement}.",
    ], ""  # fmt: skip


def _challenge(f: NoticeFacts) -> Said:
    return f"{f.shop}: your payment needs you", [
        f"Your bank did not take {f.amount} for your order {f.order} at {f.shop}. Only you can cure that:",
        "Nothing is charged before you do.",
    ], "Go on with the payment"  # fmt: skip


_SAYS: Final = {
    "receipt": _receipt, "refunded": _refunded, "charge_coming": _charge_coming, "challenge": _challenge,
}  # fmt: skip


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
