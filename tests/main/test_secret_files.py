"""Every secret may stand in a file, which `…_FILE` names."""

import os
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from recoup.kernel.problem import Problem
from recoup.main.cli import cli
from recoup.main.databases import Databases, at_databases
from recoup.main.settings import SECRETS, Settings, load_settings
from recoup.outside.keys.keyring import has_keys, open_keyring
from recoup.outside.keys.secret_files import SECRET_BYTES_MAX, read_secret, secret_of

URL = "postgresql://recoup:hunter2@db.example/recoup"


def _file(folder: Path, text: str | bytes = "hunter2\n", mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def test_each_secret_setting_may_stand_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {
        one.name
        for one in fields(Settings)
        if one.name.endswith(("_password", "_secret", "database_url", "replica_url", "pooler_url"))
    }
    assert named == SECRETS
    wrong = []
    for name in sorted(named):
        value = URL if name.endswith("_url") else "hunter2"
        path = _file(tmp_path, f"{value}\n")
        with monkeypatch.context() as patched:
            patched.setenv(f"RECOUP_{name.upper()}_FILE", str(path))
            by_variable = load_settings(data_dir=tmp_path)
            shown = CliRunner().invoke(cli, ["settings", "--data-dir", str(tmp_path)]).output
        (tmp_path / "recoup.toml").write_text(f'{name}_file = "secret"\n')
        by_file = load_settings(data_dir=tmp_path)
        (tmp_path / "recoup.toml").unlink()
        for loaded in (by_variable, by_file):
            if getattr(loaded, name) != value or loaded.origins[name] != f"file {path}":
                wrong.append((name, loaded.origins[name]))
        if f"[file {path}]" not in shown or "hunter2" in shown:
            wrong.append((name, "shown"))
    assert not wrong


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        (b"", 0o600, "is empty"),
        (b"\n\n", 0o600, "is empty"),
        (b"a" * (SECRET_BYTES_MAX + 1), 0o600, "more than 64 KiB"),
        (b"one\ntwo", 0o600, "one line"),
        (b"\xff\xfe", 0o600, "is empty|one line"),
        (b"hunter2", 0o644, "any user of this machine can read"),
        (b"hunter2", 0o602, "any user of this machine can read"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused_without_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, mode: int, says: str
) -> None:
    monkeypatch.setattr(os.path, "ismount", lambda _: False)
    with pytest.raises(Problem, match=says) as refused:
        read_secret(_file(tmp_path, content, mode), "RECOUP_SMTP_PASSWORD_FILE")
    assert refused.value.field == "RECOUP_SMTP_PASSWORD_FILE"
    assert refused.value.cure
    assert "hunter2" not in refused.value.sentence()


def test_a_file_of_a_container_may_be_readable_to_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _file(tmp_path, mode=0o444)
    monkeypatch.setattr(os.path, "ismount", lambda one: Path(one) == tmp_path)
    assert read_secret(path, "RECOUP_SMTP_PASSWORD_FILE") == "hunter2"


def test_a_missing_file_and_two_sources_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECOUP_SMTP_PASSWORD_FILE", str(tmp_path / "gone"))
    with pytest.raises(Problem, match="gone cannot be read: No such file"):
        load_settings(data_dir=tmp_path)
    monkeypatch.setenv("RECOUP_SMTP_PASSWORD", "hunter2")
    with pytest.raises(
        Problem, match="RECOUP_SMTP_PASSWORD and RECOUP_SMTP_PASSWORD_FILE are both set"
    ):
        load_settings(data_dir=tmp_path)
    monkeypatch.delenv("RECOUP_SMTP_PASSWORD")
    monkeypatch.delenv("RECOUP_SMTP_PASSWORD_FILE")
    (tmp_path / "recoup.toml").write_text('sms_secret = "hunter2"\nsms_secret_file = "secret"\n')
    with pytest.raises(Problem, match="sms_secret and sms_secret_file are both set"):
        load_settings(data_dir=tmp_path)


def test_keys_and_passwords_of_chains_stand_in_files_too(tmp_path: Path) -> None:
    open_keyring(tmp_path / "keys", {})
    ring = tmp_path / "keys" / "keyring.json"
    given = {"RECOUP_KEYS_FILE": str(ring)}
    assert has_keys(tmp_path / "nowhere", given)
    assert open_keyring(tmp_path / "nowhere", given).mac("x", b"y") == open_keyring(
        tmp_path / "keys", {}
    ).mac("x", b"y")
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(Problem, match=r"secret \(RECOUP_KEYS_FILE\) cannot be read"):
        open_keyring(tmp_path / "nowhere", {"RECOUP_KEYS_FILE": str(_file(tmp_path))})
    assert (
        secret_of({"RECOUP_CHAIN_PASSWORD_FILE": str(_file(tmp_path))}, "RECOUP_CHAIN_PASSWORD")
        == "hunter2"
    )


def test_a_successor_reads_an_address_anew_where_a_file_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGHUP after the password was changed in its file;
    a child never hears of an address twice."""
    path = _file(tmp_path, URL)
    monkeypatch.setenv("RECOUP_LIVE_DATABASE_URL_FILE", str(path))
    settings = load_settings(data_dir=tmp_path, sandbox_database_url="postgresql://own/sandbox")
    environment = at_databases(
        settings, Databases("postgresql://p", "postgresql://s", None, None, URL)
    )
    assert environment["RECOUP_SANDBOX_DATABASE_URL"] == "postgresql://s"
    assert "RECOUP_LIVE_DATABASE_URL" not in environment
    path.write_text(URL.replace("hunter2", "hunter3"))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert "hunter3" in load_settings(data_dir=tmp_path).live_database_url
