"""Keys in files, and what their libraries do to the process."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256K1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from recoup.chains.keystore import Account, KeySigner, make_key, open_key
from recoup.kernel.problem import Problem


def test_deep_json_is_refused_where_keys_are_open() -> None:
    limit = "sys.getrecursionlimit()"
    code = f"import sys; before = {limit}; import recoup.chains.keystore; assert {limit} == before"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_else_imports_what_lifts_the_limit() -> None:
    """Neither a module nor a test: whichever came first would have lifted it for good."""
    root = Path(__file__).parents[2]
    files = [file for folder in ("src", "tests") for file in (root / folder).rglob("*.py")]
    lifts = re.compile(r"^(from|import) eth_account\b", re.MULTILINE)
    assert [file.name for file in files if lifts.search(file.read_text())] == ["keystore.py"]


ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # of secp256k1


def test_a_signature_is_the_one_that_libsecp256k1_makes() -> None:
    """RFC 6979 leaves one signature of a key and a digest, whichever library makes it."""
    signature = KeySigner(Account.from_key("0x" + "11" * 32)).sign_hash(b"\x07" * 32)
    assert signature.hex() == (
        "111f20b9521ba1924ecfb91595426246b152cc1187e83f798cbd61f95f2c4cb1"
        "07da8d209539506429d1ecd4033b2c207b89267f7dd8674421737193cd84f1dc1b"
    )


@given(st.integers(1, ORDER - 1), st.binary(min_size=32, max_size=32))
def test_openssl_takes_every_signature(key: int, digest: bytes) -> None:
    signature = KeySigner(Account.from_key(key.to_bytes(32, "big"))).sign_hash(digest)
    r, s = (int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))
    public = derive_private_key(key, SECP256K1()).public_key()
    public.verify(encode_dss_signature(r, s), digest, ECDSA(Prehashed(SHA256())))
    assert s <= ORDER // 2, "a node refuses the other one"


def test_a_key_opens_with_its_password_alone(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    made = make_key(file, "a password")
    assert file.stat().st_mode & 0o077 == 0
    assert open_key(file, "a password").address == made.address
    for path, password in ((file, "another"), (tmp_path / "none.json", "a password")):
        with pytest.raises(Problem, match="cannot be opened"):
            open_key(path, password)
    with pytest.raises(FileExistsError):
        make_key(file, "a password")
