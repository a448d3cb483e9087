"""The list as a spreadsheet. Texts are cells of text, never formulas or links; amounts are numbers as long as a
spreadsheet keeps all their digits, else text."""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from tempfile import TemporaryFile
from typing import Any, Final

import xlsxwriter

from recoup.doors.portal.orders.cells import Cell
from recoup.rules.money.cells import Number
from recoup.store.read.orders import OrderRow

ROWS_MAX: Final = 100_000
DIGITS_MAX: Final = 15
TEXT_MAX: Final = 32_767
PIECE: Final = 256 * 1024


class Sheet:
    """Rows go to the disk as they come: memory does not grow with them. Not for two threads at once."""

    def __init__(self, chosen: Sequence[Cell]) -> None:
        self.rows = 0
        self._chosen = chosen
        self._file = TemporaryFile()  # noqa: SIM115 - closed by `parts` or `drop`
        self._book = xlsxwriter.Workbook(self._file, {
            "constant_memory": True, "strings_to_numbers": False, "strings_to_formulas": False,
            "strings_to_urls": False,
        })  # fmt: skip
        self._page = self._book.add_worksheet("Orders")
        self._page.freeze_panes(1, 0)
        self._scales: dict[int, Any] = {}
        for column, cell in enumerate(chosen):
            self._page.write_string(0, column, cell.heading)

    def add(self, rows: Sequence[OrderRow]) -> None:
        for row in rows:
            self.rows += 1
            for column, cell in enumerate(self._chosen):
                self._write(column, cell.value(row))

    def _write(self, column: int, value: Any) -> None:
        if value is None:
            return
        if isinstance(value, Number) and sum(c.isdigit() for c in value) <= DIGITS_MAX:
            self._page.write_number(self.rows, column, Decimal(value), self._format(len(value.partition(".")[2])))
        elif isinstance(value, int):
            self._page.write_number(self.rows, column, value)
        else:
            self._page.write_string(self.rows, column, str(value)[:TEXT_MAX])

    def _format(self, scale: int) -> Any:
        if scale not in self._scales:
            self._scales[scale] = self._book.add_format({"num_format": "#,##0" + ("." + "0" * scale if scale else "")})
        return self._scales[scale]

    def close(self) -> None:
        self._book.close()

    def drop(self) -> None:
        self._file.close()

    async def parts(self) -> AsyncIterator[bytes]:
        """Of a closed sheet, once."""
        with self._file:
            self._file.seek(0)
            while piece := self._file.read(PIECE):
                yield piece
