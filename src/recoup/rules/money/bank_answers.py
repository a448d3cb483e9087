"""A bank's answer file: what became of payouts, one a row.

CSV in UTF-8 with a head row: `payout` (its id or its reference), `outcome` (paid or returned), `reason` for a return.
"""

import csv
import io
from typing import Final, NamedTuple

from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence
from recoup.rules.counterpart_text import REFERENCE_MAX, SENTENCE_MAX

BYTES_MAX: Final = 5_000_000
OUTCOMES: Final = ("paid", "returned")


class PayoutReturn(NamedTuple):
    """`line` of the file, from 1; `payout` as it is written there; `outcome`: paid, returned, or a notice that changes
    nothing; `wrong`: why nothing can be done with the row. `units`, `asset`: where the file says them."""

    line: int
    payout: str
    outcome: str
    reason: str
    wrong: str | None = None
    units: int | None = None
    asset: str = ""


def read_answers(content: bytes) -> list[PayoutReturn]:
    """Each row, those that cannot be read with the reason. Raises: Problem(invalid) for what is no such file."""
    if len(content) > BYTES_MAX:
        raise Problem(
            "too_large", Sentence("An answer file has at most {0} bytes.", f"{BYTES_MAX:,}"), cure="Split it."
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(
            "invalid",
            Sentence("The file is not UTF-8 (byte {0}).", error.start),
            field="file",
            cure="Save it as CSV UTF-8.",
        ) from None
    reader = csv.DictReader(io.StringIO(text, newline=""))
    names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    missing = [name for name in ("payout", "outcome") if name not in names]
    if missing:
        raise Problem(
            "invalid",
            Sentence("The first row names no column {0}.", " and ".join(missing)),
            field="file",
            cure="The columns are payout, outcome, reason.",
        )
    reader.fieldnames = names
    found = []
    try:
        for row in reader:
            values = [str(row.get(name) or "").replace("\0", " ").strip() for name in ("payout", "outcome", "reason")]
            found.append(_checked(PayoutReturn(reader.line_num, values[0], values[1].lower(), values[2])))
    except csv.Error as error:
        raise Problem(
            "invalid",
            Sentence("Line {0} cannot be read: {1}.", reader.line_num, error),
            field="file",
            cure="Fix that line, or save the file as CSV UTF-8 again.",
        ) from None
    return found


def _checked(payout_return: PayoutReturn) -> PayoutReturn:
    if not payout_return.payout:
        return payout_return._replace(wrong="names no payout")
    if payout_return.outcome not in OUTCOMES:
        return payout_return._replace(wrong=f"the outcome is neither {' nor '.join(OUTCOMES)}")
    if len(payout_return.payout) > REFERENCE_MAX or len(payout_return.reason) > SENTENCE_MAX:
        return payout_return._replace(
            payout=payout_return.payout[:REFERENCE_MAX],
            reason="",
            wrong=f"the payout or the reason is longer than {SENTENCE_MAX} characters",
        )
    if payout_return.outcome == "returned" and not payout_return.reason:
        return payout_return._replace(wrong="a return needs its reason")
    return payout_return
