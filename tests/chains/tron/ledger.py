"""TRON's chain for the double: blocks, the pool, accounts with their energy, and what a node checks
of a transaction.

Source: java-tron `Wallet.broadcastTransaction`, `Manager.validateTapos`, `validateCommon`,
`validateDup`, `BandwidthProcessor.consume`, `VMActuator.getAccountEnergyLimitWithFixRatio`,
`ReceiptCapsule.payEnergyBill`, and the protocol's own files.
"""

from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final, NamedTuple

from eth_hash.auto import keccak
from eth_keys import KeyAPI
from tests.chains.tron.machine import Log, Machine, Ran

SLOT_MS: Final = 3_000
SOLID_BEHIND: Final = 19
RECENT: Final = 1 << 16  # blocks that may be referred to
DAY_MS: Final = 86_400_000
FEE_LIMIT_MAX: Final = 15_000_000_000
ENERGY_SUN, BYTE_SUN, FREE_BYTES = 100, 1_000, 600
RESULT_BYTES: Final = 64
CREATE, TRIGGER = 30, 31
_PREFIX: Final = b"\x41"
_VARINT, _BYTES = 0, 2


class Refusal(Exception):
    """A broadcast's own code, and its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class Account:
    """`energy`, `energy_used`: by stake or rent; `balance` in sun."""

    balance: int = 0
    energy: int = 0
    energy_used: int = 0
    bytes_used: int = 0

    @property
    def energy_left(self) -> int:
        return max(self.energy - self.energy_used, 0)


@dataclass(slots=True)
class Transaction:
    """`late`: blocks for which it stays in the pool. `free`: the test's own, which nobody signs or
    pays."""

    txid: bytes
    size: int
    ref: tuple[bytes, bytes]
    expiration: int
    owner: bytes
    contract: bytes | None
    data: bytes
    fee_limit: int
    signature: bytes = b""
    late: int = 0
    free: bool = False

    @property
    def place(self) -> bytes:
        """Of what it creates."""
        return bytes(keccak(self.txid + _PREFIX + self.owner)[-20:])


class Receipt(NamedTuple):
    tx: Transaction
    ran: Ran
    energy_fee: int
    energy_own: int
    bytes_fee: int


@dataclass(frozen=True, slots=True)
class Block:
    number: int
    id: bytes
    parent: bytes
    at: int
    root: bytes
    accounts: dict[bytes, Account]
    receipts: tuple[Receipt, ...] = ()


@dataclass
class Ledger:
    """`vanish`: so many of the next transactions are taken and forgotten; `late`: they wait so many
    blocks."""

    chain_id: int
    now: int
    machine: Machine = field(init=False)
    blocks: list[Block] = field(default_factory=list)
    pool: list[Transaction] = field(default_factory=list)
    accounts: dict[bytes, Account] = field(default_factory=dict)
    vanish: int = 0
    late: int = 0
    _made: int = 0
    _places: dict[bytes, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.machine = Machine(self.chain_id)
        genesis = bytes(8) + sha256(b"genesis").digest()[8:28] + self.chain_id.to_bytes(4, "big")
        self.blocks.append(Block(0, genesis, bytes(32), self.now, self.machine.root, {}))

    @property
    def head(self) -> Block:
        return self.blocks[-1]

    @property
    def solid(self) -> Block:
        return self.blocks[max(self.head.number - SOLID_BEHIND, 0)]

    def find(self, txid: bytes) -> tuple[Block, int] | None:
        """The block, and the place in it."""
        found = self._places.get(txid)
        return None if found is None else (self.blocks[found[0]], found[1])

    # What a node takes
    # ----------------------------------------------------------------------------------------------

    def broadcast(self, raw: bytes) -> bytes:
        """The txid of what was taken, which says nothing of what becomes of it. Raises: Refusal;
        ValueError."""
        tx = read_transaction(raw)
        if tx.expiration < self.head.at + SLOT_MS:
            raise Refusal("TRANSACTION_EXPIRATION_ERROR", "Transaction expired")
        if _signer(tx) != tx.owner:
            raise Refusal("SIGERROR", "Validate signature error: the owner has not signed")
        self._check(tx, self.head)
        if any(one.txid == tx.txid for one in self.pool) or self.find(tx.txid):
            raise Refusal("DUP_TRANSACTION_ERROR", "Dup transaction.")
        self._pay_bytes(tx)
        if tx.contract is not None and not self.machine.code(tx.contract, self.machine.root):
            raise Refusal(
                "CONTRACT_VALIDATE_ERROR",
                "Contract validate error : No contract or not a smart contract",
            )
        if not 0 <= tx.fee_limit <= FEE_LIMIT_MAX:
            raise Refusal(
                "CONTRACT_VALIDATE_ERROR",
                "Contract validate error : feeLimit must be >= 0 and in bounds",
            )
        if self.vanish:
            self.vanish -= 1
            return tx.txid
        tx.late = self.late
        self.pool.append(tx)
        return tx.txid

    def _check(self, tx: Transaction, head: Block) -> None:
        at, start = tx.ref
        number = (head.number & ~0xFFFF) | int.from_bytes(at, "big")
        number -= RECENT if number > head.number else 0
        if len(at) != 2 or number < 0 or self.blocks[number].id[8:16] != start:
            raise Refusal("TAPOS_ERROR", "Tapos check error.")
        if not head.at < tx.expiration <= head.at + DAY_MS:
            raise Refusal("TRANSACTION_EXPIRATION_ERROR", "Transaction expired")

    def _pay_bytes(self, tx: Transaction, *, now: bool = False) -> int:
        """What bandwidth costs in sun. Raises: Refusal."""
        if tx.free:
            return 0
        account, size = self.accounts.get(tx.owner), tx.size + RESULT_BYTES
        if account is None:
            raise Refusal(
                "CONTRACT_VALIDATE_ERROR", "Contract validate error : account does not exist"
            )
        is_free = account.bytes_used + size <= FREE_BYTES
        fee = 0 if is_free else size * BYTE_SUN
        if account.balance < fee:
            raise Refusal("BANDWITH_ERROR", "Account resource insufficient error.")
        if now:
            used = account.bytes_used + (size if is_free else 0)
            self.accounts[tx.owner] = replace(
                account, balance=account.balance - fee, bytes_used=used
            )
        return fee

    # Blocks
    # ----------------------------------------------------------------------------------------------

    def add(self, owner: bytes, contract: bytes | None, data: bytes) -> bytes:
        """A transaction of the test's own into the pool."""
        self._made += 1
        txid = sha256(b"test" + self._made.to_bytes(8, "big")).digest()
        self.pool.append(
            Transaction(
                txid, 300, (b"", b""), self.head.at + DAY_MS, owner, contract, data, 0, free=True
            )
        )
        return txid

    def mine(self, count: int = 1, seconds: int = 3) -> None:
        for _ in range(count):
            self._mine(seconds * 1_000)

    def _mine(self, after: int) -> None:
        head, waiting, receipts = self.head, [], []
        number, at = head.number + 1, head.at + after
        self._made += 1
        for tx in self.pool:
            if tx.late:
                tx.late -= 1
                waiting.append(tx)
                continue
            try:
                if not tx.free:
                    self._check(tx, head)
                receipts.append(self._run(tx, number, at))
            except Refusal:
                continue  # it is dropped, and nobody is told
        self.pool = waiting
        unique = sha256(head.id + at.to_bytes(8, "big") + self._made.to_bytes(8, "big")).digest()
        new = number.to_bytes(8, "big") + unique[8:]
        self._places.update({one.tx.txid: (number, place) for place, one in enumerate(receipts)})
        self.blocks.append(
            Block(number, new, head.id, at, self.machine.root, dict(self.accounts), tuple(receipts))
        )

    def _run(self, tx: Transaction, number: int, at: int) -> Receipt:
        bytes_fee = self._pay_bytes(tx, now=True)
        account = self.accounts.get(tx.owner, Account())
        energy = min(
            account.energy_left + account.balance // ENERGY_SUN, tx.fee_limit // ENERGY_SUN
        )
        given = {
            "energy": 10_000_000 if tx.free else energy,
            "sender": tx.owner,
            "block": number,
            "seconds": at // 1_000,
        }
        if tx.contract is None:
            ran = self.machine.create(tx.place, tx.data, **given)
        else:
            ran = self.machine.send(tx.contract, tx.data, **given)
        if tx.free:
            return Receipt(tx, ran, 0, 0, 0)
        own = min(ran.energy, account.energy_left)
        fee = (ran.energy - own) * ENERGY_SUN
        self.accounts[tx.owner] = replace(
            account, balance=account.balance - fee, energy_used=account.energy_used + own
        )
        return Receipt(tx, ran, fee, own, bytes_fee)

    def fork(self, depth: int, *, forget: bool = False) -> None:
        """Drops the last blocks; their transactions wait again, unless they are forgotten."""
        if not 0 < depth < SOLID_BEHIND:
            raise ValueError("a solidified block is never dropped")
        gone, self.blocks = self.blocks[-depth:], self.blocks[:-depth]
        for receipt in (receipt for block in gone for receipt in block.receipts):
            del self._places[receipt.tx.txid]
        self.machine.root, self.accounts = self.head.root, dict(self.head.accounts)
        if not forget:
            self.pool = [*(receipt.tx for block in gone for receipt in block.receipts), *self.pool]

    def grant(self, owner: bytes, **changes: int) -> None:
        """Coins or energy for an account, which exists from then on."""
        self.accounts[owner] = replace(self.accounts.get(owner, Account()), **changes)


# The protocol's form
# --------------------------------------------------------------------------------------------------


def read_transaction(raw: bytes) -> Transaction:
    """A signed transaction as it is sent. Raises: ValueError."""
    whole = _fields(raw)
    body = whole[1][0]
    given = _fields(body)
    contract = _fields(given[11][0])
    kind, value = contract.get(1, [0])[0], _fields(_fields(contract[2][0])[2][0])
    owner = _address(value[1][0])
    if kind == TRIGGER:
        target, data = _address(value[2][0]), value.get(4, [b""])[0]
    elif kind == CREATE:
        made = _fields(value[2][0])
        if _address(made[1][0]) != owner:
            raise ValueError("OwnerAddress is not equals OriginAddress")
        target, data = None, made[4][0]
    else:
        raise ValueError(f"no contract of the kind {kind}")
    return Transaction(
        sha256(body).digest(),
        len(raw),
        (given[1][0], given[4][0]),
        given[8][0],
        owner,
        target,
        data,
        given.get(18, [0])[0],
        whole.get(2, [b""])[0],
    )


def _address(value: bytes) -> bytes:
    if len(value) != 21 or value[:1] != _PREFIX:
        raise ValueError("Invalid address")
    return value[1:]


def _fields(message: bytes) -> dict[int, list]:  # type: ignore[type-arg]
    """protobuf's wire form: numbers and bytes by field."""
    found: dict[int, list] = {}  # type: ignore[type-arg]
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        value, at = _varint(message, at)
        if key & 7 == _BYTES:
            if at + value > len(message):
                raise ValueError("a message that ends too early")
            found.setdefault(key >> 3, []).append(message[at : at + value])
            at += value
        elif key & 7 == _VARINT:
            found.setdefault(key >> 3, []).append(value)
        else:
            raise ValueError("a field of another kind")
    return found


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value, at, shift = value | (byte & 0x7F) << shift, at + 1, shift + 7
        if not byte & 0x80:
            return value, at


def _signer(tx: Transaction) -> bytes | None:
    if len(tx.signature) != 65:
        return None
    last = tx.signature[64]
    try:
        signature = KeyAPI.Signature(tx.signature[:64] + bytes([last - 27 if last >= 27 else last]))
        return bytes(signature.recover_public_key_from_msg_hash(tx.txid).to_canonical_address())
    except Exception:  # noqa: BLE001 - whatever is wrong with it
        return None


def logs_before(block: Block, place: int) -> int:
    """How many logs of the block come before those of this transaction."""
    return sum(len(receipt.ran.logs) for receipt in block.receipts[:place])


__all__ = ["Account", "Block", "Ledger", "Log", "Receipt", "Refusal", "logs_before"]
