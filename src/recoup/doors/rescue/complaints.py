"""All that is wrong with a body, each field named as the contract does: `Transaction.Id`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from recoup.kernel.problem import Problem

COMPLAINTS_MAX: Final = 100  # fields that are complained about


class Complaints:
    """The first complaint of a field stands alone, as in the vendor's answers; of many fields nobody reads all."""

    __slots__ = ("_hints", "errors")

    def __init__(self) -> None:
        self.errors: dict[str, list[str]] = {}
        self._hints: dict[str, str] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.errors

    def __bool__(self) -> bool:
        return bool(self.errors)

    def add(self, name: str, what: str = "", *, text: str | None = None, hint: str | None = None) -> None:
        """`name`: with its path. `text`: the whole sentence, in place of one made of the field and `what`.
        `hint`: what to do, where the sentence is the vendor's and may not say it."""
        if name in self.errors or len(self.errors) >= COMPLAINTS_MAX:
            return
        self.errors[name] = [text or f"The field {name.rpartition('.')[2]} {what}."]
        if hint is not None:
            self._hints[name] = hint

    def missing(self, name: str, text: str | None = None) -> None:
        self.add(name, text=text or f"The {name.rpartition('.')[2]} field is required.")

    def forget(self, name: str) -> None:
        """What was wrong with a field does not count after all."""
        self.errors.pop(name, None)
        self._hints.pop(name, None)

    def raise_if_any(self) -> None:
        """Ends the reading: all complaints at once. Raises: Problem(invalid)."""
        if self.errors:
            first = next(iter(self.errors.values()))[0]
            raise Problem("invalid", first, fields=self.errors, hints=self._hints)


def pascal(field: str) -> str:
    """As this dialect names a field: `credit_card` and `creditCard` are `CreditCard`."""
    return "".join(word[:1].upper() + word[1:] for word in field.split("_"))


@contextmanager
def named_as_here() -> Iterator[None]:
    """Refusals of a flow that other doors share name a field as this dialect does."""
    try:
        yield
    except Problem as problem:
        problem.fields = {pascal(name): texts for name, texts in problem.fields.items()}
        raise
