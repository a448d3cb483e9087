"""No text of ours begins a cell that a spreadsheet runs."""

import csv
import io

from tests.rings import each

from recoup.desk.store.columns import cells_of
from recoup.kit.files.cells import Number, csv_row
from recoup.kit.lists.table import Table

STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"]


@each("start", STARTS)
def test_a_text_that_begins_like_a_formula_gets_an_apostrophe(start: str) -> None:
    assert next(csv.reader(io.StringIO(csv_row([start + "1"]), newline=""))) == ["'" + start + "1"]


@each("start", STARTS)
def test_so_does_one_in_a_list_of_orders(start: str) -> None:
    body = Table(cells_of(("external",), "GMT")).body("csv", [(start + "1",)], first=True).decode()
    assert next(csv.reader(io.StringIO(body, newline=""))) == ["'" + start + "1"]


def test_a_number_stays_what_it_is() -> None:
    assert csv_row([-5, Number("-4.50")]) == "-5,-4.50\r\n"
