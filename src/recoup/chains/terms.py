"""The terms of an order: who gets what of its deposits. Their hash is the salt of the order's
address, so they open it, and nothing else does. Source: `Deposits.sol`; EIP-1014; EIP-1167."""

import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from recoup.chains.abi import WORD, address_word, to_hex, uint_word
from recoup.kernel.cached import cached
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Sentence, invalid
from recoup.stablecoin.rules.addresses import ADDRESS, Kind, keccak256, read_address, shown

SUM_MAX: Final = (1 << 128) - 1  # the factory's totals have 128 bits each
MEMBERS: Final = ("order", "merchant", "treasury", "net", "fee")
_PREFIX: Final[Mapping[Kind, bytes]] = {"evm": b"\xff", "tron": b"\x41"}
_BEFORE: Final = bytes.fromhex("3d602d80600a3d3981f3363d3d373d3d3d363d73")
_BEHIND: Final = bytes.fromhex("5af43d82803e903d91602b57fd5bf3")
_ORDER: Final = re.compile(r"0x0{32}[0-9a-f]{32}")
_UNITS: Final = re.compile(r"0|[1-9][0-9]{0,38}")


@frozen
class Terms:
    """`net` to the merchant, then `fee` to the treasury, the rest to the merchant; base units of
    the order's token. Custodial: the merchant is the operator's custody wallet."""

    order: UUID
    merchant: bytes
    treasury: bytes
    net: int
    fee: int

    def __post_init__(self) -> None:
        if len(self.merchant) != ADDRESS or len(self.treasury) != ADDRESS:
            raise ValueError(f"an address has {ADDRESS} bytes")
        if self.net < 0 or self.fee < 0 or self.due > SUM_MAX:
            raise ValueError("amounts of terms are from 0 to 2^128 - 1")

    @property
    def due(self) -> int:
        return self.net + self.fee

    def encoded(self) -> bytes:
        """The five words of abi.encode."""
        places = address_word(self.merchant) + address_word(self.treasury)
        return order_word(self.order) + places + uint_word(self.net) + uint_word(self.fee)


def order_word(order_id: UUID) -> bytes:
    return order_id.bytes.rjust(WORD, b"\0")


def salt(terms: Terms) -> bytes:
    return keccak256(terms.encoded())


def create2(kind: Kind, deployer: bytes, salted: bytes, code_hash: bytes) -> bytes:
    """The address at which that contract puts code of this hash."""
    return keccak256(_PREFIX[kind] + deployer + salted + code_hash)[12:]


def deposit_address(kind: Kind, factory: bytes, implementation: bytes, terms: Terms) -> bytes:
    return create2(kind, factory, salt(terms), _clone_hash(implementation))


@cached(64)
def _clone_hash(implementation: bytes) -> bytes:
    return keccak256(_BEFORE + implementation + _BEHIND)


def to_json(terms: Terms, kind: Kind) -> dict[str, str]:
    """The terms as stored and in an `instruction`: amounts are text, the order is the contract's 32
    bytes."""
    return {
        "order": to_hex(order_word(terms.order)),
        "merchant": shown(terms.merchant, kind),
        "treasury": shown(terms.treasury, kind),
        "net": str(terms.net),
        "fee": str(terms.fee),
    }


def from_json(value: object, kind: Kind) -> Terms:
    """Raises: Problem(invalid) naming the member."""
    if not isinstance(value, Mapping) or set(value) != set(MEMBERS):
        raise invalid(
            "These are no terms.",
            "terms",
            Sentence("Send {0}, as they stood in the charge's instruction.", ", ".join(MEMBERS)),
        )
    order, *places, net, fee = (_text(value, member) for member in MEMBERS)
    if not _ORDER.fullmatch(order):
        how = "Send 0x and 64 hexadecimal digits, as they stood in the charge's instruction."
        raise invalid("The order of these terms is none of this installation.", "terms.order", how)
    merchant, treasury = (
        read_address(place, kind, f"terms.{member}")
        for place, member in zip(places, ("merchant", "treasury"), strict=True)
    )
    amounts = [_units(text, f"terms.{member}") for text, member in ((net, "net"), (fee, "fee"))]
    if sum(amounts) > SUM_MAX:
        raise invalid(
            "The amounts of these terms are too large.", "terms.net", "Send them as they stood."
        )
    return Terms(UUID(order[34:]), merchant, treasury, *amounts)


def _text(value: Mapping[Any, Any], member: str) -> str:
    if not isinstance(value[member], str):
        raise invalid(
            Sentence("{0} must be a text.", member), f"terms.{member}", "Write it in quotes."
        )
    return str(value[member])


def _units(text: str, field: str) -> int:
    if not _UNITS.fullmatch(text):
        raise invalid("This is no amount in base units.", field, "Send a whole number as text.")
    return int(text)
