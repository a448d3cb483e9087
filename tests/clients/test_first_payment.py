"""The guide's first payment by each client, as the page has it: against the door, and against
`recoup up`."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from tests.clients.typescript import TypeScript, typescript
from tests.docs.running import clean_environment, running
from tests.door import Caller, Door
from tests.rescue.api.test_clients import talking

from recoup.networks.magic import script_card

__all__ = ["typescript"]
ROOT = Path(__file__).resolve().parents[2]
UP_SECONDS = 120
PRINTED = re.compile(
    r"SUBMITTED\n(?:\['order.submitted', 'order.completed'\]"
    r"|order.submitted\norder.completed)\nSUCCESS\n"
    r"400301 .*60\.00.*39\.90.*\n"
)


@pytest.fixture(params=["python", "typescript"])
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Sequence[str]:
    """The command that runs the page's program in one language."""
    if request.param == "typescript":
        compiled: TypeScript = request.getfixturevalue("typescript")
        return compiled.command("first-payment")
    page = (ROOT / "docs/first-payment.md").read_text("utf-8")
    [text] = re.findall("```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "first_payment.py").write_text(text, "utf-8")
    return [sys.executable, str(tmp_path / "first_payment.py")]


def printed(program: Sequence[str], variables: dict[str, str]) -> str:
    known = {"CARD": script_card("visa", "51", 1), "PYTHONPATH": str(ROOT / "clients/python/src")}
    ran = subprocess.run(
        program,
        env=clean_environment() | known | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=UP_SECONDS,
        check=False,
    )
    return ran.stdout


def test_a_reader_s_first_payment_ends_in_a_refund(
    program: Sequence[str], door: Door, shop: Caller
) -> None:
    keys = shop.shop.keys
    door.run(shop.shop.advance(timedelta(days=22)))  # as the page has done before

    def story(port: int) -> str:
        where = f"http://127.0.0.1:{port}"
        return printed(
            program, {"BASE": where, "APP_KEY": keys.app_key, "APP_SECRET": keys.app_secret}
        )

    told = talking(door, story)
    assert PRINTED.fullmatch(told), told


@pytest.mark.prove("docs")
@pytest.mark.timeout(2 * UP_SECONDS)
def test_a_reader_s_first_payment_against_recoup_up(program: Sequence[str], tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with running(data_dir, tmp_path / "up.log", UP_SECONDS):
        kept = json.loads((data_dir / "bootstrap.json").read_text())
        variables = {
            "BASE": kept["base_url"],
            "APP_KEY": kept["app_key"],
            "APP_SECRET": kept["app_secret"],
        }
        for _ in range(2):  # the second time with a clock that is ahead
            told = printed(program, variables)
            assert PRINTED.fullmatch(told), told


@pytest.mark.prove("docs")
@pytest.mark.parametrize("page", ["connect", "first-payment"])
def test_a_reader_s_type_checker_finds_nothing_in_the_python_of_the_guides(
    page: str, tmp_path: Path
) -> None:
    [text] = re.findall(
        "```python\n(.*?)```", (ROOT / f"docs/{page}.md").read_text("utf-8"), re.DOTALL
    )
    (tmp_path / "program.py").write_text(text, "utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file=", "--strict", "program.py"],
        env=os.environ | {"MYPYPATH": str(ROOT / "clients/python/src")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
