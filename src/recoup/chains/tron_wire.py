"""Transactions of TRON as they are signed and sent. The raw transaction's hash is its id.

Source: the protocol's Tron.proto and smart_contract.proto, whose field numbers stand here;
java-tron `Manager.validateTapos`; the encoding of protocol buffers.
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, NamedTuple

from recoup.chains.evm_wire import Signed, Signer
from recoup.chains.reading import Block
from recoup.stablecoin.rules.addresses import TRON_PREFIX, keccak256

LIFE: Final = timedelta(seconds=60)  # a block that comes later takes it no more
ORIGIN_ENERGY: Final = 10_000_000  # of a contract's maker, who pays none
_TYPE: Final = "type.googleapis.com/protocol."
_KINDS: Final = {"TriggerSmartContract": 31, "CreateSmartContract": 30}
_RAW_DATA, _SIGNATURE = 1, 2  # of a transaction
_EXPIRATION: Final = 8  # of its raw data


class Frame(NamedTuple):
    """Frame around a call. `refers`: to a block that stays, or the transaction would go with its
    fork. `at`: by the head; of two transactions that are the same otherwise, `serial` makes two.
    `fee_limit` in sun."""

    refers: Block
    at: datetime
    serial: int
    fee_limit: int


def call_contract(signer: Signer, contract: bytes, data: bytes, frame: Frame) -> Signed:
    owner, target = TRON_PREFIX + signer.address, TRON_PREFIX + contract
    message = _field(1, owner) + _field(2, target) + _field(4, data)
    return _signed(signer, "TriggerSmartContract", message, frame)


def create_contract(signer: Signer, init: bytes, name: str, frame: Frame) -> Signed:
    """Whoever calls the contract pays its energy."""
    owner = TRON_PREFIX + signer.address
    made = _field(1, owner) + _field(3, b"") + _field(4, init) + _field(6, 100)
    made += _field(7, name.encode()) + _field(8, ORIGIN_ENERGY)
    return _signed(signer, "CreateSmartContract", _field(1, owner) + _field(2, made), frame)


def place_of(txid: bytes, owner: bytes) -> bytes:
    """The address of the contract that this transaction creates."""
    return keccak256(txid + TRON_PREFIX + owner)[12:]


def expires_at(raw: bytes) -> datetime:
    """The time of a signed transaction after which no block takes it."""
    milliseconds: int = _fields(_fields(raw)[_RAW_DATA])[_EXPIRATION]
    return datetime.fromtimestamp(milliseconds / 1_000, UTC)


def _signed(signer: Signer, kind: str, message: bytes, frame: Frame) -> Signed:
    parameter = _field(1, (_TYPE + kind).encode()) + _field(2, message)
    raw = (
        _field(1, frame.refers.hash[6:8])
        + _field(4, frame.refers.hash[8:16])
        + _field(_EXPIRATION, _milliseconds(frame.at + LIFE))
        + _field(11, _field(1, _KINDS[kind]) + _field(2, parameter))
        + _field(14, _milliseconds(frame.at) + frame.serial)
        + _field(18, frame.fee_limit)
    )
    txid = sha256(raw).digest()
    return Signed(_field(_RAW_DATA, raw) + _field(_SIGNATURE, signer.sign_hash(txid)), txid)


def _milliseconds(at: datetime) -> int:
    return (at - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)


def _field(number: int, value: bytes | int) -> bytes:
    """A field of a message. The order of the fields is part of a transaction's id: by number, as
    protobuf writes."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    low = value & 0x7F
    return bytes([low]) if value == low else bytes([low | 0x80]) + _varint(value >> 7)


def _fields(message: bytes) -> dict[int, Any]:
    """The fields of what is written here: numbers and bytes."""
    fields: dict[int, Any] = {}
    while message:
        key, message = _number(message)
        value, message = _number(message)
        if key & 7:
            fields[key >> 3], message = message[:value], message[value:]
        else:
            fields[key >> 3] = value
    return fields


def _number(message: bytes) -> tuple[int, bytes]:
    """The number at the beginning, and what follows it."""
    size = next(place for place, byte in enumerate(message, 1) if byte < 0x80)
    return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(message[:size])), message[
        size:
    ]
