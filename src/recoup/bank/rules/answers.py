"""An answer file of a bank about payouts, whatever its format."""

from io import BytesIO
from typing import Final

from recoup.bank.rules.bank_answers import PayoutReturn, read_answers
from recoup.bank.rules.formats import check_answers, format_of
from recoup.bank.rules.nacha import read_nacha
from recoup.bank.rules.payment_status import read_payment_status
from recoup.kernel.problem import Problem, Sentence, figure
from recoup.kit.files.source import source_of

BYTES_MAX: Final = 5_000_000


def answers_of(content: bytes) -> list[PayoutReturn]:
    """Each payout's, those that cannot be told with the reason; of a packed file, too. Raises:
    Problem(invalid), Problem(too_large) for what is no such file."""
    _check_size(len(content))
    source = source_of(BytesIO(content))
    named = format_of(next(iter(source()), b""))
    if named is None:
        return read_answers(source)
    check_answers(named)
    whole = bytearray()
    for piece in source():
        whole += piece
        _check_size(len(whole))
    return read_nacha(bytes(whole)) if named == "NACHA" else read_payment_status(bytes(whole))


def _check_size(size: int) -> None:
    """Raises: Problem(too_large)."""
    if size > BYTES_MAX:
        raise Problem(
            "too_large",
            Sentence("An answer file has at most {0} bytes.", figure(BYTES_MAX)),
            "Split it.",
        )
