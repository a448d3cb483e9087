"""What an export is of: fixed at the request, whatever the clock says when it is made."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import msgspec

from recoup.kernel.encode import to_plain
from recoup.rules.lists.cells import cells
from recoup.rules.lists.table import Table
from recoup.rules.merchants.personal import SHOWN
from recoup.store.lists.order_cursor import OrderBy
from recoup.store.lists.order_filter import OrderFilter


@dataclass(frozen=True, slots=True)
class ExportQuery:
    """The list: its filters, order, columns and zone."""

    filter: OrderFilter
    by: OrderBy
    newest_first: bool
    columns: tuple[str, ...]
    zone: str

    def table(self) -> Table:
        return Table(cells(self.columns, self.zone, masked=self.filter.sight != SHOWN))

    def kept(self) -> Any:
        """As plain values."""
        return to_plain(self)


def wanted_of(kept: Any, merchant_id: UUID) -> ExportQuery:
    """Whatever it says, of this merchant's orders only."""
    found = msgspec.convert(kept, ExportQuery, strict=False)
    return replace(found, filter=replace(found.filter, merchant_id=merchant_id))
