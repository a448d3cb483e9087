"""The date on a card, in the forms that people type it in."""

from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.networks.expiry import read_expiry

SEPTEMBER = (
    "0931",
    "09/31",
    "09-31",
    "09 31",
    "09.31",
    "092031",
    "9/31",
    "931",
    "09 / 31",
    "09/2031",
    "9-2031",
    "92031",
    " 09/31 ",
    "09\u201331",
    "\uff10\uff19\uff13\uff11",
    "\uff10\uff19\uff0f\uff13\uff11",
)


@each("text", SEPTEMBER)
def test_every_form_of_an_expiry_is_read(text: str) -> None:
    assert read_expiry(text) == (9, 2031)


def test_four_digits_are_month_and_year() -> None:
    assert read_expiry("1231") == (12, 2031)
    assert read_expiry("1/31") == read_expiry("0131") == (1, 2031)


@each(
    "text",
    [
        "",
        "0",
        "09",
        "9",
        "soon",
        "131",
        "12031",
        "3109",
        "2031",
        "13/31",
        "00/31",
        "31/09",
        "12/1",
        "09/031",
        "09/31/1",
        "0931 Ana",
        "2031-09",
        "\u0660\u0669\u0663\u0661",
        "\u00b29/31",
        "9" * 5000,
        "09/31" + " " * 5000,
    ],
)
def test_what_is_no_date_of_a_card_or_may_be_two_is_not_guessed(text: str) -> None:
    assert read_expiry(text) is None


@given(
    st.integers(1, 12),
    st.integers(0, 99),
    st.sampled_from(["", "/", "-", " ", ".", " / "]),
    st.booleans(),
)
def test_what_is_printed_on_a_card_is_read_as_it_stands(
    month: int, year: int, mark: str, whole: bool
) -> None:
    assert read_expiry(f"{month:02d}{mark}{year + 2000 if whole else f'{year:02d}'}") == (
        month,
        year + 2000,
    )
