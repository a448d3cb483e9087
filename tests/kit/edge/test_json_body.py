"""JSON is read strictly; what is refused is refused with words, never with a crash."""

import asyncio
import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kit.edge.asgi_client import request, scope_of
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.kit.edge.asgi import ClientGone, Message
from recoup.kit.edge.incoming import BODY_BYTES_MAX
from recoup.kit.edge.json_body import check_content_type, decode_json, read_body, read_json
from recoup.main.docs import dialects


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


@pytest.mark.parametrize("name", ["n" * 129, '\\"' * 129, "\\u0041" * 129, "é" * 129])
def test_a_name_that_no_field_has_is_refused_by_its_length(name: str) -> None:
    for body in (f'{{"{name}": 1}}', f'{{"a": [{{"{name}": {{}}}}]}}'):
        with pytest.raises(Problem, match="a name of more than 128 characters"):
            decode_json(body.encode())


def test_a_text_is_as_long_as_its_call_takes() -> None:
    body = json.dumps({"a": ["x" * 65_536]}).encode()
    assert decode_json(body) == {"a": ["x" * 65_536]}
    with pytest.raises(Problem, match="a text of more than 65,535 characters"):
        decode_json(body, chars_max=65_535)
    with pytest.raises(Problem, match="a text of more than 65,536 characters"):
        decode_json(json.dumps("\\" + "x" * 65_536).encode())


def test_calls_that_take_a_file_take_all_of_it() -> None:
    files = [
        one
        for dialect in dialects()
        for one in dialect.operations
        if one.body and _holds_bytes(one.body)
    ]
    assert len(files) == 2
    assert {one.chars_max for one in files} == {BODY_BYTES_MAX}


def _holds_bytes(body: type[msgspec.Struct]) -> bool:
    return any(bytes in get_args(one.type) for one in msgspec.structs.fields(body))
