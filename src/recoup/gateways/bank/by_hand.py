"""Without a connection to a bank: somebody fetches the file, carries it there, and says what became of it."""

from datetime import timedelta

from recoup.gateways.bank.files import bank_file
from recoup.gateways.bank.nacha import Originator
from recoup.gateways.bank.port import Answer, BankFile, Transfer
from recoup.gateways.cards.port import Outcome


class ByHand:
    """The file is ready to be fetched as soon as it is made. Without an originator it is a CSV for every account."""

    asks_after: timedelta | None = None
    shows_deposits = False

    def __init__(self, originator: Originator | None = None) -> None:
        self._originator = originator

    def file(self, transfer: Transfer) -> BankFile:
        return bank_file(transfer, self._originator)

    async def send(self, transfer: Transfer, file: BankFile) -> Outcome:
        return Outcome("approved", reference=file.name)

    async def answer(self, transfer: Transfer) -> Answer | None:
        return None
