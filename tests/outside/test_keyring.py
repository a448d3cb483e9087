"""The vault's keys: what they bind, what they refuse, and how they change."""

import base64
import json
import os
import pickle
import stat
import threading
from pathlib import Path
from uuid import UUID

import pytest
from msgspec.structs import replace
from tests.rings import each

from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.networks.allow_list import PHONE_CARD
from recoup.outside.keys import files
from recoup.outside.keys.keyring import Keyring, open_keyring
from recoup.outside.keys.material import fresh, from_text, rotated, to_text

PAN = PHONE_CARD


@pytest.fixture
def ring() -> Keyring:
    return Keyring(fresh())


def test_a_card_comes_back_only_where_it_was_put(ring: Keyring) -> None:
    merchant, token = new_id(), new_id()
    sealed = ring.seal_card("sandbox", merchant, token, PAN.encode())
    assert ring.open_card("sandbox", merchant, token, sealed) == PAN.encode()
    assert PAN.encode() not in sealed.ciphertext
    assert len(sealed.wrapped_dek) == 60
    for world, m, t in [
        ("live", merchant, token),
        ("sandbox", new_id(), token),
        ("sandbox", merchant, new_id()),
        ("sandbox", token, merchant),
    ]:
        with pytest.raises(Problem):
            ring.open_card(world, m, t, sealed)


@pytest.mark.parametrize("part", ["wrapped_dek", "nonce", "ciphertext"])
def test_a_changed_vault_row_is_refused(ring: Keyring, part: str) -> None:
    merchant, token = new_id(), new_id()
    sealed = ring.seal_card("sandbox", merchant, token, b"x")
    value = getattr(sealed, part)
    for changed in (value[:-1] + bytes([value[-1] ^ 1]), value[:-1], b""):
        with pytest.raises(Problem) as caught:
            ring.open_card("sandbox", merchant, token, replace(sealed, **{part: changed}))
        assert caught.value.code == "internal"


def test_the_same_card_is_never_sealed_alike(ring: Keyring) -> None:
    merchant, token = new_id(), new_id()
    one, other = (ring.seal_card("sandbox", merchant, token, b"x") for _ in range(2))
    assert one.ciphertext != other.ciphertext
    assert one.wrapped_dek != other.wrapped_dek


def test_rotation_keeps_old_rows_prints_secrets_and_tokens(tmp_path: Path) -> None:
    ring = open_keyring(tmp_path / "keys", {})
    merchant, token = new_id(), new_id()
    sealed = ring.seal_card("sandbox", merchant, token, b"card")
    secret = ring.seal_secret("endpoint", b"key")
    (old_print,) = ring.print_of(PAN)
    jwt = ring.sign_token({"iss": "Api-Client-Service", "nbf": 0, "exp": 10})
    mac, hashed, derived = (
        ring.mac("body", b"x"),
        ring.secret_hash("s"),
        ring.derived_id("card", PAN),
    )
    ring.rotate()

    assert ring.open_card("sandbox", merchant, token, sealed) == b"card"
    assert ring.open_secret("endpoint", secret) == b"key"
    assert ring.print_of(PAN)[1] == old_print
    assert ring.print_of(PAN)[0] != old_print
    assert ring.verify_token(jwt, 5)["exp"] == 10
    assert (mac, hashed, derived) == (
        ring.mac("body", b"x"),
        ring.secret_hash("s"),
        ring.derived_id("card", PAN),
    )

    again = ring.rewrap(sealed)
    assert again.kek_id == ring.current_ids()["card"] != sealed.kek_id
    assert again.ciphertext == sealed.ciphertext
    assert ring.rewrap(again) is again
    assert ring.open_card("sandbox", merchant, token, again) == b"card"
    resealed = ring.reseal_secret("endpoint", secret)
    assert resealed != secret
    assert ring.reseal_secret("endpoint", resealed) is resealed
    assert ring.open_secret("endpoint", resealed) == b"key"


def test_forgotten_keys_are_kept_beside_the_others_and_open_an_older_backup(tmp_path: Path) -> None:
    ring = open_keyring(tmp_path, {})
    merchant, token = new_id(), new_id()
    backups = []
    for _ in range(2):
        backups.append(ring.seal_card("sandbox", merchant, token, b"card"))
        old = ring.current_ids()["card"]
        ring.rotate()
        ring.drop([("card", old)])
    retired = tmp_path / "keyring-retired.json"
    assert stat.S_IMODE(retired.stat().st_mode) == 0o600
    for sealed in backups:
        with pytest.raises(Problem, match="not among the keys"):
            open_keyring(tmp_path, {}).open_card("sandbox", merchant, token, sealed)

    kept, keys = (
        json.loads(retired.read_text()),
        json.loads((tmp_path / "keyring.json").read_text()),
    )
    assert set(kept) == {"card"}, "what was dropped, nothing else"
    assert set(kept["card"]) == {sealed.kek_id for sealed in backups}
    (tmp_path / "keyring.json").write_text(
        json.dumps({one: kept.get(one, {}) | keys[one] for one in keys})
    )
    merged = open_keyring(tmp_path, {})
    for sealed in backups:
        assert merged.open_card("sandbox", merchant, token, sealed) == b"card"


def test_no_key_is_forgotten_that_cannot_be_kept(tmp_path: Path) -> None:
    ring = open_keyring(tmp_path, {})
    old = ring.current_ids()["card"]
    ring.rotate()
    (tmp_path / "keyring-retired.json").write_text("{")
    with pytest.raises(Problem, match=r"keyring-retired\.json cannot be read"):
        ring.drop([("card", old)])
    assert files.load(tmp_path).find("card", old) is not None
    assert (tmp_path / "keyring-retired.json").read_text() == "{"


def test_a_running_process_follows_a_rotation_elsewhere(tmp_path: Path) -> None:
    running, verb = open_keyring(tmp_path, {}), open_keyring(tmp_path, {})
    verb.rotate()
    merchant, token = new_id(), new_id()
    sealed = verb.seal_card("sandbox", merchant, token, b"card")
    assert running.open_card("sandbox", merchant, token, sealed) == b"card"
    unknown = replace(sealed, kek_id="0" * 16)
    with pytest.raises(Problem, match="not among the keys"):
        running.open_card("sandbox", merchant, token, unknown)


def test_key_files_are_for_the_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "keys"
    open_keyring(folder, {})
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert {path.name for path in folder.iterdir()} == {"keyring.json", "lock"}
    (folder / "keyring.json").chmod(0o640)
    with pytest.raises(Problem, match="open to others"):
        open_keyring(folder, {})


def test_processes_that_start_at_once_share_one_ring(tmp_path: Path) -> None:
    rings: list[Keyring] = []
    threads = [
        threading.Thread(target=lambda: rings.append(open_keyring(tmp_path, {}))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({ring.mac("x", b"") for ring in rings}) == 1


def test_a_failed_write_leaves_the_old_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = open_keyring(tmp_path, {})
    before = (tmp_path / "keyring.json").read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="disk full"):
        ring.rotate()
    assert (tmp_path / "keyring.json").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keyring.json", "lock"]


@pytest.mark.parametrize("encode", [str, lambda text: base64.b64encode(text.encode()).decode()])
def test_keys_from_the_environment(tmp_path: Path, encode: object) -> None:
    text = to_text(fresh())
    given = {"RECOUP_KEYS": encode(text)}  # type: ignore[operator]
    ring = open_keyring(tmp_path / "unused", given)
    assert ring.mac("x", b"") == Keyring(from_text(text, "here")).mac("x", b"")
    assert not (tmp_path / "unused").exists()
    with pytest.raises(Problem, match="cannot be rotated"):
        ring.rotate()


@each("text", ["{}", "[]", "nonsense", '{"card": {"x": "AAAA"}}', '{"card": 1}', '{"card": null}'])
def test_unreadable_keys_are_named_but_not_quoted(text: str) -> None:
    with pytest.raises(Problem, match="in RECOUP_KEYS cannot be read") as caught:
        open_keyring(Path("unused"), {"RECOUP_KEYS": text})
    assert caught.value.__cause__ is None


def test_the_newest_key_is_current_in_whatever_order_the_file_lists_them() -> None:
    material = rotated(rotated(fresh()))
    plain = json.loads(to_text(material))
    shuffled = {purpose: dict(sorted(keys.items())) for purpose, keys in sorted(plain.items())}
    assert from_text(json.dumps(shuffled), "here").keys == dict(material.keys)


def test_nothing_prints_a_secret(ring: Keyring, tmp_path: Path) -> None:
    open_keyring(tmp_path, {})
    material = files.load(tmp_path)
    seen = f"{ring!r} {ring} {material!r} {material.current('card')!r}"
    for keys in material.keys.values():
        for key in keys:
            assert repr(key.secret) not in seen
            assert key.secret.hex() not in seen
    with pytest.raises(TypeError):
        pickle.dumps(ring)


def test_prints_take_digits_only_and_never_repeat_them_in_errors(ring: Keyring) -> None:
    for bad in (
        " ".join(PAN[i : i + 4] for i in range(0, 16, 4)),
        "",
        PAN + "\n",
        "٤" * 16,
        "1" * 20,
    ):
        with pytest.raises(ValueError, match="8 to 19 digits") as caught:
            ring.print_of(bad)
        assert PAN[:4] not in str(caught.value)


def test_purposes_and_parts_are_kept_apart(ring: Keyring) -> None:
    assert ring.mac("a", b"bc") != ring.mac("ab", b"c")
    assert len({ring.mac("a", b"x"), ring.secret_hash("x"), Keyring(fresh()).mac("a", b"x")}) == 3
    ids = [
        ring.derived_id("card", "ab", "c"),
        ring.derived_id("card", "a", "bc"),
        ring.derived_id("payer", "ab", "c"),
        ring.derived_id("card", 1),
        ring.derived_id("card", "1"),
        ring.derived_id("card", b"1"),
        ring.derived_id("card", UUID(int=1)),
        ring.derived_id("card"),
    ]
    assert len(set(ids)) == len(ids)
    assert {(one.version, one.variant) for one in ids} == {(8, "specified in RFC 4122")}


def test_secrets_are_known_again(ring: Keyring) -> None:
    kept = ring.secret_hash("sk_test_a")
    assert ring.is_secret("sk_test_a", kept)
    assert not ring.is_secret("sk_test_b", kept)
    assert not ring.is_secret("sk_test_a", b"")


def test_a_sealed_secret_is_bound_to_its_context(ring: Keyring) -> None:
    blob = ring.seal_secret("endpoint:1", b"key")
    with pytest.raises(Problem):
        ring.open_secret("endpoint:2", blob)
    for bad in (b"", blob[:20], b"\x02" + blob[1:], blob[:-1]):
        with pytest.raises(Problem):
            ring.open_secret("endpoint:1", bad)
