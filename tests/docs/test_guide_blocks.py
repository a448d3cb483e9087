"""Every block of commands in the guides, pasted into one shell beside a new sandbox, as a reader
does it."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from tests.docs.running import ROOT, bare_environment, running

from recoup.docs.routes import SETUP

UP_SECONDS = 120
DOCS: Final = ROOT / "docs"
_FENCED: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_INDENTED: Final = re.compile(r"(?:^    \S.*\n|^\n(?=    \S))+", re.M)
_COMMAND: Final = re.compile(
    r"^(?:curl|recoup|python3|openssl|export|make|npm|apt-get|[a-z]+\(\) \{|[A-Z]+=\$\()", re.M
)
# What a shell, click or Python say of what cannot be run.
_BROKEN: Final = re.compile(
    r"command not found|syntax error|unbound variable"
    r"|No such (?:option|command)|Traceback|Missing (?:option|argument)|"
    r"unexpected extra"
)
_REFUSED: Final = re.compile(r"TraceId|\"errors\":\[\{|Usage:")


class Block(NamedTuple):
    page: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page}: {self.text.splitlines()[0].split('  ')[0].rstrip()}"


def blocks() -> Iterator[Block]:
    for page in sorted(DOCS.glob("*.md")):
        if (
            page.name == "first-payment.md"
        ):  # walked through by `test_first_payment.py`, as is the block of `connect.md`
            continue
        text = page.read_text(encoding="utf-8")
        found = [(one.start(), one[2]) for one in _FENCED.finditer(text) if one[1] in ("", "sh")]
        plain = _FENCED.sub(lambda one: re.sub(r"[^\n]", "#", one[0]), text)
        # Below an indented command stands what it prints.
        found += [
            (one.start(), re.sub(r"^    ", "", one[0], flags=re.M).strip())
            for one in _INDENTED.finditer(plain)
        ]
        for _, body in sorted(found):
            if _COMMAND.match(body):
                yield Block(page.name, body)


NO_MODEL: Final = "No model is in use yet"
# What a sandbox that was made a minute ago answers, in words; all other commands of the block
# succeed.
SAYS: Final = {
    "engine.md: recoup engine set --mode shadow": [NO_MODEL],
    "money.md: recoup sandbox export processor --out statement.csv": ["The comparison has no line"],
    "orders.md: curl -sS": ["This merchant was not there yet"],
    "prove-it.md: recoup backtest": [NO_MODEL],
    "prove-it.md: recoup engine set --mode share --share 90 --holdout 10": [NO_MODEL],
    "prove-it.md: recoup report certificate": [
        "is not closed before",
        "Nothing was sent in",
        "There is no root",
        "cannot",
    ],
    "risk-and-advances.md: recoup learn risk --dry-run": ["There is no version 3"],
}
# In place of what the reader knows: the id of a settlement, an order.
WORDS: Final = {
    "recoup listen": "timeout --preserve-status -s INT 6 recoup listen",
    "--root ROOT": f"--root {'0' * 64}",
    "--amount AMOUNT": "--amount 1",
    "--out FILE": "--out file.csv",
}
NOT_HERE: Final = {
    "backup.md": "wants Barman, pgBackRest or a server of the reader's: family `backup`",
    "operate.md": "installs on a machine as root: family `shipped`",
    "chains.md": "wants a node: family `chains`",
    "cards.md: recoup cards list": "names orders and people of the reader's: "
    "tests/desk/cli/test_cards.py",
    "money.md: recoup report settlement": "names a settlement: "
    "tests/settlement/cli/test_verify_file.py",
    "processors.md: recoup connect adyen": "names an account of the reader's",
    "processors.md: recoup sandbox processor": "runs on until Ctrl-C, then asks for a key: family "
    "`connectors`",
    "processors.md: ask()": "packages/recoup-lab/tests/lab/processors",
    "stripe.md: recoup connect stripe": "names an account of the reader's",
    "stripe.md: recoup sandbox processor": "runs on until Ctrl-C, then asks for a key: family "
    "`connectors`",
    "stripe.md: ask()": "tests/docs/test_stripe_guide.py",
}


def elsewhere(block: Block) -> str | None:
    return next((why for name, why in NOT_HERE.items() if block.name.startswith(name)), None)


def test_each_block_is_pasted_or_says_why_it_is_not() -> None:
    every = list(blocks())
    pasted = [one.name for one in every if elsewhere(one) is None]
    assert len(pasted) >= 18  # noqa: PLR2004 - as of 30 Nov 2026
    assert len(set(pasted)) == len(pasted), "a block is named by its beginning"
    for name in NOT_HERE:
        assert any(one.name.startswith(name) for one in every), f"there is no {name} any more"
    for name in SAYS:
        assert any(one.startswith(name) for one in pasted), f"there is no {name} any more"
    assert not [one.name for one in every if re.search(r"^\$ ", one.text, re.M)], (
        "a prompt cannot be pasted"
    )


class Shell(NamedTuple):
    folder: Path
    environment: dict[str, str]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """The environment that a reader has after the page *Documentation*: a new sandbox, its
    variables, the files."""
    folder = tmp_path_factory.mktemp("guides")
    data = folder / "data"
    with running(data, folder / "up.log", UP_SECONDS):
        environment = bare_environment() | {"RECOUP_DATA_DIR": str(data)}
        environment["PATH"] = f"{ROOT / '.venv/bin'}{os.pathsep}{environment['PATH']}"
        names = "env -0"
        setup = SETUP.replace(".venv/bin/recoup", "recoup")
        found = subprocess.run(
            ["bash", "-euc", f"{setup}\n{names}"],
            env=environment,
            capture_output=True,
            check=True,
            cwd=folder,
        )
        made = dict(one.split("=", 1) for one in found.stdout.decode().split("\0") if "=" in one)
        _write_files(folder)
        yield Shell(folder, made)


def _write_files(folder: Path) -> None:
    """What the guides show as files."""
    [declines] = re.findall(r"^```csv\n(.*?)^```$", (DOCS / "connect.md").read_text(), re.M | re.S)
    token = "91f7a1b0-3c55-4c6e-a0b1-2d3e4f5a6b7c"
    declines = declines.replace("CARD_TOKEN", token).replace("EXPIRY", "2099-01-01T00:00:00Z")
    (folder / "declines-2026-03-02.csv").write_text(declines)
    [retry] = re.findall(
        r"^```toml\n(# retry.toml\n.*?)^```$", (DOCS / "engine.md").read_text(), re.M | re.S
    )
    (folder / "retry.toml").write_text(retry)
    rows = ["orderId,at,amount,currency,approved,attempt,customerId,schemeCode"]
    for number in range(40):
        day, customer = f"2026-0{1 + number % 9}", f"c{number % 15}"
        rows.append(f"o{number},{day}-11T10:00:00Z,1000,USD,false,1,{customer},51")
        rows.append(
            f"o{number},{day}-14T10:00:00Z,1000,USD,{str(number % 2 == 0).lower()},2,{customer},51"
        )
    (folder / "payments.csv").write_text("\n".join(rows) + "\n")
    (folder / "body.json").write_text('{"Event": "order.completed"}')


@pytest.mark.prove("docs")
@pytest.mark.parametrize("page", sorted({one.page for one in blocks() if elsewhere(one) is None}))
def test_every_block_of_the_guides_can_be_pasted(shell: Shell, page: str) -> None:
    complaints = []
    for block in blocks():
        if block.page != page or elsewhere(block) is not None:
            continue
        text = block.text.partition("\n\n")[0]  # below an empty line stands what a command prints
        for word, value in WORDS.items():
            text = text.replace(word, value)
        done = subprocess.run(
            ["bash", "-u"],
            input=text + "\n",
            cwd=shell.folder,
            env=shell.environment,
            capture_output=True,
            text=True,
            timeout=110,
        )
        said = done.stdout + done.stderr
        expected = next(
            (words for name, words in SAYS.items() if block.name.startswith(name)), None
        )
        refused = [line for line in said.splitlines() if line.startswith("recoup: ")]
        strange = [line for line in refused if not any(words in line for words in expected or ())]
        wrong = expected is None and (done.returncode or _REFUSED.search(said))
        if strange or wrong or _BROKEN.search(said):
            complaints.append(f"{block.name}\n{strange or said[-600:]}")
    assert not complaints, "\n\n".join(complaints)
