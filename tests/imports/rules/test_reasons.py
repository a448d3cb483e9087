"""Whose a code is in an export: the brand's that answered, where it has codes of its own."""

import pytest

from recoup.imports.rules.reader import Reasons, reasons_of


@pytest.mark.parametrize(
    ("brand", "own", "found"),
    [
        ("CB", "", ("cartes_bancaires", "", "82")),
        ("Cartes Bancaires", "", ("cartes_bancaires", "", "82")),
        ("Visa", "", ("", "82", "")),
        ("", "", ("", "82", "")),
        ("CB", "card_velocity_exceeded", ("stripe", "", "card_velocity_exceeded")),
    ],
)
def test_field_39_is_read_by_the_brand_that_answered(
    brand: str, own: str, found: tuple[str, str, str]
) -> None:
    source = "stripe" if own else ""
    read: Reasons = reasons_of(source, 0, "", own, "82", "", "", "", "", brand)
    assert (read.source, read.scheme_code, read.processor_code) == found
