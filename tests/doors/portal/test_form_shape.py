"""A form is read as the class that its page says."""

from dataclasses import dataclass
from typing import Annotated

import pytest

from recoup.doors.portal.form_shape import read_shape


@dataclass(frozen=True, slots=True)
class Shape:
    name: str
    note: Annotated[str, 3]
    sure: bool
    chosen: tuple[str, ...]


def test_a_form_is_read_as_its_page_declares_it() -> None:
    form = {"name": ["a", "b"], "note": ["long"], "sure": ["yes"], "chosen": ["1", "2"], "other": ["x"]}
    assert read_shape(Shape, form) == Shape("a", "lon", sure=True, chosen=("1", "2"))


@pytest.mark.parametrize("said", ["no", "on", "", "YES"])
def test_only_yes_is_yes_and_what_was_not_sent_is_empty(said: str) -> None:
    assert read_shape(Shape, {"sure": [said]}) == Shape("", "", sure=False, chosen=())


def test_what_no_form_can_hold_is_refused() -> None:
    @dataclass(frozen=True, slots=True)
    class Wrong:
        count: int

    with pytest.raises(AssertionError, match="count"):
        read_shape(Wrong, {})
