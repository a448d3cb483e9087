"""A sender's key, in an encrypted file. Nobody but the sender imports this."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from recoup.chains.evm_wire import Signed
from recoup.kernel.problem import Problem, Sentence
from recoup.outside.keys.secret_files import secret_of

# One of its libraries lifts the limit so far that deep JSON of a node ends the process.
_DEPTH = sys.getrecursionlimit()
from eth_account import Account as Account  # noqa: E402

sys.setrecursionlimit(_DEPTH)


class KeySigner:
    """Implements `evm_wire.Signer`."""

    def __init__(self, account: Any) -> None:
        self._account = account

    def __repr__(self) -> str:
        return f"KeySigner({self._account.address})"

    @property
    def address(self) -> bytes:
        return bytes.fromhex(self._account.address[2:])

    def sign(self, transaction: dict[str, Any]) -> Signed:
        signed = self._account.sign_transaction(transaction)
        return Signed(bytes(signed.raw_transaction), bytes(signed.hash))

    def sign_hash(self, digest: bytes) -> bytes:
        return bytes(self._account.unsafe_sign_hash(digest).signature)


def given_password() -> str | None:
    """The key's password, where the environment or a file that it names has it."""
    return secret_of(os.environ, "RECOUP_CHAIN_PASSWORD")


def open_key(path: Path, password: str) -> KeySigner:
    """Raises: Problem(unavailable) for a file that is not there or another password."""
    try:
        key = Account.decrypt(json.loads(path.read_text()), password)
    except (OSError, ValueError, KeyError) as error:
        raise Problem(
            "unavailable",
            Sentence("The key in {0} cannot be opened: {1}.", path, type(error).__name__),
            "Check the file and its password.",
        ) from None
    return KeySigner(Account.from_key(key))


def make_key(path: Path, password: str) -> KeySigner:
    """A new key, in a file that only its owner reads. Raises: FileExistsError."""
    account = Account.create()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(Account.encrypt(account.key, password), file)
    return KeySigner(account)
