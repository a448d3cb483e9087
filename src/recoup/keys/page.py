"""The question before a key ends at once: which key it is, when it was last used, and what will be
refused."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final, TypeAlias

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import invalid
from recoup.keys.store.merchant_keys import MerchantKey
from recoup.people.page.form_shape import As

# A day to change over comes first: an immediate end needs a confirmation.
OVERLAPS: Final = {"24": "after a day", "168": "after a week", "0": "at once"}


def hours(choices: Iterable[str]) -> As:
    """A number of hours that is one of these."""
    return As({text: timedelta(hours=int(text)) for text in choices}.get)


# How long the old keys go on, of a form that replaces several.
Overlap: TypeAlias = Annotated[
    timedelta,
    hours(OVERLAPS),
    invalid("Choose when the old keys end.", "overlap", "Reload the page."),
]
WORDS: Final = {
    "api": "API key",
    "stablecoin": "Stablecoin key",
    "tokenization": "Tokenization key",
    "partner": "Partner key",
}


@frozen
class Ending:
    """`word`: what kind of key it is; `tail`: its last four characters, empty for one that is never
    shown."""

    word: str
    tail: str
    name: str
    last_used_at: datetime | None


@frozen
class Question:
    """`fields` send the same form again. `signs`: the key signs webhooks. `makes`: a new key comes
    in its place."""

    action: str
    fields: Mapping[str, Sequence[str]]
    endings: Sequence[Ending]
    back: str
    signs: bool = False
    makes: bool = True


def endings_of(keys: Sequence[MerchantKey]) -> list[Ending]:
    return [Ending(WORDS[key.kind], key.key[-4:], key.name, key.last_used_at) for key in keys]
