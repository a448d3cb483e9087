"""Forms as they come: their fields, and whether a page of ours sent them."""

import asyncio
from collections.abc import Iterable, Mapping
from copy import copy
from typing import Final
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import FormData, UploadFile
from starlette.requests import ClientDisconnect, Request

from recoup.kernel.problem import Problem
from recoup.networks.card_guard import check_texts

FORM_BYTES_MAX: Final = 65_536
FORM_SECONDS_MAX: Final = 15.0
NAME_MAX: Final = 128  # characters of a field's name
NO_KEY: Final = Problem("invalid", "This form has no key.", "Reload the page and send it again.")
Form = dict[str, list[str]]
_NOT_OURS: Final = Problem(
    "malformed", "This form does not belong to this page.", "Use the portal's own page."
)
_SECRETS: Final = frozenset({"csrf", "password", "new", "code"})  # kept as hashes, if at all
_ACCOUNTS: Final = frozenset(
    {"account", "iban"}
)  # of banks: long numbers, refused when they are grouped like a card


async def read_body(request: Request) -> bytes:
    """The whole of a posted form. Read before it is looked at who sends it: else somebody who is
    let go, or signed out, could hold a form open until then, and finish it afterwards. Other bodies
    are empty.

    Raises: Problem(too_large); Problem(malformed) for one that stops coming.
    """
    if not is_form(request) or request.method != "POST":
        return b""
    known: bytes | None = getattr(request.state, "form", None)
    if known is not None:
        return known
    body = b""
    try:
        async with asyncio.timeout(FORM_SECONDS_MAX):
            async for chunk in request.stream():
                body += chunk
                if len(body) > FORM_BYTES_MAX:
                    raise Problem("too_large", "This form is too large.", "Shorten your entries.")
    except (TimeoutError, ClientDisconnect):
        raise Problem(
            "malformed", "The form arrived incomplete; nothing was done.", "Send it again."
        ) from None
    request.state.form = body
    return body


async def read_form(request: Request) -> Form:
    """The fields of a posted form. Raises: Problem(too_large); Problem(malformed) for what is no
    form of ours."""
    if not is_form(request):
        raise copy(_NOT_OURS)
    body = await read_body(request)
    try:
        form = fields_of(body.decode("utf-8", "replace"))
    except ValueError:
        raise Problem(
            "malformed", "This form has too many fields.", "Reload the page and send it again."
        ) from None
    no_cards(form)
    return form


def fields_of(text: str) -> Form:
    """The fields of a posted form, or of an address. Raises: ValueError for more than 500."""
    form = parse_qs(text, keep_blank_values=True, max_num_fields=500)
    # No browser sends a NUL and no database takes it.
    return {name: [value.replace("\0", "") for value in values] for name, values in form.items()}


def no_cards(form: Mapping[str, Iterable[str]]) -> None:
    """Raises: Problem(invalid) naming the field that holds a card number, which no form of the
    portal asks for, or with which the form has more digits than are looked through;
    Problem(malformed) for a name that no field of ours has."""
    if max(map(len, form), default=0) > NAME_MAX:
        raise copy(_NOT_OURS)
    check_texts(
        (name, value, name in _ACCOUNTS)
        for name, values in form.items()
        if name not in _SECRETS
        for value in values
    )


def is_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    return kind == "application/x-www-form-urlencoded"


def same_origin(request: Request) -> None:
    """Raises: Problem(forbidden) for a form that another site sent."""
    origin = request.headers.get("origin", "null")
    foreign = origin != "null" and _netloc(origin) != request.headers.get("host", "")
    if foreign or request.headers.get("sec-fetch-site") == "cross-site":
        raise Problem(
            "forbidden",
            "This form came from another site; nothing was done.",
            "Use the portal's own page.",
        )


def _netloc(origin: str) -> str | None:
    """The host and port of an origin; None for what is no address."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def parts_of(form: FormData) -> dict[str, list[str | UploadFile]]:
    """Its texts, as other forms have them, and its file."""
    return {
        name: [
            given if isinstance(given, UploadFile) else given.replace("\0", "")
            for given in form.getlist(name)
        ]
        for name in form
    }
