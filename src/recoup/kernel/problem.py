"""The one error of the product, and the sentences in which it speaks. Doors turn it into their
dialect; nothing else crosses from one subject to another as an exception.

A Problem says what happened (`message`), where (`field`), what to do (`cure`), and carries `facts`
for machines; `details` among them, names and texts, are shown by each dialect as they are. It never
carries a PAN, CVV, secret or token. `verbatim`: its message is a vendor's to the letter, so that a
dialect of that vendor says the cure elsewhere.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

Part = str | int | date
"""A `Sentence` is said by its own key, a `datetime` in the reader's zone,
a `date` as the reader writes it."""


class Figure(str):
    """A number or sum in English, which is read in its reader's own writing; a name like `7.11` is
    not."""


def figure(number: int) -> Figure:
    """A whole number with its thousands apart."""
    return Figure(f"{number:,}")


class NearDay(date):
    """A day whose year goes without saying."""


_SLOT: Final = re.compile(r"\{(\w+)\}")


class Sentence(str):
    """A sentence for people that keeps what it was made of: whoever shows it in another language
    needs no search.

        Problem("invalid", Sentence("An order has at most {0} notes.", NOTES_MAX))

    It is its English text wherever a text is read. What is done to it as to a text, such as a
    slice, is a plain text. `key`: the English text with `{0}`, `{1}` … where `parts` are filled in;
    or with names in their order. Equal and hashed as its text.
    """

    __slots__ = ("key", "parts")
    key: str
    parts: tuple[Part, ...]

    def __new__(cls, key: str, *parts: object) -> "Sentence":
        """Raises: IndexError for a slot without a part."""
        held = tuple(map(_part, parts))
        slots = _slots(key, held)
        made = super().__new__(cls, _SLOT.sub(lambda slot: text_of(slots[slot[1]]), key))
        made.key, made.parts = key, held
        return made

    @property
    def slots(self) -> Mapping[str, Part]:
        """Parts by the slot that they fill."""
        return _slots(self.key, self.parts)

    def __reduce__(self) -> tuple[object, ...]:
        return Sentence, (self.key, *self.parts)


def _slots(key: str, parts: Sequence[Part]) -> dict[str, Part]:
    names = dict.fromkeys(_SLOT.findall(key))
    return {
        name: parts[int(name) if name.isdigit() else number] for number, name in enumerate(names)
    }


def shaped(key: str, **parts: Part) -> Sentence:
    """`{amount} refunded`: of the parts those that it names."""
    return Sentence(key, *(parts[name] for name in dict.fromkeys(_SLOT.findall(key))))


def _part(value: object) -> Part:
    """Whatever else is filled in is its text."""
    if isinstance(value, Sentence | date) or type(value) in (str, int, Figure):
        return value  # type: ignore[return-value]
    return format(value)


def text_of(part: Part) -> str:
    """Text of a part, in English and UTC."""
    if isinstance(part, datetime):
        return noted(part)
    if isinstance(part, date):
        return f"{part:%-d %b}" if isinstance(part, NearDay) else f"{part:%-d %b %Y}"
    return str(part)


def noted(moment: datetime) -> str:
    """`2026-11-20 17:30 UTC`: nobody knows yet in which zone it is read."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def joined(parts: Iterable[Part], between: str = " ") -> Sentence:
    """Sentences one after another, or words of a list; nothing of none."""
    held = tuple(parts)
    return Sentence(between.join(f"{{{number}}}" for number in range(len(held))), *held)


def cut(text: str, most: int) -> str:
    """Cuts a text to so many characters; a sentence that is longer becomes a plain text."""
    return text if len(text) <= most else text[:most]


def changed(text: str, change: Callable[[str], str]) -> str:
    """The sentence with `change` done to each text that is filled in, or to the plain text."""
    if not isinstance(text, Sentence):
        return change(text)
    return Sentence(
        text.key, *(changed(part, change) if isinstance(part, str) else part for part in text.parts)
    )


# code -> what went wrong, in general. Each dialect maps every code to a status of its own; a test
# holds both complete.
CODES: Final[Mapping[str, str]] = {
    "too_large": "the body is larger than the endpoint accepts",
    "no_such_path": "there is no resource at this path",
    "unauthenticated": "the call has no valid credential",
    "bad_credentials": "key and secret do not match",
    "method_not_allowed": "the resource does not support this method",
    "forbidden": "the credential may not do this",
    "kind_switched_off": "this kind of order is switched off for the merchant or site",
    "blocked": "the merchant has blocked this customer or card",
    "too_many_requests": "more calls than the limit allows",
    "malformed": "the body is not the JSON that the endpoint accepts",
    "invalid": "a field is missing or invalid",
    "not_found": "the caller has no object with this id",
    "conflict": "the same key or order id was used with different content",
    "in_progress": "an earlier call for the same order is still in progress",
    "wrong_state": "the order is not in a state that allows this",
    "over_remainder": "the refund exceeds the remaining amount",
    "refund_currency": "the refund has a different currency than the order",
    "refund_items": "the items cannot be refunded as requested",
    "capture_amount": "the capture has a different amount or currency than the authorisation",
    "capture_refused": "the processor refused the capture",
    "unavailable": "the system is temporarily unavailable",
    "no_space": "there is no disk space left for a file",
    "bad_gateway": "a counterpart sent an invalid response",
    "gateway_timeout": "a counterpart did not answer in time",
    "internal": "an internal error of Recoup",
}


STAGE: Final = (
    "{stage}"  # in a message: where an order stands, which each dialect has its own word for
)


def in_words(error: BaseException) -> str:
    """Words of an error for logs and review queues. The text of other errors may quote a row or a
    body: only a Problem's own words are shown."""
    state = getattr(error, "sqlstate", None)
    where = getattr(error, "constraint_name", None)
    if isinstance(error, Problem):
        return error.message
    return " ".join(str(part) for part in (type(error).__name__, state, where) if part)


class Problem(Exception):
    """Raised by rules, flows and doors; rendered once, at the door."""

    def __init__(
        self,
        code: str,
        message: str,
        cure: str | None = None,
        *,
        field: str | None = None,
        fields: Mapping[str, list[str]] | None = None,
        retry_after_seconds: int | None = None,
        verbatim: bool = False,
        **facts: Any,
    ) -> None:
        if code not in CODES:
            raise ValueError(f"unknown problem code {code!r}")
        self._shape = message
        self.message = _at_stage(message, facts["stage"]) if "stage" in facts else message
        super().__init__(self.message)
        self.code = code
        self.field = field
        self.cure = cure
        self.fields = dict(fields) if fields else ({field: [message]} if field else {})
        self.retry_after_seconds = retry_after_seconds
        self.verbatim = verbatim
        self.facts = facts

    def __reduce__(self) -> tuple[object, ...]:
        """Pickles the problem, so that it crosses from one process to another as it is."""
        return _made_again, (type(self), self.message), self.__dict__

    def sentence(self, *, stage: str | None = None) -> str:
        """Sentence on what happened and what to do, in one line. `stage`: a dialect's word for
        where the order stands."""
        message = self.message if stage is None else _at_stage(self._shape, stage)
        return sentences(message, self.cure)


def sentences(finding: str, cure: str | None) -> str:
    """Joins what was found, ended as a sentence, and after it what to do."""
    finding = finding if finding.endswith((".", "?", "!")) else Sentence("{0}.", finding)
    return joined((finding, cure)) if cure else finding


def invalid(message: str, field: str | None, cure: str | None = None) -> Problem:
    """Problem with a field, and what to send."""
    return Problem("invalid", message, cure, field=field)


def too_large(message: str, cure: str = "Split it.") -> Problem:
    """A file beyond a limit, and how to send it within."""
    return Problem("too_large", message, cure, field="file")


def _at_stage(message: str, stage: str) -> str:
    return changed(message, lambda text: text.replace(STAGE, stage))


def _made_again(kind: type[Problem], message: str) -> Problem:
    return kind.__new__(kind, message)
