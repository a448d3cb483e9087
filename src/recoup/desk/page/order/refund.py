"""Form of a refund that somebody requests, and what would happen then, in sentences."""

import re
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Annotated, Any, Final

from recoup.desk.page.order.facts import (
    attempt_out,
    channel,
    fee_back,
    order_items,
    remaining,
    taken,
)
from recoup.kernel.frozen import frozen
from recoup.kernel.money import Money, from_text, money, shown
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kit.typed_amounts import plain
from recoup.orders.rules.words import STATUS_WORDS
from recoup.orders.store.order_page import OrderPage
from recoup.people.page.form_shape import Names, Text, fresh_key, is_key, request_key
from recoup.refunds.flows.refund import RefundRequest
from recoup.terms.rules.refunds import by_amount, by_items

REASON_MAX: Final = 200
_LINE: Final = re.compile(r"line_[0-9]{1,4}")


@frozen
class RefundFields:
    """The form as it is sent: `how` is items or an amount, `lines` the quantity of each line, under
    `line_` and its number."""

    how: Annotated[str, Text(strip=True)]
    amount: Annotated[str, Text(40, strip=True)]
    lines: Annotated[Mapping[str, str], Names(_LINE.fullmatch), Text(10, strip=True)]
    reason: str
    key: Annotated[str, Text(strip=True)]
    to_address: Annotated[str, Text(80, strip=True)] = ""

    def as_typed(self) -> "RefundForm":
        return RefundForm(
            how="items" if self.how == "items" else "amount",
            typed=self.amount,
            quantities={int(name.removeprefix("line_")): text for name, text in self.lines.items()},
            reason=" ".join(self.reason.split())[:REASON_MAX],
            key=self.key if is_key(self.key) else fresh_key(),
            to_address=self.to_address,
        )


@frozen
class RefundForm:
    """Form as it was typed. `typed` is the amount's text, `quantities` line -> text; `key` is the
    form's, used once."""

    how: str = "amount"
    amount: int = 0
    typed: str | None = None
    quantities: Mapping[int, str] = field(default_factory=dict)
    reason: str = ""
    key: str = ""
    to_address: str = ""  # on a chain; empty: the one that was given before

    def amount_text(self, asset: str, like: str | None) -> str:
        return self.typed if self.typed is not None else shown(self.amount, asset, like)


@frozen
class Review:
    """A refund that is possible: its amount, and what will happen, in the order it happens.
    `second`: only once another person has agreed."""

    units: int
    sentences: tuple[str, ...]
    second: bool = False


def to_ask(form: RefundForm, asset: str) -> RefundRequest:
    """The same for the flow. Raises: Problem(invalid), Problem(refund_items) for what cannot be
    read."""
    items = _items(form) if form.how == "items" else None
    amount = None if items is not None else _amount(form, asset)
    to = form.to_address or None
    return RefundRequest(
        amount=amount, items=items, message=form.reason, key=request_key(form.key), to_address=to
    )


def review(page: OrderPage, form: RefundForm, fee: int) -> Review:
    """Reviews what the flow would do with it. Raises: Problem invalid, over_remainder,
    refund_items, as the flow does."""
    asset = page.order.asset
    left = Money(remaining(page), asset)
    if form.how == "items":
        units, _ = by_items(_items(form), order_items(page), taken(page))
    else:
        units = from_text(_amount(form, asset), asset, "amount").units
    by_amount(Money(units, asset), left, like=page.sent_text)
    return Review(units, _sentences(page, units, fee, form.to_address))


def _amount(form: RefundForm, asset: str) -> str:
    if not form.typed:
        raise invalid("Enter the amount to refund.", "amount", "Enter it like 19.99.")
    return plain(form.typed, asset, "amount")


def _items(form: RefundForm) -> tuple[dict[str, Any], ...]:
    items = []
    for line, text in sorted(form.quantities.items()):
        if text in ("", "0"):
            continue
        if not (text.isascii() and text.isdigit()):
            raise Problem(
                "refund_items",
                Sentence("The quantity of line {0} is not a whole number.", line),
                field=f"line_{line}",
                cure="Enter a number like 1, or leave it empty.",
            )
        items.append({"line": line, "quantity": int(text)})
    if not items:
        raise Problem(
            "refund_items",
            "Choose a quantity of at least one item.",
            field="items",
            cure="Enter quantities, or refund an amount.",
        )
    return tuple(items)


def _sentences(page: OrderPage, units: int, fee: int, to: str) -> tuple[str, ...]:
    asset, left = page.order.asset, remaining(page) - units
    stable = page.order.kind == "stable"

    def text(of: int) -> str:
        return f"{money(of, asset, page.sent_text)} {asset}"

    amount = text(units)
    card = (
        Sentence("the card ending in {0}", page.card.last4)
        if page.card
        else "where the payment came from"
    )
    state = (STATUS_WORDS[6], "refunded") if not left else ("Completed", "partially_refunded")
    api = Sentence(" ({0} in the API)", state[1]) if stable else ""
    return (
        Sentence(
            "From the moment you confirm, {0} are owed to the customer; this cannot be undone.",
            amount,
        ),
        _where_from(page, units, amount, card, text, to),
        Sentence(
            "What is owed to you falls by {0}.{1}", amount, _fee(fee, fee_back(page, units), text)
        ),
        Sentence("The order becomes {0}{1}: nothing is left to refund.", state[0], api)
        if not left
        else Sentence(
            "The order stays {0}{1}; {2} can still be refunded.", state[0], api, text(left)
        ),
    )


def _fee(fee: int, back: int, text: Callable[[int], str]) -> str:
    """`fee`: what is kept of it now."""
    if not fee:
        return ""
    if not back:
        return Sentence(" The fee of {0} stays.", text(fee))
    rest = Sentence(", {0} stays", text(fee - back)) if fee > back else ""
    return Sentence(" {0} of the fee comes back to you{1}.", text(back), rest)


def _where_from(
    page: OrderPage, units: int, amount: str, card: str, text: Callable[[int], str], to: str
) -> str:
    """Says where a refund comes from. What was advanced may not be collected yet."""
    if page.order.kind == "stable":
        taken_by = channel(page)
        name = taken_by.name if taken_by else "The channel"
        if to:
            return Sentence("{0} sends {1} to {2}.", name, amount, to)
        if page.order.facts.get("chain"):
            return Sentence(
                "{0} sends {1} to the address that was given for refunds of this order.",
                name,
                amount,
            )
        return Sentence("{0} sends {1} back to where the payment came from.", name, amount)
    state = page.advance.state if page.advance else "charged"
    if state == "uncollected":
        return "Nothing is sent: the customer was never charged."
    if state == "charged" or page.advance is None:
        return Sentence(
            "The processor sends {0} back to {1}. Banks show it after a few days.", amount, card
        )
    if attempt_out(page):
        return (
            "The customer is being charged right now: if that succeeds, the amount is sent back; "
            "if not, it "
            "is never charged."
        )
    left = page.advance.due_units - units
    less = (
        Sentence("they will be charged {0}", text(left))
        if left
        else "they will not be charged at all"
    )
    return Sentence("The customer was not charged yet: {0}.", less)
