"""Rows of fee_terms as a statement joins them, as JSON."""

from datetime import datetime
from uuid import UUID

from recoup.db.statement import Row
from recoup.db.table import listed
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
        tariff = Tariff(
            self.basis_points, self.fixed_units, self.minimum_units, self.refund, self.term_id
        )
        return FeeTerm(
            self.term_id,
            self.valid_from,
            tariff,
            self.site_id,
            self.order_type,
            self.currency,
            self.ended,
        )


def fee_terms_of(rows: object) -> tuple[FeeTerm, ...]:
    """Rows of fee_terms as JSON; None: there are none."""
    return tuple(row.term for row in listed(rows, StoredFeeTerm))
