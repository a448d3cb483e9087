"""`recoup verify --file` needs no installation; a file that does not hold ends it with 1."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from recoup.desk.cli.verify import verify
from recoup.settlement.rules.settlement_file import encoded, page_root

MERCHANT, BATCH = "01a1f982-0000-7000-8000-00000000000a", "01a1f982-0000-7000-8000-00000000000b"
AMOUNTS = ("amount", "fee", "dispute_fee", "dispute", "refund", "adjustment", "reserve", "carried")


def settlement() -> list[dict[str, Any]]:
    """One order of 45.90 and its payout, in two pages."""
    postings = [
        [
            MERCHANT,
            "attempt",
            "01a1f982-0000-7000-8000-00000000000c",
            "approve",
            "USD",
            "2026-11-20T15:10:03.999Z",
            [["customer_due", "", 4590], ["merchant_payable", "", -4590]],
        ],
        [
            MERCHANT,
            "batch",
            BATCH,
            "settlement_closed",
            "USD",
            "2026-11-21T00:00:00.056Z",
            [["merchant_payable", "", 4590], ["settlement_due", "", -4590]],
        ],
    ]
    pages, root = [], ""
    for number, posting in enumerate(postings, 1):
        hashes = [hashlib.sha256(encoded(posting)).hexdigest()]
        sums = sorted(
            [account, "USD", place, units]
            for account, place, units in posting[6]  # type: ignore[union-attr]
        )
        made = page_root(root, number, hashes, sums)
        pages.append(
            {
                "type": "page",
                "page": number,
                "previousRoot": root,
                "root": made,
                "sums": sums,
                "postings": hashes,
            }
        )
        root = made
    lines = [
        {
            "type": "line",
            "lineId": f"{n}.1",
            "kind": kind,
            "amount": amount,
            "page": n,
            "position": 1,
            "entry": entry,
            "posting": postings[n - 1],
        }
        for n, kind, amount, entry in ((1, "amount", 4590, 2), (2, "payout", -4590, 1))
    ]
    head = {
        "type": "settlement",
        "format": "recoup-settlement-1",
        "settlementId": BATCH,
        "merchantId": MERCHANT,
        "currency": "USD",
        "page": 1,
        "root": pages[0]["root"],
        "payout": 4590,
        "lines": 2,
        "amounts": dict.fromkeys(AMOUNTS, 0) | {"amount": 4590},
    }
    return [head, *pages, *lines]


def verified(
    folder: Path, parts: list[dict[str, Any]], *more: str
) -> subprocess.CompletedProcess[str]:
    text = b"".join(encoded(part) + b"\n" for part in parts)
    text += encoded({"type": "end", "sha256": hashlib.sha256(text).hexdigest()}) + b"\n"
    (folder / "settlement.jsonl").write_bytes(text)
    command = [
        sys.executable,
        "-m",
        "recoup.main",
        "verify",
        "--file",
        str(folder / "settlement.jsonl"),
        *more,
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder)


def test_a_merchant_proves_its_settlement_without_a_database(tmp_path: Path) -> None:
    parts = settlement()
    done = verified(tmp_path, parts, "--root", parts[0]["root"])
    assert done.returncode == 0, done.stderr
    assert "USD 45.90" in done.stdout
    assert done.stdout.endswith("ok\n")
    assert verified(tmp_path, parts, "--amount", "4590").returncode == 0
    less = verified(tmp_path, parts, "--amount", "4591")
    assert less.returncode == 1
    assert "settlement.closed" in less.stdout
    told = json.loads(verified(tmp_path, parts, "--json").stdout)
    assert told["ok"]
    assert told["file"]["lines"] == 2


def test_a_settlement_that_does_not_add_up_ends_verify_with_1(tmp_path: Path) -> None:
    parts = settlement()
    parts[3]["amount"] = 4591
    done = verified(tmp_path, parts)
    assert done.returncode == 1
    assert "units of line 1.1" in done.stdout
    assert json.loads(verified(tmp_path, parts, "--json").stdout)["difference"]["found"] == "4591"
    assert verified(tmp_path, settlement(), "--root", "00").returncode == 1


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"payout,outcome\n", "JSON is malformed"),
        (b'{"a":1}\n', "no 'type'"),
        (b"", "cut off"),
        (b"\xff\xfe", "malformed"),
    ],
)
def test_what_is_no_settlement_file_is_called_so(
    tmp_path: Path, content: bytes, found: str
) -> None:
    (tmp_path / "file").write_bytes(content)
    done = CliRunner().invoke(verify, ["--file", str(tmp_path / "file")])
    assert done.exit_code == 1
    assert found in done.output
    assert "This is not a settlement file" in done.output
    assert "Error" not in done.output
