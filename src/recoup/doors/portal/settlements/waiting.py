"""Payouts that wait for somebody, each with where it would go and why this person cannot approve it now."""

from typing import Any

import asyncpg

from recoup.doors.portal.visit import Visit
from recoup.kernel.problem import Problem
from recoup.rules.money.bank_payout import check_approval
from recoup.store.read.bank import active_account, open_payouts, payouts_of
from recoup.store.read.settlement_terms import account_delay


async def waiting_payouts(
    visit: Visit, connection: asyncpg.Connection, asset: str | None
) -> list[dict[str, Any]]:  # fmt: skip
    """Oldest first. `to`: the masked account, or none; `not_now`: empty when this person may approve it; `back`: why
    the try before came back, and `same`: it would go to that account again."""
    rows = await open_payouts(connection, visit.merchant_id, asset)
    created = {row["asset"] for row in rows if row["state"] == "created"}
    accounts = {one: await active_account(connection, visit.merchant_id, one) for one in created}
    delays = {
        one: await account_delay(connection, visit.merchant_id, account["active_at"], visit.now)
        for one, account in accounts.items() if account
    }  # fmt: skip
    shown = [_shown(visit, row, accounts.get(row["asset"]), delays.get(row["asset"], 0)) for row in rows]
    for told in shown:
        if told["payout_no"] > 1 and told["state"] == "created":
            before = (await payouts_of(connection, visit.merchant_id, told["batch_id"]))[told["payout_no"] - 2]
            account = accounts.get(told["asset"])
            told |= {"back": before["reason"], "same": account and account["account_id"] == before["account_id"]}
    return shown


def _shown(visit: Visit, row: Any, account: Any, delay_days: int) -> dict[str, Any]:
    told = dict(row) | {"to": row["masked"] or (account["masked"] if account else None), "not_now": "",
                        "back": None, "same": False}  # fmt: skip
    if row["state"] == "created":
        try:
            check_approval(row, account, visit.scope.actor.text(), visit.now, delay_days)
        except Problem as problem:
            told["not_now"] = problem.message
    return told
