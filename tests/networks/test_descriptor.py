"""What a statement shows of a descriptor, scheme by scheme."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.networks.descriptor import (
    LENGTH_ELSEWHERE,
    LENGTHS,
    PREFIX_LENGTHS,
    check_descriptor,
    statement_text,
)


@each(
    ("text", "scheme", "shown"),
    [
        ("MERCHANTSHOP", "visa", "MERCHANTSHOP"),
        ("SQ*COFFEE", "visa", "SQ *COFFEE"),
        ("DEMO*COFFEE", "visa", "DEMO   *COFFEE"),
        ("DEMO*COFFEE", "mastercard", "DEMO   *COFFEE"),
        ("DEMO*COFFEE", "amex", "DEMO*COFFEE"),
        ("Brightleaf*Tea and coffee", "visa", "BRIGHTLEAF  *TEA AND COFF"),
        ("Brightleaf*Tea and coffee", "mastercard", "BRIGHTLEAF  *TEA AND C"),
        ("A" * 30, "amex", "A" * 20),
        ("Schöne <Schuhe>", "visa", "SCHNE SCHUHE"),
        ("*NAME", "visa", "NAME"),
        ("A*B*C", "generic", "A*B C"),
        ("", "visa", ""),
    ],
)
def test_shown_by_scheme(text: str, scheme: str, shown: str) -> None:
    assert statement_text(text, scheme) == shown


@given(st.text(max_size=64), st.sampled_from([*LENGTHS, "discover", "generic"]))
def test_every_text_becomes_a_lawful_one(text: str, scheme: str) -> None:
    shown = statement_text(text, scheme)
    assert len(shown) <= LENGTHS.get(scheme, LENGTH_ELSEWHERE)
    assert shown == shown.upper().rstrip()
    assert shown.isascii()
    assert not set(shown) & set("<>\\'\"")
    if (
        "*" in shown
        and scheme in ("visa", "mastercard")
        and not shown.startswith("*")
        and not shown.endswith("*")
    ):
        assert shown.index("*") in PREFIX_LENGTHS
    assert statement_text(shown, scheme) == shown


@each("text", ["SHOP*", "*SHOP", "A*B*C D", "THIRTEENCHARS*SHOP", "ABCD", "12345", "SHOE<S"])
def test_what_no_scheme_takes_is_refused(text: str) -> None:
    with pytest.raises(Problem) as told:
        check_descriptor(text)
    assert told.value.field == "Descriptor"
