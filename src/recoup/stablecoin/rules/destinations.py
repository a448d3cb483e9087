"""Destinations of custodial money: `chain:address`, each chain with the form of its addresses.

Form and checksum are checked, not who is behind it. Source: contract stablecoin-api §2.7c; the
chains' own address formats.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from recoup.kernel.problem import Problem, invalid
from recoup.stablecoin.rules.addresses import Kind, read_address


class Form(NamedTuple):
    """`example` is nobody's address. `kind`: of a chain's; None: a name of the mock channel."""

    kind: Kind | None
    words: str
    example: str


_EVM: Final = Form(
    "evm",
    "0x and 40 hex digits, with the capitals of its checksum",
    "0x000000000000000000000000000000000000dEaD",
)
_TRON: Final = Form(
    "tron", "T and 33 base58 characters, checksum included", "T9yD14Nj9j7xAB4dbGeiX9h8upfCg3PBbY"
)
_MOCK: Final = Form(None, "3 to 64 letters, digits, - and _", "my-wallet")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{3,64}")
FORMS: Final[Mapping[str, Form]] = {
    "tron": _TRON, "ethereum": _EVM, "base": _EVM, "bsc": _EVM, "polygon": _EVM, "arbitrum": _EVM,
    "mock": _MOCK,
}  # fmt: skip


def check_destination(text: str, chains: tuple[str, ...]) -> str:
    """`chains`: to which the channel pays out. Raises: Problem(invalid) naming destination."""
    chain, colon, address = text.partition(":")
    example = f"{chains[0]}:{FORMS[chains[0]].example}"
    if not colon or chain not in chains:
        raise _no(
            "The destination is not chain:address, with a chain that this channel pays out to.",
            f"Chains are {', '.join(chains)}. For example: {example}.",
        )
    form = FORMS[chain]
    cure = f"Send {chain}: and {form.words}, for example {chain}:{form.example}."
    if form.kind is not None:
        try:
            read_address(address, form.kind, "destination", one_case=True)
        except Problem as problem:
            raise _no(
                f"The destination is no address on {chain}. {problem.message}", cure
            ) from None
    elif not _NAME.fullmatch(address):
        raise _no(f"The destination is no address on {chain}.", cure)
    return text


def _no(message: str, cure: str) -> Problem:
    return invalid(message, "destination", cure)
