"""Whatever an order says to somebody's attention has a cure and somebody to ask."""

import re
from pathlib import Path

import recoup.moves
from recoup.doors.portal.order.held import _CURES

MOVES = Path(next(iter(recoup.moves.__path__)))
CONSTANT = re.compile(r'^(?:PAID_TWICE|SILENT|REFUNDED_BEFORE|NOT_SENT|PAID_TOO|RETRYING) = "([^"]+)"', re.M)
SAID = re.compile(r'attention = f?"([^"]+)"')
# What the page of a stablecoin order tells in words of its own (order/waiting).
WAITING = ("A settlement is", "Paid after its end")


def test_each_text_that_moves_set_has_its_cure() -> None:
    texts = [found for file in MOVES.glob("*.py") for pattern in (CONSTANT, SAID)
             for found in pattern.findall(file.read_text())]  # fmt: skip
    assert len(texts) >= 8
    for text in texts:
        told = text.replace("{dispute.dispute_no}", "1").replace("{refund.kind}", "refund")
        assert told.startswith((*WAITING, *(one[0] for one in _CURES))), text
