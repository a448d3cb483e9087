"""Log of an endpoint's deliveries and answers, for the people who look after it."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kit.world import World
from recoup.merchants.flows.cells import ask_each
from recoup.orders.rules.events import Rendered, render
from recoup.outside.web.guard import check_url
from recoup.stablecoin.rules.stable_events import render_stable
from recoup.webhooks.flows.endpoints import Endpoint, homes_of, names_in, new_signing_key
from recoup.webhooks.flows.post import event_of
from recoup.webhooks.rules.mask import masked, masked_headers
from recoup.webhooks.rules.samples import sample_event
from recoup.webhooks.store.deliveries import EventTry, LogLine, read_log, read_try

RESULTS: Final = ("delivered", "failed", "parked", "disabled")
BODY_CHARS_MAX: Final = 20_000


@frozen
class LogQuery:
    """Filter of the log: one result, one event as the endpoint's dialect names it, attempts older
    than `before`."""

    result: str | None = None
    event: str | None = None
    before: UUID | None = None


@frozen
class Delivery:
    """A delivery attempt. `headers` and `body` are rebuilt from the event: None when it is no
    longer known."""

    row: EventTry
    event: str
    headers: Mapping[str, str] | None
    body: str | None
    answer: str


async def log_of(
    world: World, endpoint: Endpoint, query: LogQuery, limit: int
) -> tuple[list[LogLine], UUID | None]:
    """Newest first, with what is tried next; and before which try the next page begins, None when
    that was all.

    Raises: Problem(invalid) for a result or an event that is none of this endpoint's.
    """
    if query.result is not None and query.result not in RESULTS:
        raise invalid("There is no such result.", "result", "One of " + ", ".join(RESULTS) + ".")
    known = names_in(endpoint.format)
    if query.event is not None and query.event not in known:
        raise invalid(
            Sentence("There is no event {0}.", repr(query.event[:64])),
            "event",
            "Choose one of the list.",
        )
    event = (query.event, known[query.event]) if query.event else None
    pages = await ask_each(
        world,
        lambda cell: read_log(
            cell.db,
            endpoint.endpoint_id,
            before=query.before,
            result=query.result,
            event=event,
            limit=limit,
        ),
        homes_of(world, endpoint),
    )
    pages.check()
    rows, before = _merged([page for _, page in pages.said], limit)
    wire_names = _wire_names(endpoint)
    return [replace(row, event=wire_names.get(row.event, row.event)) for row in rows], before


def _merged(
    pages: list[tuple[list[LogLine], UUID | None]], limit: int
) -> tuple[list[LogLine], UUID | None]:
    """One page of several cells': it ends where the first of them has not looked further."""
    if len(pages) == 1:
        return pages[0]
    end = max((before for _, before in pages if before is not None), default=None)
    rows = [row for page, _ in pages for row in page if end is None or row.try_id >= end]
    rows.sort(key=lambda row: row.try_id, reverse=True)
    return (rows, end) if len(rows) <= limit else (rows[:limit], rows[limit - 1].try_id)


async def delivery_of(
    world: World, merchant_id: UUID | None, endpoint: Endpoint, try_id: UUID, *, clear: bool
) -> Delivery:
    """The attempt with the request that it sent, proofs hidden, and the receiver's answer, secrets
    hidden, and unless `clear` the order's customer, too. Without `merchant_id` it may be of any
    merchant that the endpoint hears of.

    Raises: Problem(not_found).
    """
    tries = await ask_each(
        world,
        lambda cell: read_try(cell.db, merchant_id, endpoint.endpoint_id, try_id, clear=clear),
        homes_of(world, endpoint) if merchant_id is None else [world],
    )
    row = next((row for _, row in tries.said if row is not None), None)
    if row is None:
        tries.check()
        raise Problem("not_found", "There is no such delivery.", cure="Check the endpoint's log.")
    sent = _sent(world, endpoint, row)
    name = _wire_names(endpoint).get(row.event, row.event) if row.sample is None else row.sample
    body = sent.body.decode("utf-8", "replace") if sent else None
    return Delivery(
        row,
        name or "",
        masked_headers(sent.headers) if sent else None,
        body and body[:BODY_CHARS_MAX],
        masked(row.answer, [endpoint.signing_key]),
    )


def _wire_names(endpoint: Endpoint) -> dict[str | None, str]:
    """The event in the outbox -> its name in the endpoint's dialect."""
    return {ours: wire for wire, ours in names_in(endpoint.format).items()}


def _sent(world: World, endpoint: Endpoint, row: EventTry) -> Rendered | None:
    """The body is the same at each try; whom it is signed for is hidden afterwards, so any key will
    do."""
    stable = endpoint.format == "stablecoin"
    at: datetime = row.at - timedelta(milliseconds=row.latency_ms)
    if row.sample is not None:
        if row.sample not in names_in(endpoint.format):
            return None
        event = sample_event(row.sample, stable, row.event_id, row.merchant_id, None, at)
    elif row.body is None:
        return None
    else:
        event = event_of(row, row.seq, world.policy.test_mode, resent=row.resent)
    if stable:
        return render_stable(event, new_signing_key(), at, encrypt=False)
    checked = check_url(endpoint.url, loopback=world.policy.loopback_webhooks)
    host = "" if isinstance(checked, Problem) else checked.host_header
    form: Any = endpoint.format
    return render(event, form, [new_signing_key()], host, secrets.token_hex(16), at)
