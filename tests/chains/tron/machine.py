"""An EVM whose CREATE2 hashes with TRON's prefix 0x41, and whose states are kept by their root. For
the double alone.

TRON's own costs are not modelled: gas without what a transaction costs in itself stands for energy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import eth.vm.logic.system as opcodes
from eth.constants import BLANK_ROOT_HASH, CREATE_CONTRACT_ADDRESS
from eth.db.atomic import AtomicDB
from eth.exceptions import Revert
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.istanbul.state import IstanbulState
from eth.vm.message import Message
from eth_hash.auto import keccak

ENERGY_MAX: Final = 100_000_000  # of a dry run
_NOBODY: Final = bytes(20)


def _create2(deployer: bytes, salt: int, init: bytes) -> bytes:
    """java-tron `WalletUtil.generateContractAddress2`: the deployer with its prefix, salt, hash of
    the code."""
    return bytes(keccak(b"\x41" + deployer + salt.to_bytes(32, "big") + keccak(init))[-20:])


opcodes.generate_safe_contract_address = _create2


class Log(NamedTuple):
    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of a call. `result`: as a receipt names it."""

    result: str
    energy: int
    output: bytes
    logs: tuple[Log, ...] = ()


class Machine:
    """`root`: the state that calls see and change."""

    def __init__(self, chain_id: int) -> None:
        self._db, self._chain_id = AtomicDB(), chain_id
        self.root = BLANK_ROOT_HASH

    def call(
        self,
        to: bytes,
        data: bytes,
        *,
        energy: int = ENERGY_MAX,
        sender: bytes = _NOBODY,
        **at: Any,
    ) -> Ran:
        """A dry run. `at`: block number, time and root."""
        return self._run(to, None, data, energy, sender, **at)[0]

    def try_create(self, init: bytes, *, sender: bytes, **at: Any) -> Ran:
        return self._run(
            CREATE_CONTRACT_ADDRESS, bytes(19) + b"\x01", init, ENERGY_MAX, sender, **at
        )[0]

    def send(self, to: bytes, data: bytes, *, energy: int, sender: bytes, **at: Any) -> Ran:
        ran, self.root = self._run(to, None, data, energy, sender, **at)
        return ran

    def create(self, place: bytes, init: bytes, *, energy: int, sender: bytes, **at: Any) -> Ran:
        ran, self.root = self._run(CREATE_CONTRACT_ADDRESS, place, init, energy, sender, **at)
        return ran

    def code(self, at: bytes, root: bytes) -> bytes:
        return bytes(self._state(root, 0, 0).get_code(at))

    def coins(self, holder: bytes, root: bytes) -> int:
        return int(self._state(root, 0, 0).get_balance(holder))

    def endow(self, holder: bytes, value: int) -> None:
        """Coins that contracts see, beside those of the ledger's accounts, which pay fees."""
        state = self._state(self.root, 0, 0)
        state.delta_balance(holder, value)
        state.persist()
        self.root = state.state_root

    def _state(self, root: bytes, block: int, seconds: int) -> Any:
        context = ExecutionContext(
            _NOBODY, seconds, block, 0, bytes(32), ENERGY_MAX, [], self._chain_id
        )
        return IstanbulState(self._db, context, root)

    def _run(
        self,
        to: bytes,
        place: bytes | None,
        data: bytes,
        energy: int,
        sender: bytes,
        *,
        block: int = 0,
        seconds: int = 0,
        root: bytes | None = None,
    ) -> tuple[Ran, bytes]:
        state = self._state(root or self.root, block, seconds)
        code, given = (data, b"") if place else (state.get_code(to), data)
        message = Message(
            gas=energy, to=to, sender=sender, value=0, data=given, code=code, create_address=place
        )
        context = state.get_transaction_context_class()(gas_price=0, origin=sender)
        run = (
            state.computation_class.apply_create_message
            if place
            else state.computation_class.apply_message
        )
        done = run(state, message, context)
        if done.is_error:
            reverted = isinstance(done.error, Revert)
            used = energy - done.get_gas_remaining() if reverted else energy
            return Ran(
                "REVERT" if reverted else _name(done.error), used, bytes(done.output)
            ), self.root
        logs = tuple(
            Log(address, tuple(one.to_bytes(32, "big") for one in topics), bytes(said))
            for address, topics, said in done.get_log_entries()
        )
        state.persist()
        return Ran(
            "SUCCESS", energy - done.get_gas_remaining(), bytes(done.output), logs
        ), state.state_root


def _name(error: Exception) -> str:
    """The receipt's word for it."""
    names: Mapping[str, str] = {
        "OutOfGas": "OUT_OF_ENERGY",
        "InvalidInstruction": "ILLEGAL_OPERATION",
    }
    return names.get(type(error).__name__, "UNKNOWN")
