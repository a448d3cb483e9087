"""The key of a form: made with the page and sent with it, so that a form that comes twice is one thing."""

import re
import secrets
from typing import Final
from uuid import UUID

from recoup.doors.portal.forms import Form, first
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem

_KEY: Final = re.compile(r"[0-9a-f]{32}")


def fresh_key() -> str:
    return secrets.token_hex(16)


def is_key(text: str) -> bool:
    """Whether `fresh_key` may have made it."""
    return _KEY.fullmatch(text) is not None


def key_of(form: Form) -> str:
    """Raises: Problem(invalid)."""
    key = first(form, "key")
    if not is_key(key):
        raise _without()
    return key


def key_id_of(form: Form) -> UUID:
    """Where the key is an id, whose time is when the page was made. Raises: Problem(invalid)."""
    return key_id(first(form, "key"))


def key_id(text: str) -> UUID:
    """As `key_id_of`, of the field alone."""
    key = parse_id(text)
    if key is None:
        raise _without()
    return key


def request_key(key: str) -> str:
    """As flows know it, apart from the keys of the API's callers."""
    return f"portal-{key}"


def _without() -> Problem:
    return Problem("invalid", "This form has no key.", cure="Reload the page and send it again.")
