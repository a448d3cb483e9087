"""Alerts that the people of a merchant should hear of, and the due work that carries each to
them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from msgspec.structs import asdict

from recoup.db.statement import Tx
from recoup.kernel.ids import new_id
from recoup.kernel.time import WallTime
from recoup.merchants.store.partner_alerts import add_partner_alert
from recoup.networks.codes import Reading
from recoup.networks.monitoring import Standing
from recoup.notifications.rules import drift
from recoup.notifications.rules.rescue_rate import Counted, judge
from recoup.notifications.store.alerts import (
    FailingEndpoint,
    last_orders_alert,
    lock_feed,
    waiting_since,
)
from recoup.notifications.store.rescue_watches import lock_drift, lock_watch, save_drift, save_watch
from recoup.orders.store.changes import Rows, write
from recoup.orders.store.rows import DueKey, DueWork, NewAlert

UNLISTED: Final = "unlisted_code"
WEEK_SECONDS: Final = 604_800
APART: Final = timedelta(hours=1)  # what somebody hears of orders of one merchant


def alert(
    rows: Rows,
    merchant_id: UUID,
    kind: str,
    about: UUID,
    step: int,
    facts: dict[str, Any],
    wall: WallTime,
    only_for: UUID | None = None,
) -> None:
    """A second one of the same kind about the same thing and step is none. `only_for`: the person
    who alone hears."""
    alert_id = new_id()
    rows.alerts.append(
        NewAlert(
            merchant_id=merchant_id,
            alert_id=alert_id,
            kind=kind,
            about=about,
            step=step,
            facts=facts,
            user_id=only_for,
            created_at=wall,
        )
    )
    rows.due_work.append(DueWork(merchant_id, "alert", alert_id, wall, wall=True))


async def alert_now(
    tx: Tx,
    merchant_id: UUID,
    kind: str,
    about: UUID,
    step: int,
    facts: dict[str, Any],
    wall: WallTime,
) -> None:
    rows = Rows()
    alert(rows, merchant_id, kind, about, step, facts, wall)
    await write(tx, rows)


def alert_unlisted(rows: Rows, merchant_id: UUID, reading: Reading, wall: WallTime) -> None:
    """Raises an alert of a code or an advice that is on no list, once a week."""
    for kind, code in (("code", reading.unlisted_code), ("advice", reading.unlisted_advice)):
        if code is not None:
            about = uuid5(NAMESPACE_URL, f"{reading.scheme}:{kind}:{code}")
            alert(
                rows,
                merchant_id,
                UNLISTED,
                about,
                int(wall.timestamp()) // WEEK_SECONDS,
                {"scheme": reading.scheme, "kind": kind, "code": code},
                wall,
            )


async def gather_orders(tx: Tx, merchant_id: UUID, wall: WallTime) -> None:
    """Raises a single alert of all orders that came to wait for a person since the last one; an
    hour after it at the earliest."""
    until = await lock_feed(tx, merchant_id)
    last = await last_orders_alert(tx, merchant_id)
    rows, key = Rows(), DueKey(merchant_id, "orders_alert", merchant_id)
    since = await waiting_since(tx, merchant_id, last.feed_no, until)
    if since.orders and last.alerted_at and wall < last.alerted_at + APART:
        rows.due_work.append(key.at(last.alerted_at + APART, wall=True))
    else:
        if until > last.feed_no:
            alert(rows, merchant_id, "orders", merchant_id, until, asdict(since), wall)
        if not since.orders:
            rows.due_work.clear()  # kept as the place up to which was looked; nobody hears of it
        rows.due_done.append(key)
    await write(tx, rows)


async def alert_endpoints(tx: Tx, endpoints: list[FailingEndpoint], wall: WallTime) -> None:
    """Raises alerts of endpoints whose breaker has just opened, or that were just switched off:
    once for each time that they failed."""
    rows = Rows()
    for row in endpoints:
        off = row.state == "disabled"
        since: datetime = row.failing_since or row.created_at
        facts = {
            "endpoint_id": str(row.endpoint_id),
            "host": row.host,
            "state": "disabled" if off else "open",
        }
        about, step = row.endpoint_id, 2 * int(since.timestamp()) + off
        if row.partner_id:
            await add_partner_alert(
                tx, row.partner_id, new_id(), "partner_webhook", about, step, facts, wall
            )
        elif row.merchant_id:
            alert(rows, row.merchant_id, "webhook", about, step, facts, wall)
    await write(tx, rows)


async def alert_of_rate(
    tx: Tx, merchant_id: UUID, recent: Counted, before: Counted, wall: WallTime
) -> None:
    """Raises an alert of a fall that has none yet; a fall that is over is forgotten, so that the
    next raises one."""
    verdict = judge(recent, before, fallen=(await lock_watch(tx, merchant_id)) is not None)
    if verdict is None:
        return
    await save_watch(tx, merchant_id, wall if verdict == "fell" else None)
    if verdict == "fell":
        facts = {"recent": list(recent), "before": list(before)}
        await alert_now(
            tx, merchant_id, "rate", merchant_id, int(wall.timestamp() * 1_000), facts, wall
        )


async def alert_of_drift(
    tx: Tx, merchant_id: UUID, model: str, counted: drift.Counted, wall: WallTime
) -> None:
    """Raises an alert of a model that fits no more and has none yet; one that fits again is
    forgotten."""
    reported_model = await lock_drift(tx, merchant_id)
    if counted.verdict == "drifted" and reported_model != model:
        await save_drift(tx, merchant_id, model)
        facts = {
            "model": model,
            "days": drift.DAYS,
            "tries": counted.tries,
            "expected": round(counted.expected),
            "approved": counted.approved,
        }
        await alert_now(
            tx, merchant_id, "drift", merchant_id, int(wall.timestamp() * 1_000), facts, wall
        )
    elif counted.verdict == "fits" and reported_model is not None:
        await save_drift(tx, merchant_id, None)


async def alert_of_route(tx: Tx, merchant_id: UUID, facts: dict[str, Any], wall: WallTime) -> None:
    """Raises an alert once for each time that a route's processor begins to refuse its account;
    `facts`: `route`, whether it is the merchant's `own`, and the processor's `code` and `text`.
    `merchant_id`: whose payment it was."""
    about = uuid5(NAMESPACE_URL, f"route:{facts['route']}")
    await alert_now(tx, merchant_id, "processor", about, int(wall.timestamp() * 1_000), facts, wall)


async def alert_of_programs(
    tx: Tx, merchant_id: UUID, alarming: Iterable[Standing], wall: WallTime
) -> None:
    """Raises an alert once a month for half of a merchant number's threshold, and once for the
    whole."""
    rows = Rows()
    for alarm in alarming:
        name = f"{alarm.of.program} {alarm.of.level}"
        about = uuid5(NAMESPACE_URL, f"monitoring:{name}:{alarm.acceptor_id}")
        step = 10 * (12 * alarm.month.year + alarm.month.month) + (
            2 if alarm.state == "over" else 1
        )
        facts = {
            "program": name,
            "state": alarm.state,
            "acceptor": alarm.acceptor_id,
            "cases": alarm.cases,
            "cases_min": alarm.of.cases_min,
            "basis_points": alarm.basis_points,
            "basis_points_min": alarm.of.basis_points,
        }
        alert(rows, merchant_id, "monitoring", about, step, facts, wall)
    await write(tx, rows)


async def alert_of_decision(
    tx: Tx, merchant_id: UUID, request_id: UUID, state: str, wall: WallTime
) -> None:
    """The operator has decided whether the merchant goes live."""
    await alert_now(
        tx, merchant_id, "go_live", request_id, 1, {"request_id": request_id, "state": state}, wall
    )
