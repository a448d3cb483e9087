"""The key of a form: made with the page and sent with it, so that a form that comes twice is one thing."""

import re
import secrets
from typing import Annotated, Final, TypeAlias
from uuid import UUID

from recoup.doors.portal.form_shape import As
from recoup.kernel.problem import Problem

_KEY: Final = re.compile(r"[0-9a-f]{32}")
NO_KEY: Final = Problem("invalid", "This form has no key.", cure="Reload the page and send it again.")


def fresh_key() -> str:
    return secrets.token_hex(16)


def is_key(text: str) -> bool:
    """Whether `fresh_key` may have made it."""
    return _KEY.fullmatch(text) is not None


FormKey: TypeAlias = Annotated[str, As(lambda text: text if is_key(text) else None), NO_KEY]
FormKeyId: TypeAlias = Annotated[UUID, NO_KEY]  # an id, whose time is when the page was made


def request_key(key: str) -> str:
    """As flows know it, apart from the keys of the API's callers."""
    return f"portal-{key}"
