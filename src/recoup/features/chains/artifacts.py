"""The compiled deposit contract, for both kinds of machine: what is deployed, and what code a node must show there.

`make contracts` writes the files. Source: EIP-1014; github.com/Arachnid/deterministic-deployment-proxy.
"""

from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

import msgspec

from recoup.features.chains.abi import ADDRESS, WORD, address_word, from_hex, keccak256
from recoup.features.chains.addresses import Kind
from recoup.features.chains.terms import create2

DEPLOYER: Final = bytes.fromhex("4e59b44847b379578588920cA78FbF26c0B4956C")  # on every EVM network, without an owner
SALT: Final = bytes(WORD)  # of the factory by the deployer, and of the implementation by the factory


class Code(NamedTuple):
    """The code at the two addresses."""

    factory: bytes
    implementation: bytes


class _Compiled(msgspec.Struct, frozen=True):
    init: str
    runtime: str
    immutables: list[int]  # where the address of the other contract stands, in 32 bytes


class _File(msgspec.Struct, frozen=True):
    kind: Kind
    sources: dict[str, str]
    factory: _Compiled
    implementation: _Compiled


class Artifact:
    """The build for one kind of machine. An address is 20 bytes."""

    def __init__(self, compiled: _File) -> None:
        self.kind: Final = compiled.kind
        self.sources: Final = compiled.sources
        self.factory_init: Final = from_hex(compiled.factory.init)
        self._compiled = compiled
        self._implementations: dict[bytes, bytes] = {}
        self._implementation_hash = keccak256(from_hex(compiled.implementation.init))

    def implementation_of(self, factory: bytes) -> bytes:
        """The address of the code behind a factory's deposit addresses. The factory puts it there by CREATE2."""
        if factory not in self._implementations:
            self._implementations[factory] = self._create2(factory, SALT, self._implementation_hash)
        return self._implementations[factory]

    def runtime_with(self, factory: bytes) -> Code:
        """The code at this factory's address and at its implementation's."""
        implementation = self.implementation_of(factory)
        return Code(
            factory=_filled(self._compiled.factory, implementation),
            implementation=_filled(self._compiled.implementation, factory),
        )

    def deployment(self) -> bytes:
        """The call of the deterministic deployer."""
        return SALT + self.factory_init

    def factory_address(self) -> bytes:
        """The address that the deterministic deployer gives the factory on every EVM network; TRON has none."""
        if self.kind != "evm":
            raise ValueError("a factory's address follows from its code on EVM networks only")
        return self._create2(DEPLOYER, SALT, keccak256(self.factory_init))

    def _create2(self, creator: bytes, salt: bytes, code_hash: bytes) -> bytes:
        if len(creator) != ADDRESS:
            raise ValueError(f"an address has {ADDRESS} bytes, not {len(creator)}")
        return create2(self.kind, creator, salt, code_hash)


@cache
def artifact(kind: Kind) -> Artifact:
    file = files("recoup.features.chains") / "artifacts" / f"{kind}.json"
    return Artifact(msgspec.json.decode(file.read_bytes(), type=_File))


def _filled(compiled: _Compiled, address: bytes) -> bytes:
    runtime = bytearray(from_hex(compiled.runtime))
    for start in compiled.immutables:
        runtime[start : start + WORD] = address_word(address)
    return bytes(runtime)
