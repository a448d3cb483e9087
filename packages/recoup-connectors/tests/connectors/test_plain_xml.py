"""XML from outside is elements and text, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup_connectors.plain_xml import DEPTH_MAX, ELEMENTS_MAX, NotPlainError, read_xml


def test_elements_text_and_attributes() -> None:
    root = read_xml(b"<a> <b x='1'>one &amp; two</b><b>2</b><c><d>3</d></c></a>")
    assert [one.text for one in root.of("b")] == ["one & two", "2"]
    assert (root.text_at("c", "d"), root.text_at("c", "e"), root.at("b") is root.children[0]) == (
        "3",
        "",
        True,
    )
    assert root.children[0].attributes == {"x": "1"}


BAD = {
    "entity": b'<!DOCTYPE a [<!ENTITY b "x">]><a>&b;</a>',
    "laughs": b'<!DOCTYPE a [<!ENTITY b "xxxx"><!ENTITY c "&b;&b;">]><a>&c;</a>',
    "file": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "external type": b'<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd"><a/>',
    "unknown entity": b"<a>&b;</a>",
    "deep": b"<a>" * (DEPTH_MAX + 2),
    "many": b"<a>" + b"<b/>" * (ELEMENTS_MAX + 1) + b"</a>",
    "open": b"<a>",
    "two": b"<a/><b/>",
    "none": b"",
    "html": b"<html><br></html>",
    "encoding": b'<?xml version="1.0" encoding="no-such"?><a/>',
}


@each("name", BAD)
def test_what_is_more_is_refused(name: str) -> None:
    with pytest.raises(NotPlainError):
        read_xml(BAD[name])


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        read_xml(body)
    except NotPlainError:
        pass
