"""Payouts that wait for somebody, each with where it would go and why this person cannot approve it now."""

from typing import Any

import asyncpg

from recoup.doors.portal.visit import Visit
from recoup.kernel.problem import Problem
from recoup.rules.money.bank_payout import check_approval
from recoup.store.read.bank import active_account, open_payouts


async def waiting_payouts(
    visit: Visit, connection: asyncpg.Connection, asset: str | None, delay_days: int
) -> list[dict[str, Any]]:
    """Oldest first. `to`: the masked account, or none; `not_now`: empty when this person may approve it."""
    rows = await open_payouts(connection, visit.merchant_id, asset)
    created = {row["asset"] for row in rows if row["state"] == "created"}
    accounts = {one: await active_account(connection, visit.merchant_id, one) for one in created}
    return [_shown(visit, row, accounts.get(row["asset"]), delay_days) for row in rows]


def _shown(visit: Visit, row: Any, account: Any, delay_days: int) -> dict[str, Any]:
    told = dict(row) | {"to": row["masked"] or (account["masked"] if account else None), "not_now": ""}
    if row["state"] == "created":
        try:
            check_approval(row, account, visit.scope.actor.text(), visit.now, delay_days)
        except Problem as problem:
            told["not_now"] = problem.message
    return told
