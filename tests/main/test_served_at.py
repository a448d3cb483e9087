"""Verbs run beside a server of another port: links in what they send lead to the server."""

import json
from pathlib import Path

from recoup.main.chosen_world import served_at


def test_the_address_of_the_last_server_counts(tmp_path: Path) -> None:
    (tmp_path / "bootstrap.json").write_text(json.dumps({"base_url": "http://127.0.0.1:8500"}))
    assert served_at(tmp_path) == "http://127.0.0.1:8500"


def test_an_installation_that_was_never_served_has_none(tmp_path: Path) -> None:
    assert served_at(tmp_path) == ""
    (tmp_path / "bootstrap.json").write_text("{}")
    assert served_at(tmp_path) == ""
