"""An answer file of a bank about payouts, whatever its format."""

from recoup.rules.banks.formats import check_answers, format_of
from recoup.rules.banks.nacha import read_nacha
from recoup.rules.banks.payment_status import read_payment_status
from recoup.rules.money.bank_answers import BYTES_MAX, PayoutReturn, read_answers


def answers_of(content: bytes) -> list[PayoutReturn]:
    """Each payout's, those that cannot be told with the reason. Raises: Problem(invalid) for what is no such file."""
    named = format_of(content) if len(content) <= BYTES_MAX else None
    if named is None:
        return read_answers(content)
    check_answers(named)
    return read_nacha(content) if named == "NACHA" else read_payment_status(content)
