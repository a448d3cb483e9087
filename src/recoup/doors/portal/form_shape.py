"""What a form holds, as a class: a page says it once, and its function gets it read.

A field takes the first value of its name: text, empty where it was not sent; or whether it says "yes", as boxes that
are ticked do. `Annotated[str, 300]` cuts what is longer. A tuple takes all values.
"""

from dataclasses import fields
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from recoup.doors.portal.forms import Form, first

F = TypeVar("F")


def read_shape(shape: type[F], form: Form) -> F:
    """The form as `shape`, a dataclass whose fields are named as the form's."""
    hints = get_type_hints(shape, include_extras=True)
    known: Any = shape
    return shape(**{field.name: _value(form, field.name, hints[field.name]) for field in fields(known)})


def _value(form: Form, name: str, hint: Any) -> str | bool | tuple[str, ...]:
    if hint is bool:
        return first(form, name) == "yes"
    if get_origin(hint) is tuple:
        return tuple(form.get(name, ()))
    if get_origin(hint) is Annotated:
        hint, length = get_args(hint)
        return first(form, name)[:length]
    assert hint is str, name
    return first(form, name)
