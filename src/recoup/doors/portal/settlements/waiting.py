"""Payouts that wait for somebody, each with where it would go and why this person cannot approve it now."""

from msgspec.structs import asdict, replace

from recoup.doors.portal.visit import Visit
from recoup.kernel.problem import Problem
from recoup.rules.money.bank_payout import check_approval
from recoup.store.money.bank import ActiveAccount, PayoutRow, active_account, open_payouts, payouts_of
from recoup.store.money.settlement import account_delay
from recoup.store.statement import Read


class WaitingPayout(PayoutRow, frozen=True):
    """`to`: the masked account, or none; `not_now`: empty when this person may approve it; `back`: why the try before
    came back, and `same`: it would go to that account again."""

    to: str | None
    not_now: str
    back: str | None = None
    same: bool = False


async def waiting_payouts(visit: Visit, connection: Read, asset: str | None) -> list[WaitingPayout]:
    """Oldest first."""
    rows = await open_payouts(connection, visit.merchant_id, asset)
    created = {row.asset for row in rows if row.state == "created"}
    accounts = {one: await active_account(connection, visit.merchant_id, one) for one in created}
    delays = {
        one: await account_delay(connection, visit.merchant_id, account.active_at, visit.now)
        for one, account in accounts.items()
        if account
    }
    shown = []
    for row in rows:
        account = accounts.get(row.asset)
        one = _shown(visit, row, account, delays.get(row.asset, 0))
        if row.payout_no > 1 and row.state == "created":
            before = (await payouts_of(connection, visit.merchant_id, row.batch_id))[row.payout_no - 2]
            same = account is not None and account.account_id == before.account_id
            one = replace(one, back=before.reason, same=same)
        shown.append(one)
    return shown


def _shown(visit: Visit, row: PayoutRow, account: ActiveAccount | None, delay_days: int) -> WaitingPayout:
    not_now = ""
    if row.state == "created":
        try:
            check_approval(row, account, visit.scope.actor.text(), visit.now, delay_days)
        except Problem as problem:
            not_now = problem.message
    to = row.masked or (account.masked if account else None)
    return WaitingPayout(**asdict(row), to=to, not_now=not_now)
