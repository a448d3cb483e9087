"""/find: one field for pages, for what is begun there, and for orders and customers."""

from typing import Final

from recoup.kernel.problem import Sentence
from recoup.people.page import menu
from recoup.people.page.account.visit import AccountVisit
from recoup.people.page.menu import Line
from recoup.people.page.pages import Values, account

# By the page, for whoever has it in the menu.
ACTS: Final = {
    "/backtests": Sentence("Run back-test"),
    "/imports": Sentence("Import past attempts"),
    "/webhooks": Sentence("New webhook endpoint"),
    "/keys": Sentence("New API key"),
    "/invitations": Sentence("Invite a person"),
    "/policy": Sentence("Change the retry policy"),
    "/bank": Sentence("New bank account"),
    "/approvals": Sentence("Approve a payout or refund"),
}
# What else people call a page.
ALSO: Final = {
    "/imports": Sentence("prove it, proof, past payments, history, upload"),
    "/uploads": Sentence("upload, import, history"),
    "/backtests": Sentence("prove it, proof"),
}


@account.page("/find", "desk/find.html")
async def find(visit: AccountVisit) -> Values:
    session = visit.session
    lines = [
        *menu.top(session),
        *(line for group in menu.groups(session, "") for line in group.lines),
    ]
    acts = [
        Line(line.address, "right", ACTS[line.address], 0) for line in lines if line.address in ACTS
    ]
    if any(line.address == "/uploads" for line in lines):
        acts.append(Line("/imports", "right", ACTS["/imports"], 0))
    return dict(lines=lines + acts, also=ALSO)
