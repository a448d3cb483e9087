"""The ledger's recipes: each happening of an order as balanced entries.

An account is (purpose, asset, place); debit is positive. Every posting sums to zero, and every
order's walk ends with customer_due, refund_due and reversal_due at zero or on a desk.

A recipe is one row: reports, settlements, comparisons, pages and `verify` read from it.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, TypeVar

from recoup.kernel.extended import Extended
from recoup.kernel.feature import Place

V = TypeVar("V")
WALLET: Final = (
    "wallet"  # the place of merchant_payable that stablecoin orders fill and payouts empty
)
PAYABLE: Final = "merchant_payable"
_ACCOUNTS: Final = {
    "customer_due": "Due from the customer", PAYABLE: "Owed to the merchant", "fees": "Fees",
    "clearing": "Money on its way", "refund_due": "Refunds owed", "reversal_due": "Reversals owed",
    "bad_debt": "Bad debt", "bank": "Bank", "reserve": "Held in reserve",
    "settlement_due": "Settlements owed",
    "adjustments": "Adjustments", "processing_cost": "Costs of processing",
    "suspense": "In suspense",
}  # fmt: skip
ACCOUNT: Final = Place[Mapping[str, str]]("account")  # what the books call each
ACCOUNTS: Final = Extended(_ACCOUNTS, ACCOUNT, dict)


class Entry(NamedTuple):
    """`place` is the route for money at a processor, WALLET for a stablecoin balance, else empty.
    `units` signed, debit positive."""

    account: str
    place: str
    units: int


class Posting(NamedTuple):
    recipe: str
    entries: tuple[Entry, ...]


class Recipe(NamedTuple):
    """A kind of posting; calling it posts. `line`: what its entry on the merchant's account is in a
    report, and in a settlement unless it is the `wallet`'s. `files`: kind of another's file -> type
    of line that shows it, see `bank/rules/lines.toml`. `words`: on the order's page, behind its
    amount. `suggested`: where a comparison may book it."""

    name: str
    debit: str
    credit: str
    line: str = ""
    wallet: bool = False
    files: Mapping[str, str] = MappingProxyType({})
    words: str = ""
    suggested: str = ""

    @property
    def is_routed(self) -> bool:
        return "clearing" in (self.debit, self.credit)

    def __call__(self, units: int, place: str = "", payable: str = "") -> Posting:
        """Posts. `place`: the route of money on its way; without such, as `payable` beside it, the
        place of the merchant's share."""
        if units <= 0:
            raise ValueError(f"{self.name} posts {units} units; a posting moves more than nothing")
        share = WALLET if self.wallet else payable if self.is_routed else place
        places = {"clearing": place, PAYABLE: share}
        sides = ((self.debit, units), (self.credit, -units))
        return Posting(
            self.name,
            tuple(Entry(account, places.get(account, ""), signed) for account, signed in sides),
        )


_CHARGED: Final = {"processor": "charge", "chain": "charge"}
_SENT_BACK: Final = {"processor": "refund", "chain": "refund"}
_FAILED: Final = {"processor": "refund_failed"}
approve: Final = Recipe("approve", "customer_due", PAYABLE, "amount", words="owed to you")
charge: Final = Recipe(
    "charge", "clearing", "customer_due", files=_CHARGED, words="charged to the customer"
)
fee: Final = Recipe("fee", PAYABLE, "fees", "fee", words="service fee")
refund_owed: Final = Recipe(
    "refund_owed",
    PAYABLE,
    "refund_due",
    "refund",
    words="taken from what is owed to you, for the customer",
)
# A part of an order that ended without the rest: its customer is owed it, the merchant no more.
part_owed_back: Final = Recipe(
    "part_owed_back",
    PAYABLE,
    "reversal_due",
    "refund",
    words="taken from what is owed to you: the rest of the order never came",
)
refund_refused: Final = Recipe(
    "refund_refused",
    "refund_due",
    PAYABLE,
    "refund",
    words="given back to you: the refund was refused",
)
# By the contract.
fee_returned: Final = Recipe(
    "fee_returned", "fees", PAYABLE, "fee", words="service fee given back with the refund"
)
fee_taken_back: Final = Recipe(
    "fee_taken_back",
    PAYABLE,
    "fees",
    "fee",
    words="service fee taken again: the refund was refused",
)
# By a transfer of the operator's, not through the processor.
refund_by_hand: Final = Recipe(
    "refund_by_hand", "refund_due", "bank", words="paid to the customer by hand"
)
reversal_by_hand: Final = Recipe(
    "reversal_by_hand", "reversal_due", "bank", words="given back to the customer by hand"
)
refund_netted: Final = Recipe(
    "refund_netted", "refund_due", "customer_due", words="taken off what the customer owes"
)
refund_done: Final = Recipe(
    "refund_done", "refund_due", "clearing", files=_SENT_BACK, words="sent back to the customer"
)
# It was made, and has come back to the processor: the customer is owed it again.
refund_failed: Final = Recipe("refund_failed", "clearing", "refund_due", files=_FAILED)
reversal_failed: Final = Recipe("reversal_failed", "clearing", "reversal_due", files=_FAILED)
late_approval: Final = Recipe(
    "late_approval", "clearing", "reversal_due", files=_CHARGED, words="late payment to be returned"
)
reversed_: Final = Recipe(
    "reversed", "reversal_due", "clearing", files=_SENT_BACK, words="went back to the customer"
)
# What its payer left out of a stablecoin order, by its merchant's tolerance: the merchant bears it.
accepted_shortfall: Final = Recipe(
    "accepted_shortfall",
    PAYABLE,
    "customer_due",
    "amount",
    wallet=True,
    words="left out by the customer, within your tolerance",
)
uncollected: Final = Recipe(
    "uncollected", "bad_debt", "customer_due", words="not collected; the operator's loss"
)
# What the merchant gives back of it is the operator's.
refund_of_bad_debt: Final = Recipe(
    "refund_of_bad_debt",
    "refund_due",
    "bad_debt",
    words="back to the operator, whose customer never paid",
)
ADJUSTED: Final = Recipe("adjusted", "adjustments", PAYABLE, "adjustment")
# What a batch pays out is no longer the merchant's balance: it is due to its bank.
settlement_closed: Final = Recipe("settlement_closed", PAYABLE, "settlement_due", "payout")
CARRIED: Final = Recipe("carried", PAYABLE, PAYABLE, "carried")
reserve_held: Final = Recipe("reserve_held", PAYABLE, "reserve", "reserve")
reserve_released: Final = Recipe("reserve_released", "reserve", PAYABLE, "reserve")
paid_out: Final = Recipe("paid_out", "settlement_due", "bank", "payout", files={"bank": "payout"})
# The bank gave it back: it is due again.
payout_bounced: Final = Recipe(
    "payout_bounced", "bank", "settlement_due", "payout", files={"bank": "payout_return"}
)
# A processor has paid what it held for us to the bank, which may take it back.
funded: Final = Recipe(
    "funded",
    "bank",
    "clearing",
    files={"processor": "funding", "bank": "funding"},
    suggested="book as paid to the bank",
)
funding_returned: Final = Recipe(
    "funding_returned",
    "clearing",
    "bank",
    files={"processor": "funding_return", "bank": "funding_return"},
    suggested="book as taken back by the bank",
)
processing_cost: Final = Recipe(
    "processing_cost",
    "processing_cost",
    "clearing",
    files={"processor": "fee"},
    suggested="book as processor cost",
)
processing_cost_returned: Final = Recipe(
    "processing_cost_returned",
    "clearing",
    "processing_cost",
    files={"processor": "fee_returned"},
    suggested="book as processor cost given back",
)
# Money that another's statement shows and nothing here explains yet.
SUSPENDED: Final = Recipe("suspended", "clearing", "suspense", suggested="book to suspense")


def adjusted(units: int) -> Posting:
    """An adjustment by hand. `units` signed: + is in the merchant's favour."""
    if units > 0:
        return ADJUSTED(units)
    return ADJUSTED._replace(debit=ADJUSTED.credit, credit=ADJUSTED.debit)(-units)


def carried(units: int) -> Posting:
    """Closes a batch that pays nothing: `units`, what it comes to, - when the merchant owes it, are
    taken out of it by the first entry, and stand in the next one by the second."""
    if not units:
        raise ValueError("carried posts nothing; a posting moves more than that")
    return Posting(CARRIED.name, (Entry(PAYABLE, "", units), Entry(PAYABLE, "", -units)))


def suspended(units: int, route: str, file_kind: str) -> Posting:
    """`units` came (+) or went (-)."""
    sides = ("bank" if file_kind == "bank" else "clearing", "suspense")
    debit, credit = sides if units > 0 else sides[::-1]
    return SUSPENDED._replace(debit=debit, credit=credit)(abs(units), route)


def collected(
    units: int, route: str, fee_units: int, payable: str = "", short: int = 0
) -> tuple[Posting, ...]:
    """Approve and charge in one transaction. `short`: what is not there of it, and accepted."""
    left_out = (accepted_shortfall(short),) if short else ()
    return (*advanced(units, fee_units, payable), *left_out, charge(units - short, route))


def advanced(units: int, fee_units: int, payable: str = "") -> tuple[Posting, ...]:
    """The operator takes the risk: the merchant is owed before the customer was charged."""
    return (
        (approve(units, payable), fee(fee_units, payable))
        if fee_units
        else (approve(units, payable),)
    )


RECIPE: Final = Place[Recipe]("recipe")
_OWN: Final = tuple(value for value in list(globals().values()) if isinstance(value, Recipe))


def by_recipe(of: Callable[[Recipe], Mapping[str, V]]) -> Mapping[str, V]:
    """A table with the entries of each row."""
    return Extended(
        {name: value for recipe in _OWN for name, value in of(recipe).items()}, RECIPE, of
    )


RECIPES: Final = by_recipe(lambda recipe: {recipe.name: recipe})


def with_recipes(sql: str) -> Callable[[], str]:
    """The statement with the recipes of the lines named in each `{amount fee}`."""
    return lambda: re.sub(r"\{([a-z_ ]+)\}", lambda mark: _names(mark[1].split()), sql)


def _names(lines: list[str]) -> str:
    return (
        "("
        + ", ".join(f"'{recipe.name}'" for recipe in RECIPES.values() if recipe.line in lines)
        + ")"
    )
