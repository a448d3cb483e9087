"""Fees that the operator keeps of an approved order, by which term of the contract, and what a
refund gives back of them.

A term speaks for a site, an order type and a currency, each of them or all; the most specific one
that is valid at the approval's business time wins: site before order type before currency. A later
term for the same scope takes an earlier one's place, from its own date on. Source: decision 0024.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.kernel.money import EXPONENTS, UNITS_MAX
from recoup.kernel.problem import Sentence, invalid
from recoup.kernel.time import iso
from recoup.kit.terms import Choice, Percent, Units

KEEP, PRO_RATA, FULL = "keep", "pro_rata", "full"
REFUND_POLICIES: Final[Mapping[str, str]] = {
    KEEP: "the fee is kept",
    PRO_RATA: "each refund gives back the same part of the fee",
    FULL: "the whole fee is given back once the whole order is refunded",
}
ORDER_TYPES: Final = ("CIT", "MIT", "STABLE")


class Tariff(NamedTuple):
    """`basis_points` of the amount plus `fixed_units`, at least `minimum_units`; never more than
    the amount. `refund`: what becomes of it with a refund."""

    basis_points: Annotated[int, Percent("Percentage of the amount: 2.9", option="percent")] = 0
    fixed_units: Annotated[int, Units("Fixed part: 0.30", option="fixed")] = 0
    minimum_units: Annotated[int, Units("Minimum amount: 0.50", option="minimum")] = 0
    refund: Annotated[
        str,
        Choice(
            "Part of the fee that a refund returns. Default: keep.", values=tuple(REFUND_POLICIES)
        ),
    ] = KEEP
    term_id: UUID | None = None

    def log_details(self) -> dict[str, Any]:
        """Details of the term by which the fee was taken, for the order's log."""
        return {"fee_term": self.term_id, "fee_refund": self.refund} if self.term_id else {}


@frozen
class FeeTerm:
    """A fee term; None: every site, order type or currency. `ended`: from its date on the scope has
    no term of its own."""

    term_id: UUID
    valid_from: datetime
    tariff: Tariff
    site_id: UUID | None = None
    order_type: str | None = None
    currency: str | None = None
    ended: bool = False

    @property
    def scope(self) -> tuple[UUID | None, str | None, str | None]:
        return self.site_id, self.order_type, self.currency

    def speaks_for(self, site_id: UUID | None, order_type: str, currency: str) -> bool:
        order_scope = (site_id, order_type, currency)
        return all(
            mine is None or mine == other
            for mine, other in zip(self.scope, order_scope, strict=True)
        )


def choose(
    terms: Iterable[FeeTerm], *, site_id: UUID | None, order_type: str, currency: str, at: datetime
) -> Tariff:
    """The tariff of an order that is approved at `at` (business time); without any term no fee is
    taken."""
    valid = in_force((term for term in terms if term.speaks_for(site_id, order_type, currency)), at)
    best = max(valid, key=lambda t: [part is not None for part in t.scope], default=None)
    return best.tariff if best else Tariff()


def in_force(terms: Iterable[FeeTerm], at: datetime) -> list[FeeTerm]:
    """The newest term of each scope at `at` (business time), unless that says that there is none
    any more."""
    newest: dict[tuple[Any, ...], FeeTerm] = {}
    for term in sorted(terms, key=lambda t: (t.valid_from, t.term_id)):
        if term.valid_from <= at:
            newest[term.scope] = term
    return [term for term in newest.values() if not term.ended]


def fee_units(units: int, tariff: Tariff) -> int:
    """Rounded half up to a whole unit; the remainder stays with the merchant."""
    share = share_units(units, tariff.basis_points)
    return min(units, max(tariff.minimum_units, share + tariff.fixed_units))


def share_units(units: int, basis_points: int) -> int:
    """A share, rounded half up to a whole unit."""
    return int(_half_up(Decimal(units) * basis_points / 10_000))


def returned_units(fee: int, policy: str, refunded: int, units: int) -> int:
    """Units of the fee given back once `refunded` of `units` are, in all. Each refund gives back
    the difference to the refunds before it, so that many small ones give back exactly what one of
    the whole would."""
    if refunded >= units:
        return 0 if policy == KEEP else fee
    return int(_half_up(Decimal(fee) * refunded / units)) if policy == PRO_RATA else 0


def check_term(term: FeeTerm, now: datetime) -> None:
    """Raises: Problem(invalid) naming the field and why."""
    tariff = term.tariff
    if term.valid_from < now:
        message = Sentence(
            "A fee cannot be changed for the past: it is {0}, and orders approved before keep "
            "their fee.",
            iso(now),
        )
        raise invalid(message, "from", "Leave it out, or name a later date.")
    if term.order_type not in (None, *ORDER_TYPES):
        raise invalid(
            Sentence("{0} is not an order type.", repr(term.order_type)),
            "type",
            "CIT, MIT or STABLE.",
        )
    if term.currency not in (None, *EXPONENTS):
        raise invalid(
            Sentence("{0} is no currency.", repr(term.currency)), "currency", "Send it like USD."
        )
    if not 0 <= tariff.basis_points <= 10_000:
        raise invalid("A fee is 0 to 100 percent.", "percent", "Write it like 2.9.")
    if tariff.refund not in REFUND_POLICIES:
        raise invalid(
            Sentence("{0} is not a refund policy.", repr(tariff.refund)),
            "refund",
            Sentence("One of {0}.", ", ".join(REFUND_POLICIES)),
        )
    for name, part in (("fixed", tariff.fixed_units), ("minimum", tariff.minimum_units)):
        if not 0 <= part <= UNITS_MAX:
            raise invalid(
                Sentence("The {0} part must be an amount of money, and not below zero.", name),
                name,
                "Write it like 0.30.",
            )
        if part and term.currency is None:
            raise invalid(
                Sentence("The {0} part is an amount of money.", name),
                "currency",
                "Name the currency that the term is for.",
            )


def _half_up(exact: Decimal) -> Decimal:
    return exact.to_integral_value(ROUND_HALF_UP)
