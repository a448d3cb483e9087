"""A call's JSON, read strictly: what gets through can be stored, compared and written again."""

import asyncio
import re
from typing import Any, Final

import msgspec

from recoup.kernel.problem import Problem
from recoup.kit.edge.asgi import ClientGone, Receive, Scope, header

DEPTH_MAX: Final = 32
MEMBERS_MAX: Final = 500
VALUES_MAX: Final = 100_000  # and names, in all
NAME_CHARS_MAX: Final = 128
TEXT_CHARS_MAX: Final = 65_536  # of one value, unless the call takes a file
INTEGER_MAX: Final = (1 << 63) - 1
READ_SECONDS_MAX: Final = 15.0
_JSON_TYPE: Final = re.compile(rb"(?:application/(?:[a-z0-9!#$&^_.+*-]+\+)?|text/)json", re.ASCII)
_ZEROS: Final = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER: Final = b"0" * 19
_BOM: Final = b"\xef\xbb\xbf"

_decode: Final = msgspec.json.Decoder().decode


async def read_json(
    scope: Scope, receive: Receive, chars_max: int = TEXT_CHARS_MAX
) -> tuple[Any, bytes]:
    """The JSON of a call, its content type checked, and the body as it came. `chars_max`: of each
    text in it. Raises: Problem(malformed); ClientGone."""
    check_content_type(header(scope, b"content-type"))
    content = await read_body(receive)
    return decode_json(content, chars_max=chars_max), content


async def read_body(receive: Receive, seconds_max: float = READ_SECONDS_MAX) -> bytes:
    """The whole body; its size is held by `Incoming`. Raises: Problem(malformed) when it does not
    arrive in time; ClientGone."""
    whole = getattr(receive, "whole", None)
    if whole is not None and (body := whole()) is not None:
        return bytes(body)
    chunks = []
    try:
        async with asyncio.timeout(seconds_max):
            while (message := await receive())["type"] == "http.request":
                chunks.append(message.get("body", b""))
                if not message.get("more_body", False):
                    return b"".join(chunks)
    except TimeoutError:
        raise Problem(
            "malformed", "The body did not arrive in time.", cure="Send it at once."
        ) from None
    raise ClientGone


def check_content_type(value: bytes | None) -> None:
    """Missing is read as JSON; `application/json`, `application/*+json` and `text/json` are taken,
    in UTF-8. Raises: Problem(malformed). Source: contract §17.1."""
    if not value:
        return
    kind, _, parameters = value.lower().partition(b";")
    charset = parameters.partition(b"charset=")[2].partition(b";")[0].strip(b' \t"')
    if not _JSON_TYPE.fullmatch(kind.strip()) or charset not in (
        b"",
        b"utf-8",
        b"utf8",
        b"us-ascii",
    ):
        message = "The content type is not JSON in UTF-8."
        raise Problem(
            "malformed", message, field="content-type", cure="Send content-type: application/json."
        )


def decode_json(body: bytes, what: str = "body", chars_max: int = TEXT_CHARS_MAX) -> Any:
    """Plain values. Of a key that comes twice the last one counts. `what` it is, in complaints.

    Raises: Problem(malformed) for what is no JSON in UTF-8, and for NUL characters, lone
    surrogates, integers beyond 64 bits and deep nesting, which other programs store or read in
    different ways; for an object of more than `MEMBERS_MAX` members, for more than `VALUES_MAX`
    values, and for a name or text that is longer than any reader here has use for.
    """
    try:
        value = _decode(body.removeprefix(_BOM))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _malformed(f"The {what} is not JSON.") from None
    # Cheap looks at the bytes; only a body that could offend is walked.
    if (
        b"\\u0000" in body
        or _LONG_NUMBER in body.translate(_ZEROS)
        or body.count(b"[") + body.count(b"{") > DEPTH_MAX
        or body.count(b":") > MEMBERS_MAX
        or body.count(b",") > VALUES_MAX
        or b'\\"' in body
        or max(map(len, body.split(b'"'))) > NAME_CHARS_MAX
    ):
        _check_values(value, what, chars_max)
    return value


def _check_values(value: Any, what: str, chars_max: int) -> None:
    level, depth, seen = [value], 0, 0
    while level:
        depth += 1
        seen += len(level)
        if seen > VALUES_MAX:
            raise _malformed(f"The {what} has more than {VALUES_MAX:,} values.")
        below: list[Any] = []
        for part in level:
            if isinstance(part, str) and len(part) > chars_max:
                raise _malformed(f"The {what} has a text of more than {chars_max:,} characters.")
            if isinstance(part, str) and "\x00" in part:
                raise _malformed(f"The {what} has a NUL character.")
            if isinstance(part, int) and not -INTEGER_MAX <= part <= INTEGER_MAX:
                raise _malformed(f"The {what} has a number beyond 64 bits.")
            if isinstance(part, dict | list) and depth > DEPTH_MAX:
                raise _malformed(f"The {what} is nested deeper than {DEPTH_MAX} levels.")
            if isinstance(part, dict):
                if len(part) > MEMBERS_MAX:
                    raise _malformed(f"An object of the body has more than {MEMBERS_MAX} members.")
                if max(map(len, part), default=0) > NAME_CHARS_MAX:
                    raise _malformed(
                        f"The {what} has a name of more than {NAME_CHARS_MAX} characters."
                    )
                below.extend(part)
                below.extend(part.values())
            elif isinstance(part, list):
                below.extend(part)
        level = below


def _malformed(message: str) -> Problem:
    return Problem("malformed", message, cure="Send one JSON object in UTF-8.")
