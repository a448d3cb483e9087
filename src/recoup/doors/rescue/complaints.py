"""All that is wrong with a body, each field named as the contract does: `Transaction.Id`."""

from typing import Final

from recoup.kernel.problem import Problem

COMPLAINTS_MAX: Final = 100  # fields that are complained about
DATE_CURE: Final = "Send an ISO 8601 date and time like 2026-03-23T00:00:00Z."
_NO_DATE: Final = " is invalid."


class Complaints:
    """The first complaint of a field stands alone, as in the vendor's answers; of many fields nobody reads all."""

    __slots__ = ("errors",)

    def __init__(self) -> None:
        self.errors: dict[str, list[str]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.errors

    def __bool__(self) -> bool:
        return bool(self.errors)

    def add(self, name: str, what: str = "is invalid", *, text: str | None = None) -> None:
        """`name`: with its path. `text`: the whole sentence, in place of one about the field that `what` is said of."""
        if name not in self.errors and len(self.errors) >= COMPLAINTS_MAX:
            return
        self.errors.setdefault(name, [text or f"The field {name.rpartition('.')[2]} {what}."])

    def missing(self, name: str, text: str | None = None) -> None:
        self.add(name, text=text or f"The {name.rpartition('.')[2]} field is required.")

    def forget(self, name: str) -> None:
        """What was wrong with a field does not count after all."""
        self.errors.pop(name, None)

    def raise_if_any(self) -> None:
        """Ends the reading: all complaints at once. Raises: Problem(invalid)."""
        if self.errors:
            first = next(iter(self.errors.values()))[0]
            hints = {name: DATE_CURE for name, texts in self.errors.items() if texts[0].endswith(_NO_DATE)}
            raise Problem("invalid", first, fields=self.errors, hints=hints)


def pascal(field: str) -> str:
    """As this dialect names a field: `credit_card` and `creditCard` are `CreditCard`."""
    return "".join(word[:1].upper() + word[1:] for word in field.split("_"))
