"""A decline code and whose it is: the same digits mean different things from different owners."""

from typing import Final, NamedTuple

from recoup.kernel.counterpart_text import CODE_MAX, kept

NETWORK: Final = "network"  # field 39
OURS: Final = "recoup"  # said in a processor's place
TEXT: Final = "text"  # a phrase of our list that stood in a processor's sentence
ADVICE: Final = "advice_code:"  # before a code that says what a vendor advises


class DeclineCode(NamedTuple):
    """`owner`: `network`, a vendor by the name of its list, `recoup`, or empty where nobody said.
    Its text is what is stored: `stripe:stolen_card`; the network's own and ours are bare."""

    owner: str
    code: str

    def __str__(self) -> str:
        return self.code if self.owner in (NETWORK, OURS, "") else f"{self.owner}:{self.code}"


def our_code(code: str) -> DeclineCode:
    return DeclineCode(OURS, code)


def code_by(owner: str, code: str | None) -> DeclineCode | None:
    """Takes a counterpart's code of any length."""
    plain = kept(code, CODE_MAX)
    return DeclineCode(owner, plain) if plain else None


def advice_by(owner: str, code: str | None) -> DeclineCode | None:
    """Takes a vendor's advice, given beside its decline code."""
    return code_by(owner, code and ADVICE + code)
