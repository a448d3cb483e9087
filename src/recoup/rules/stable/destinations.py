"""Where custodial money may be sent: `chain:address`, each chain with the form of its addresses.

The form is checked, not who is behind it. Source: contract stablecoin-api §2.7c; the chains' own address formats.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from recoup.kernel.problem import Problem, invalid


class Form(NamedTuple):
    """`example` is nobody's address."""

    pattern: re.Pattern[str]
    words: str
    example: str


# The zero address of each is nobody's: what is sent there is gone.
_EVM: Final = Form(re.compile(r"0x(?!0{40})[0-9a-fA-F]{40}"), "0x and 40 hex digits", "0x" + "00" * 18 + "dead")
_TRON: Final = Form(
    re.compile(r"T(?!9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb)[1-9A-HJ-NP-Za-km-z]{33}"),
    "T and 33 base58 characters",
    "TDemoXnotAReaLAddressXdoNotPayXQw8",
)
_MOCK: Final = Form(re.compile(r"[A-Za-z0-9_-]{3,64}"), "3 to 64 letters, digits, - and _", "my-wallet")
FORMS: Final[Mapping[str, Form]] = {
    "tron": _TRON, "ethereum": _EVM, "base": _EVM, "bsc": _EVM, "polygon": _EVM, "arbitrum": _EVM, "mock": _MOCK,
}  # fmt: skip


def check_destination(text: str, chains: tuple[str, ...]) -> str:
    """`chains`: to which the channel pays out. Raises: Problem(invalid) naming destination."""
    chain, colon, address = text.partition(":")
    example = f"{chains[0]}:{FORMS[chains[0]].example}"
    if not colon or chain not in chains:
        message = "The destination is not chain:address, with a chain that this channel pays out to."
        raise _no(message, f"Chains are {', '.join(chains)}. For example: {example}.")
    form = FORMS[chain]
    if not form.pattern.fullmatch(address):
        cure = f"Send {chain}: and {form.words}, for example {chain}:{form.example}."
        raise _no(f"The destination is no address on {chain}.", cure)
    return text


def _no(message: str, cure: str) -> Problem:
    return invalid(message, "destination", cure)
