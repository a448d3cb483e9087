"""Whatever an order says to somebody's attention has a cure and somebody to ask."""

import re
from pathlib import Path

import recoup.moves
from recoup.doors.portal.order.held import _CURES
from recoup.rules.order.attention import FOR_PEOPLE, STUCK, late

MOVES = Path(next(iter(recoup.moves.__path__)))
CONSTANT = re.compile(r'^(?:SILENT|REFUNDED_BEFORE|NOT_SENT|RETRYING|DELAYED|STUCK|PAID_LATE) = "([^"]+)"', re.M)
SAID = re.compile(r'raise_attention\(f?"([^"]+)"|^    return f"([^"]+dispute_no[^"]+)"', re.M)
# What the page of a stablecoin order tells in words of its own (order/waiting).
WAITING = ("A settlement is", "Paid after its end")


def test_each_text_that_moves_set_has_its_cure() -> None:
    texts = [found[found.lastindex or 1] for file in MOVES.glob("*.py") for pattern in (CONSTANT, SAID)
             for found in pattern.finditer(file.read_text())]  # fmt: skip
    assert len(texts) == 10
    for text in (*texts, *FOR_PEOPLE, STUCK, late(1)):
        told = text.replace("{dispute.dispute_no}", "1").replace("{refund.kind}", "refund").replace("{kind}", "refund")
        assert told.startswith((*WAITING, *(one[0] for one in _CURES))), text
