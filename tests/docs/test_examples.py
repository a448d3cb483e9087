"""The examples file is what its program writes, small, and free of anything that could be a real
person's or card's."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from recoup.main.demo.example import card_number, cards_in, read_example
from recoup.networks.magic import classify

ROOT = Path(__file__).resolve().parents[2]
DAY = ROOT / "examples/day.jsonl"
CUSTOMERS = ROOT / "examples/customers.jsonl"
BYTES_MAX = 3_000_000


def test_the_program_writes_the_same_bytes_again(tmp_path: Path) -> None:
    again = tmp_path / "day.jsonl"
    subprocess.run([sys.executable, "scripts/make_examples.py", str(again)], cwd=ROOT, check=True)
    assert again.read_bytes() == DAY.read_bytes(), "run scripts/make_examples.py"
    assert DAY.stat().st_size <= BYTES_MAX


def test_the_day_is_what_its_readme_says() -> None:
    lines = read_example(DAY)
    count = Counter(line.do for line in lines)
    about = json.loads(DAY.read_text(encoding="utf-8").partition("\n")[0])
    assert dict(count) == about["lines"]
    assert count["transmit"] > 2_000
    assert count["evaluate"] > 400
    first_day = [line for line in lines if line.do == "transmit" and line.at.days == 0]
    declined = sum(1 for line in first_day if line.body["isDeclined"])
    assert 0.12 < declined / len(first_day) < 0.18
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    managed = [line for line in lines if line.do == "evaluate"]
    assert all(line.body["isMIT"] and "expiryDateUtc" in line.body for line in managed)
    assert len({line.order for line in managed}) == len(managed)
    assert {line.order for line in lines if line.do in ("refund", "cancel")} <= {
        line.order for line in managed
    }


def test_every_card_is_one_of_the_sandbox() -> None:
    cards = [card for line in read_example(DAY) for card in cards_in(line.body)]
    assert cards
    assert all(classify(card_number(card)) is not None for card in cards)


def test_every_address_belongs_to_nobody_and_every_date_is_an_offset() -> None:
    text = DAY.read_text(encoding="utf-8")
    domains = set(re.findall(r'"email":"[^"@]+@([^"]+)"', text))
    assert domains
    assert all(re.search(r"(^|\.)example(\.com|\.net|\.org)?$", domain) for domain in domains)
    assert not re.search(r"20\d\d-\d\d-\d\d", text)


def test_the_customers_are_of_every_kind() -> None:
    lines = read_example(CUSTOMERS)
    about = json.loads(CUSTOMERS.read_text(encoding="utf-8").partition("\n")[0])
    assert dict(Counter(line.do for line in lines)) == about["lines"]
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    charged = {line.order for line in lines if line.do == "charge"}
    assert {
        line.order for line in lines if line.do in ("pay", "fail", "refund", "cancel")
    } <= charged
    asked = [line.body for line in lines if line.do == "evaluate"]
    assert {body["isMIT"] for body in asked} == {True, False}
    assert {body.get("orderSource", "ecommerce") for body in asked} == {"ecommerce", "callcenter"}
    assert all(
        classify(card_number(card)) is not None for line in lines for card in cards_in(line.body)
    )
    text = CUSTOMERS.read_text(encoding="utf-8")
    domains = set(re.findall(r'"email":"[^"@]+@([^"]+)"', text))
    assert all(re.search(r"(^|\.)example(\.com|\.net|\.org)?$", domain) for domain in domains)
    assert not re.search(r"20\d\d-\d\d-\d\d", text)
