"""The sandbox's bank: it takes every file and pays a day later, but for accounts that say by their
number what happens.

It remembers nothing: the same payout always ends the same, however often it is sent or inquired
about.
"""

from datetime import timedelta
from typing import Final

from recoup.bank.gateways.files import ByHand
from recoup.bank.gateways.nacha import SANDBOX
from recoup.processors.gateways.bank import Answer, BankFile, Transfer
from recoup.processors.gateways.port import Outcome

# last digits of the account number -> what becomes of a payout to it
MAGIC: Final = {
    "0002": "returned: R02, the account is closed", "0003": "returned: R03, there is no such account",
    "0020": "returned: R20, the account takes no transfers", "0099": "the bank is silent when the file is sent",
}  # fmt: skip


class SandboxBank(ByHand):
    asks_after: timedelta | None = timedelta(days=1)
    shows_deposits = True

    def __init__(self) -> None:
        super().__init__(SANDBOX)

    async def send(self, transfer: Transfer, file: BankFile) -> Outcome:
        if transfer.account.account.endswith("0099"):
            return Outcome("unknown", text="time-out")
        return await super().send(transfer, file)

    async def answer(self, transfer: Transfer) -> Answer | None:
        scripted = MAGIC.get(transfer.account.account[-4:], "")
        if scripted.startswith("returned: "):
            return Answer("returned", scripted.removeprefix("returned: "))
        return Answer("paid")
