"""The compiled deposit contract, for both kinds of machine: what is deployed, and what code a node
must show there.

`make contracts` writes the files. Source: EIP-1014;
github.com/Arachnid/deterministic-deployment-proxy.
"""

from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

import msgspec

from recoup.chains.abi import WORD, address_word, from_hex
from recoup.chains.terms import create2
from recoup.kernel.cached import cached
from recoup.stablecoin.rules.addresses import ADDRESS, Kind, keccak256

DEPLOYER: Final = bytes.fromhex(
    "4e59b44847b379578588920cA78FbF26c0B4956C"
)  # on every EVM network, without an owner
SALT: Final = bytes(
    WORD
)  # of the factory by the deployer, and of the implementation by the factory


class Code(NamedTuple):
    """The code at the two addresses."""

    factory: bytes
    implementation: bytes


class _Compiled(msgspec.Struct, frozen=True):
    init: str
    runtime: str
    immutables: list[int]  # where the address of the other contract stands, in 32 bytes


class Artifact(msgspec.Struct, frozen=True):
    """The build for one kind of machine. An address is 20 bytes."""

    kind: Kind
    sources: dict[str, str]
    factory: _Compiled
    implementation: _Compiled

    @property
    def factory_init(self) -> bytes:
        return from_hex(self.factory.init)

    def implementation_of(self, factory: bytes) -> bytes:
        """The address of the code behind a factory's deposit addresses. The factory puts it there
        by CREATE2."""
        return _implementation(self.kind, factory)

    def runtime_with(self, factory: bytes) -> Code:
        """The code at this factory's address and at its implementation's."""
        return Code(
            _filled(self.factory, self.implementation_of(factory)),
            _filled(self.implementation, factory),
        )

    def deployment(self) -> bytes:
        """The call of the deterministic deployer."""
        return SALT + self.factory_init

    def factory_address(self) -> bytes:
        """The address that the deterministic deployer gives the factory on every EVM network; TRON
        has none."""
        if self.kind != "evm":
            raise ValueError("a factory's address follows from its code on EVM networks only")
        return create2(self.kind, DEPLOYER, SALT, keccak256(self.factory_init))


@cache
def artifact(kind: Kind) -> Artifact:
    file = files("recoup.chains") / "artifacts" / f"{kind}.json"
    return msgspec.json.decode(file.read_bytes(), type=Artifact)


@cached(64)
def _implementation(kind: Kind, factory: bytes) -> bytes:
    if len(factory) != ADDRESS:
        raise ValueError(f"an address has {ADDRESS} bytes, not {len(factory)}")
    return create2(kind, factory, SALT, keccak256(from_hex(artifact(kind).implementation.init)))


def _filled(compiled: _Compiled, address: bytes) -> bytes:
    runtime = bytearray(from_hex(compiled.runtime))
    for start in compiled.immutables:
        runtime[start : start + WORD] = address_word(address)
    return bytes(runtime)
