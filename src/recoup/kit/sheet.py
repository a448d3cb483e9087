"""A spreadsheet that is written row by row. Texts are cells of text, never formulas or links;
amounts are numbers as long as a spreadsheet keeps all their digits, else text; moments are dates by
the clock of the zone that their heading names."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final

from recoup.kernel.problem import Problem, Sentence, figure
from recoup.kit.lists.table import Kind
from recoup.kit.threads import run_stoppable

ROWS_MAX: Final = 100_000
DIGITS_MAX: Final = 15
TEXT_MAX: Final = 32_767
MOMENT: Final = "yyyy-mm-dd hh:mm:ss"
PIECE: Final = 1 << 16
_WIDTHS: Final = {
    "moment": len(MOMENT),
    "number": 14,
    "plain": 18,
}  # numbers that do not fit are shown as ####
_FIRST_YEAR: Final = 1901  # before it spreadsheets count days differently


class Sheet:
    """Rows go to the disk as they come: memory does not grow with them. Not for two threads at
    once.

    `columns`: heading and kind of each.
    """

    def __init__(self, title: str, columns: Sequence[tuple[str, Kind]], file: IO[bytes]) -> None:
        import xlsxwriter  # 6 MB, for a file now and then

        self.rows = 0
        self._kinds = [kind for _, kind in columns]
        self._book = xlsxwriter.Workbook(
            file,
            {
                "constant_memory": True,
                "strings_to_numbers": False,
                "strings_to_formulas": False,
                "strings_to_urls": False,
            },
        )
        self._page = self._book.add_worksheet(title)
        self._page.freeze_panes(1, 0)
        self._moment = self._book.add_format({"num_format": MOMENT})
        self._scales: dict[int, Any] = {}
        for column, (heading, kind) in enumerate(columns):
            self._page.set_column(column, column, max(len(heading) + 1, _WIDTHS.get(kind, 0)))
            self._page.write_string(0, column, heading)

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        """Raises: Problem(invalid) for more than ROWS_MAX in all."""
        for values in rows:
            if self.rows == ROWS_MAX:
                raise too_many()
            self.rows += 1
            for column, value in enumerate(values):
                self._write(column, value, self._kinds[column])

    def _write(self, column: int, value: Any, kind: Kind) -> None:
        if value is None:
            return
        if kind == "number" and sum(c.isdigit() for c in value) <= DIGITS_MAX:
            self._page.write_number(
                self.rows, column, Decimal(value), self._format(len(value.partition(".")[2]))
            )
        elif kind == "moment" and (moment := datetime.fromisoformat(value)).year >= _FIRST_YEAR:
            self._page.write_datetime(self.rows, column, moment.replace(tzinfo=None), self._moment)
        elif isinstance(value, int):
            self._page.write_number(self.rows, column, value)
        else:
            self._page.write_string(self.rows, column, str(value)[:TEXT_MAX])

    def _format(self, scale: int) -> Any:
        if scale not in self._scales:
            self._scales[scale] = self._book.add_format(
                {"num_format": "#,##0" + ("." + "0" * scale if scale else "")}
            )
        return self._scales[scale]

    def close(self) -> None:
        self._book.close()

    def drop(self) -> None:
        """Drops the rows of a sheet not closed, which wait in a file of their own."""
        waiting = self._page.row_data_fh
        if waiting is not None and not waiting.closed:
            waiting.close()
        if self._page.row_data_filename:
            Path(self._page.row_data_filename).unlink(missing_ok=True)


async def sheet_file(
    title: str, columns: Sequence[tuple[str, Kind]], batches: AsyncIterator[Iterable[Sequence[Any]]]
) -> AsyncIterator[bytes]:
    """A whole spreadsheet of these rows, written to the disk first, then given out a piece at a
    time.

    Raises: Problem(invalid) for more than ROWS_MAX.
    """
    file = TemporaryFile()  # noqa: SIM115 - closed when it is sent, or below
    sheet = Sheet(title, columns, file)
    try:
        async for rows in batches:
            await run_stoppable(sheet.add, rows)
        await run_stoppable(sheet.close)
    except BaseException:
        sheet.drop()
        file.close()
        raise
    return _pieces(file)


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        file.seek(0)
        while piece := file.read(PIECE):
            yield piece


def too_many() -> Problem:
    return Problem(
        "invalid",
        Sentence("This list has more than {0} rows: no XLSX file was made.", figure(ROWS_MAX)),
        cure="Export it as CSV, or narrow it.",
    )
