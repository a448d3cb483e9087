"""JSON is read strictly; what is refused is refused with words, never with a crash."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.doors.edge.asgi_client import request, scope_of
from tests.rings import each

from recoup.doors.edge.asgi import ClientGone, Message
from recoup.doors.edge.json_body import check_content_type, decode_json, read_body, read_json
from recoup.kernel.problem import Problem


@each(
    "body",
    [
        b"",
        b"{",
        b"{} {}",
        b"NaN",
        b"[1,]",
        b"{'a':1}",
        b"\xff\xfe{\x00}\x00",
        b'"\xff"',
        b'"\xc0\x80"',
        b'"\xed\xa0\x80"',
        b'"a\x00b"',
        rb'"a\u0000b"',
        rb'{"a\u0000b": 1}',
        rb'{"a": [{"b": "\u0000"}]}',
        rb'"\ud800"',
        rb'"\udc00x"',
        rb'"\ud800\u0041"',
        rb'{"\udfff": 1}',
        b"9223372036854775808",
        b"[-9223372036854775808]",
        b"9" * 5000,
        b"-" + b"9" * 5000,
        b"1e400",
        b"[" * 33 + b"]" * 33,
        b'{"a":' * 33 + b"1" + b"}" * 33,
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ],
)
def test_refused(body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        decode_json(body)
    assert caught.value.code == "malformed"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@each(
    ("body", "value"),
    [
        (b"{}", {}),
        (b"null", None),
        (b"\xef\xbb\xbf{}", {}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b"9223372036854775807", 9223372036854775807),
        (b'"9999999999999999999999"', "9999999999999999999999"),
        (rb'"\\u0000"', "\\u0000"),
        (rb'"\ud83d\ude00"', "😀"),
        (b"[" * 32 + b"]" * 32, None),
        (b"[" + b"{}," * 5000 + b"{}]", [{}] * 5001),
        (b'"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["', "[" * 40),
    ],
)
def test_taken(body: bytes, value: Any) -> None:
    found = decode_json(body)
    assert value is None or found == value


@given(st.binary(max_size=200))
def test_any_bytes_get_a_value_or_a_problem(body: bytes) -> None:
    try:
        decode_json(body)
    except Problem as problem:
        assert problem.code == "malformed"  # noqa: PT017


@each(
    "value",
    [
        None,
        b"",
        b"application/json",
        b"Application/JSON; Charset=UTF-8",
        b'application/json;charset="utf-8"',
        b"application/*+json",
        b"text/json",
        b"Text/JSON; charset=utf-8",
        b"application/problem+json",
        b"application/vnd.api+json ; x=y",
    ],
)
def test_json_content_types(value: bytes | None) -> None:
    check_content_type(value)


@each(
    "value",
    [
        b"text/plain",
        b"application/x-www-form-urlencoded",
        b"multipart/form-data; boundary=x",
        b"application/xml",
        b"application/jsonx",
        b"application/json, text/plain",
        b"application/json; charset=utf-16",
        b"json",
        b"\xff",
    ],
)
def test_other_content_types(value: bytes) -> None:
    with pytest.raises(Problem) as caught:
        check_content_type(value)
    assert caught.value.code == "malformed"


def read(messages: list[Message], headers: list[tuple[bytes, bytes]] | None = None) -> Any:
    async def receive() -> Message:
        return messages.pop(0)

    return asyncio.run(read_json(scope_of(headers=headers), receive))[0]


def test_a_body_comes_in_chunks() -> None:
    assert read(request(b'{"a"', b":", b"1}", b"")) == {"a": 1}
    with pytest.raises(Problem):
        read(request(b"{}"), [(b"content-type", b"text/plain")])
    for left in ([], request(b"{", b"")[:1]):
        with pytest.raises(ClientGone):
            read([*left, {"type": "http.disconnect"}])


def test_a_body_that_never_ends_is_given_up() -> None:
    async def receive() -> Message:
        await asyncio.sleep(60)
        raise AssertionError

    with pytest.raises(Problem, match="in time"):
        asyncio.run(read_body(receive, 0.05))
