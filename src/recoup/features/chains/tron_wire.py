"""Transactions of TRON as they are signed and sent. The raw transaction's hash is its id.

Source: the protocol's Tron.proto and smart_contract.proto; java-tron `Manager.validateTapos`.
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, NamedTuple

from tronpy.proto import tron_pb2

from recoup.features.chains.abi import keccak256
from recoup.features.chains.addresses import TRON_PREFIX
from recoup.features.chains.evm_wire import Signed, Signer
from recoup.features.chains.reading import Block

LIFE: Final = timedelta(seconds=60)  # a block that comes later takes it no more
ORIGIN_ENERGY: Final = 10_000_000  # of a contract's maker, who pays none
_TYPE: Final = "type.googleapis.com/protocol."
_KINDS: Final = {"TriggerSmartContract": 31, "CreateSmartContract": 30}
_pb: Any = tron_pb2


class Frame(NamedTuple):
    """What is around a call. `refers`: to a block that stays, or the transaction would go with its fork. `at`: by the
    head; of two transactions that are the same otherwise, `serial` makes two. `fee_limit` in sun."""

    refers: Block
    at: datetime
    serial: int
    fee_limit: int


def call_contract(signer: Signer, contract: bytes, data: bytes, frame: Frame) -> Signed:
    owner, target = TRON_PREFIX + signer.address, TRON_PREFIX + contract
    message = _pb.TriggerSmartContract(owner_address=owner, contract_address=target, data=data)
    return _signed(signer, "TriggerSmartContract", message.SerializeToString(), frame)


def create_contract(signer: Signer, init: bytes, name: str, frame: Frame) -> Signed:
    """Whoever calls the contract pays its energy."""
    owner = TRON_PREFIX + signer.address
    made = _bytes(1, owner) + _bytes(3, b"") + _bytes(4, init) + _number(6, 100) + _bytes(7, name.encode())
    made += _number(8, ORIGIN_ENERGY)
    return _signed(signer, "CreateSmartContract", _bytes(1, owner) + _bytes(2, made), frame)


def place_of(txid: bytes, owner: bytes) -> bytes:
    """The address of the contract that this transaction creates."""
    return keccak256(txid + TRON_PREFIX + owner)[12:]


def expires_at(raw: bytes) -> datetime:
    """The time of a signed transaction after which no block takes it."""
    return datetime.fromtimestamp(_pb.Transaction.FromString(raw).raw_data.expiration / 1_000, UTC)


def _signed(signer: Signer, kind: str, message: bytes, frame: Frame) -> Signed:
    contract = _pb.Transaction.Contract(type=_KINDS[kind])
    contract.parameter.type_url, contract.parameter.value = _TYPE + kind, message
    raw = _pb.Transaction.raw(
        ref_block_bytes=frame.refers.hash[6:8],
        ref_block_hash=frame.refers.hash[8:16],
        expiration=_milliseconds(frame.at + LIFE),
        timestamp=_milliseconds(frame.at) + frame.serial,
        fee_limit=frame.fee_limit,
        contract=[contract],
    )
    txid = sha256(raw.SerializeToString()).digest()
    whole = _pb.Transaction(raw_data=raw, signature=[signer.sign_hash(txid)])
    return Signed(whole.SerializeToString(), txid)


def _milliseconds(at: datetime) -> int:
    return (at - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)


def _bytes(field: int, value: bytes) -> bytes:
    """A message's field, which tronpy does not know."""
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    low = value & 0x7F
    return bytes([low]) if value == low else bytes([low | 0x80]) + _varint(value >> 7)
