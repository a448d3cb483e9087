"""Settings that cannot be are refused by name, with what to write instead."""

from dataclasses import fields, replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.main.chosen_world import read_bootstrap
from recoup.main.cli import cli
from recoup.main.settings import RANGES, Settings, load_settings, without_secrets
from recoup.main.worlds import originator_of

FLAG = next(name for name, kind in Settings.__annotations__.items() if kind is bool)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("port = 99999", "port"),
        ("port = 'x'", "port"),
        ("log_level = 'loud'", "log_level"),
        (f"{FLAG} = 'ture'", FLAG),
        ("prot = 1", "prot"),
        ("loopback_webhooks = 'maybe'", "loopback_webhooks"),
        ("port =", "recoup.toml"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_a_cure(
    tmp_path: Path, text: str, field: str
) -> None:
    (tmp_path / "recoup.toml").write_text(text)
    with pytest.raises(Problem) as problem:
        load_settings(data_dir=tmp_path)
    assert (problem.value.field or "").endswith(field)
    assert problem.value.cure


def test_a_variable_that_sets_nothing_is_named_with_what_was_meant(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RECOUP_SMTP_PASS", "hunter2")
    with pytest.raises(Problem, match="no setting RECOUP_SMTP_PASS") as problem:
        load_settings(data_dir=tmp_path)
    assert problem.value.cure == "Did you mean RECOUP_SMTP_PASSWORD? Else remove it."


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://recoup:hunter2@db.example/recoup",
        "postgresql://db.example/recoup?user=recoup&password=hunter2",
        "postgresql://db/recoup?PASSWORD=hunter2",
        "postgresql://db/recoup?pass%77ord=hunter2&sslmode=require",
        "postgresql://db/recoup?sslmode=require&sslpassword=hunter2",
        "postgresql://recoup:%2F@hunter2@db/recoup",
        "postgresql://:hunter2@db/recoup",
        "postgresql://a:5432,b:5432/recoup?password=hunter2",
    ],
)
def test_a_password_in_a_database_url_is_not_printed_however_it_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str
) -> None:
    monkeypatch.setenv("RECOUP_LIVE_DATABASE_URL", url)
    for options in ((), ("--json",)):
        shown = CliRunner().invoke(cli, ["settings", "--data-dir", str(tmp_path), *options])
        assert shown.exit_code == 0, shown.output
        assert "hunter2" not in shown.output
        assert "postgresql://" in shown.output
    assert without_secrets("live_database_url", "postgresql://u@h/db?sslmode=require") == (
        "postgresql://u@h/db?sslmode=require"
    )


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://recoup:hun/ter2@db/recoup",
        "postgresql://recoup:hun#ter2@db/recoup",
        "mysql://u:hunter2@db/recoup",
        "postgresql://u:h[unter2@db/recoup",
        "host=db password=hunter2",
        "postgresql://u:h\u2100unter2@db/recoup",
    ],
)
def test_a_database_url_that_cannot_be_read_is_refused_without_its_password(
    tmp_path: Path, url: str
) -> None:
    with pytest.raises(Problem) as refused:
        load_settings(data_dir=tmp_path, database_url=url)
    assert refused.value.field == "database_url"
    assert "unter2" not in refused.value.sentence()
    assert "percent-encode" in refused.value.sentence()


@pytest.mark.parametrize(
    ("word", "value"), [("yes", True), ("ON", True), ("", False), ("off", False), ("0", False)]
)
def test_words_of_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, value: bool
) -> None:
    monkeypatch.setenv(f"RECOUP_{FLAG.upper()}", word)
    assert getattr(load_settings(data_dir=tmp_path), FLAG) is value


@each(
    ("said", "taken"),
    [
        ({}, True),
        ({"host": "0.0.0.0"}, False),
        ({"public_url": "https://pay.example.com"}, False),
        ({"public_url": "http://127.0.0.1:8400"}, True),
        ({"behind_proxy": "10.0.0.0/8"}, False),
        ({"host": "0.0.0.0", "loopback_webhooks": "yes"}, True),
        ({"loopback_webhooks": "no"}, False),
    ],
)
def test_who_signs_up_at_a_public_sandbox_does_not_post_to_its_own_ports(
    said: dict[str, str], taken: bool
) -> None:
    assert Settings(**said).takes_loopback is taken


ACH = Settings(
    live_ach_routing="091000019",
    live_ach_bank="FIRST BANK",
    live_ach_company_id="1900000019",
    live_ach_company="SHOPS INC",
)


def test_who_sends_live_ach_files_is_said_whole_or_not_at_all() -> None:
    assert originator_of(Settings()) is None
    sender = originator_of(ACH)
    assert sender is not None
    assert sender.bank == "FIRST BANK"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("live_ach_bank", ""),
        ("live_ach_company", "GRÜN"),
        ("live_ach_company_id", "19"),
        ("live_ach_routing", "12345"),
        ("live_ach_routing", "091000018"),
    ],
)
def test_a_live_ach_setting_that_no_bank_takes_is_named(name: str, text: str) -> None:
    with pytest.raises(Problem) as problem:
        originator_of(replace(ACH, **{name: text}))
    assert problem.value.field == name
    assert problem.value.cure


def test_every_whole_number_has_a_range(tmp_path: Path) -> None:
    """What a file says is bounded before it becomes a size, a time or a limit."""
    numbers = {one.name for one in fields(Settings) if type(one.default) is int}
    assert numbers == set(RANGES)
    wrong = []
    for name, (least, most) in RANGES.items():
        if not least <= getattr(Settings(), name) <= most:
            wrong.append((name, "default"))
        for value in (least - 1, most + 1, 10**30):
            (tmp_path / "recoup.toml").write_text(f"{name} = {value}\n")
            try:
                load_settings(tmp_path / "recoup.toml")
                wrong.append((name, value))
            except Problem as problem:
                if (
                    f"{name} must be between {least} and {most}" not in problem.message
                    or len(problem.message) > 120
                ):
                    wrong.append((name, problem.message))
    assert not wrong


def test_an_address_of_ipv6_stands_in_brackets() -> None:
    assert Settings(host="::1", port=8400).url == "http://[::1]:8400"
    assert Settings(host="127.0.0.1", port=8400).url == "http://127.0.0.1:8400"


@pytest.mark.parametrize("text", ["", '{"base_url": "http://127.0', "[]"])
def test_a_file_of_credentials_that_was_cut_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bootstrap.json"
    path.write_text(text)
    with pytest.raises(Problem, match="is cut, or is no file of Recoup") as refused:
        read_bootstrap(path)
    assert "recoup bootstrap" in (refused.value.cure or "")
