"""`recoup keys` as an operator types it, beside databases that are in use."""

import json
from typing import Any

import click
from click.testing import CliRunner, Result
from tests.main.test_second_machine import Machines, machines

from recoup.main import keys_verb

__all__ = ["machines"]


def run(machines: Machines, *words: str) -> Result:
    cli = click.Group("recoup")
    keys_verb.add(cli, lambda **_: machines.settings("a"))
    return CliRunner().invoke(cli, ["keys", *words])


def told(machines: Machines) -> list[dict[str, Any]]:
    answer = run(machines, "status", "--json")
    assert answer.exit_code == 0, answer.output
    return list(json.loads(answer.output))


def test_status_shows_each_key_and_what_needs_it(machines: Machines) -> None:
    machines.up("a")
    by_purpose = {one["purpose"]: one for one in told(machines)}
    assert set(by_purpose) == {"card", "print", "seal", "token", "mac", "secret"}
    assert {one["state"] for one in by_purpose.values()} == {"current"}
    assert by_purpose["seal"]["needed"] > 0
    text = run(machines, "status").output
    secret = json.loads((machines.keys("a") / "keyring.json").read_text())["seal"]
    assert list(secret) == [by_purpose["seal"]["key_id"]]
    assert next(iter(secret)) in text
    assert next(iter(secret.values())) not in text


def test_rotation_takes_everything_over_and_a_second_machine_needs_the_new_file(machines: Machines) -> None:
    machines.up("a")
    before = {one["purpose"]: one["key_id"] for one in told(machines)}
    answer = run(machines, "rotate", "--wait", "0")
    assert answer.exit_code == 0, answer.output
    assert "Back up the key file now" in answer.output
    states = {(one["purpose"], one["state"]): one for one in told(machines)}
    for purpose in ("card", "print", "seal", "token"):
        assert states[purpose, "old"]["key_id"] == before[purpose]
        assert states[purpose, "old"]["needed"] == 0
    assert states["seal", "current"]["needed"] > 0
    assert machines.up("a") is not None
    assert len(machines.sql("SELECT * FROM key_checks")) == 10


def test_a_rotation_that_was_interrupted_goes_on_under_the_same_keys(machines: Machines) -> None:
    machines.up("a")
    from recoup.gateways.keys.keyring import open_keyring

    open_keyring(machines.keys("a"), {}).rotate()  # killed right after the file was written
    keys = (machines.keys("a") / "keyring.json").read_text()
    answer = run(machines, "rotate", "--wait", "0")
    assert "A rotation is under way: it goes on." in answer.output
    assert (machines.keys("a") / "keyring.json").read_text() == keys
    assert all(one["needed"] == 0 for one in told(machines) if one["state"] == "old")
