"""Rows of fee_terms as a statement joins them, as JSON."""

from datetime import datetime
from uuid import UUID

from recoup.db.statement import Row
from recoup.db.table import listed
from recoup.kernel.filled import filled
from recoup.terms.rules.fees import FeeTerm, Tariff


class StoredFeeTerm(Row):
    """A stored fee term; None: every site, order type or currency. `valid_from` is business
    time."""

    term_id: UUID
    valid_from: datetime
    basis_points: int
    fixed_units: int
    minimum_units: int
    refund: str
    site_id: UUID | None
    order_type: str | None
    currency: str | None
    ended: bool

    @property
    def term(self) -> FeeTerm:
        return filled(FeeTerm, self, tariff=filled(Tariff, self))


def stored_fee_term(term: FeeTerm) -> StoredFeeTerm:
    tariff = term.tariff._replace(term_id=term.term_id)
    return filled(StoredFeeTerm, term, **tariff._asdict())


def fee_terms_of(rows: object) -> tuple[FeeTerm, ...]:
    """Rows of fee_terms as JSON; None: there are none."""
    return tuple(row.term for row in listed(rows, StoredFeeTerm))
