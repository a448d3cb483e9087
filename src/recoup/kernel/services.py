"""The services of a door, each made when something first asks for it: a page draws in those that it
uses."""

from typing import Any, Final, TypeVar, cast, get_type_hints

T = TypeVar("T")


class Services:
    """Services of a door, one set each. What a service is made with is found by the types of its
    arguments: other services, or what was given."""

    def __init__(self, *given: object) -> None:
        self.given: Final = given
        self._made: dict[type, object] = {
            kind: service for service in given for kind in type(service).__mro__[:-1]
        }

    def get(self, kind: type[T]) -> T:
        made = self._made.get(kind)
        if made is None:
            made = self._made[kind] = kind(**{name: self.get(hint) for name, hint in _needs(kind)})
        return cast(T, made)


def _needs(kind: type[Any]) -> list[tuple[str, type[Any]]]:
    """The arguments without a default."""
    code, hints = kind.__init__, get_type_hints(kind.__init__)
    names = code.__code__.co_varnames[1 : code.__code__.co_argcount - len(code.__defaults__ or ())]
    return [(name, hints[name]) for name in names]
