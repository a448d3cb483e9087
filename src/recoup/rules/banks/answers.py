"""An answer file of a bank about payouts, whatever its format."""

from collections.abc import Iterable
from io import BytesIO

from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence
from recoup.rules.banks.formats import check_answers, format_of
from recoup.rules.banks.nacha import read_nacha
from recoup.rules.banks.payment_status import read_payment_status
from recoup.rules.files.source import source_of
from recoup.rules.money.bank_answers import BYTES_MAX, PayoutReturn, read_answers


def answers_of(content: bytes) -> list[PayoutReturn]:
    """Each payout's, those that cannot be told with the reason; of a packed file, too. Raises: Problem(invalid),
    Problem(too_large) for what is no such file."""
    if len(content) > BYTES_MAX:
        return read_answers(content)
    source = source_of(BytesIO(content))
    named = format_of(next(iter(source()), b""))
    if named is None:
        return read_answers(content)
    check_answers(named)
    whole = _whole(source())
    return read_nacha(whole) if named == "NACHA" else read_payment_status(whole)


def _whole(pieces: Iterable[bytes]) -> bytes:
    """Raises: Problem(too_large)."""
    found = bytearray()
    for piece in pieces:
        found += piece
        if len(found) > BYTES_MAX:
            message = Sentence("An answer file has at most {0} bytes.", f"{BYTES_MAX:,}")
            raise Problem("too_large", message, cure="Split it.")
    return bytes(found)
