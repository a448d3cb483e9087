"""Delivery of one event to one receiver: rendered in the endpoint's format, signed, posted.

While a key is being replaced the standard format carries both signatures. The others have room for
one: it is the old key's, until a receiver refuses it and takes the same event signed with the new
one; from then on it is the new one's.
"""

import re
import secrets
from datetime import timedelta
from typing import Final

import structlog

from recoup.kernel.cached import cached
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.kit.world import World
from recoup.networks.card_text import masked_numbers
from recoup.orders.rules.events import Event, Rendered, render
from recoup.outside.web.guard import check_url
from recoup.outside.web.port import ANSWER_BYTES, Answer
from recoup.stablecoin.rules.stable_events import render_stable
from recoup.webhooks.store.deliveries import EventTry
from recoup.webhooks.store.feed import FeedLine
from recoup.webhooks.store.lanes import Lane

log = structlog.get_logger()
ABOUT_ORDERS: Final = frozenset({"order", "stable_order", "subscription"})
UNTRUSTED: Final = frozenset({400, 401, 403, 422, 498})  # how receivers refuse a signature
_CUT_NUMBER: Final = re.compile(r"[0-9](?:[^0-9A-Za-z]{0,3}[0-9]){5,18}[^0-9A-Za-z]{0,3}\Z")


@frozen
class Posted:
    """`switched`: the receiver took what the new key signed, after it had refused the old key's
    signature."""

    answer: Answer
    resent: bool = False
    switched: bool = False


async def post_event(world: World, lane: Lane) -> Posted:
    """`lane` as claimed. Never raises for what the receiver does."""
    resent = lane.live_seq is not None and lane.next_seq < lane.live_seq
    host = _host_of(lane.url, world.policy.loopback_webhooks)
    if host is None:
        return Posted(Answer(None, error="refused_address"), resent)
    try:
        event = event_of(lane, lane.next_seq, world.policy.test_mode, resent=resent)
        keys = _keys(world, lane)
        both = lane.format == "standard"
        sent = (
            [_render(world, lane, event, host, keys)]
            if both
            else [_render(world, lane, event, host, [key]) for key in keys]
        )
    except Exception as error:  # noqa: BLE001
        # it counts as a failed try: backed off, shown, and at last parked
        log.warning("delivery not rendered", lane=str(lane.lane_id), error=type(error).__name__)
        return Posted(Answer(None, error="not_rendered"), resent)
    first, *second = sent
    if first is None:
        return Posted(
            Answer(204, body_start=b"Nothing was sent: this dialect does not tell such an event.")
        )
    answer = await _post(world, lane.url, first)
    if second and second[0] is not None and answer.error is None and answer.status in UNTRUSTED:
        again = await _post(world, lane.url, second[0])
        if again.taken:
            return Posted(again, resent, switched=True)
    return Posted(answer, resent)


def answer_text(answer: Answer) -> str:
    """Text that is kept and shown of a receiver's answer: without card numbers, also one that its
    end cuts."""
    text = answer.body_start.decode("utf-8", "replace").replace("\x00", "")
    if len(answer.body_start) >= ANSWER_BYTES:
        text = _CUT_NUMBER.sub("…", text)
    return masked_numbers(text)


async def _post(world: World, url: str, sent: Rendered) -> Answer:
    seconds = world.policy.webhook_timeout / timedelta(seconds=1)
    return await world.web.post(url, sent.headers, sent.body, timeout_seconds=seconds)


def _keys(world: World, lane: Lane) -> list[str]:
    """Base64, in the order in which they are tried: an old key that still holds before the new
    one."""
    context = f"webhook:{lane.partner_id or lane.merchant_id}"
    assert lane.key is not None
    sealed = [lane.key]
    if lane.previous_key is not None and (lane.format == "standard" or not lane.switched):
        sealed.insert(0, lane.previous_key)
    return [world.keys.open_secret(context, key).decode() for key in sealed]


def _render(world: World, lane: Lane, event: Event, host: str, keys: list[str]) -> Rendered | None:
    """The rendered event; None for one that the endpoint's dialect does not have."""
    wall = world.clocks.wall()
    if lane.format == "stablecoin":
        return render_stable(event, keys[0], wall, encrypt=lane.encrypt)
    return render(event, lane.format, keys, host, secrets.token_hex(16), wall)


@cached(4096)
def _host_of(url: str, loopback: bool) -> str | None:
    """The host as the receiver sees it; None for an address that may not be called."""
    checked = check_url(url, loopback=loopback)
    return None if isinstance(checked, Problem) else checked.host_header


def event_of(
    row: Lane | FeedLine | EventTry, seq: int, test_mode: bool, *, resent: bool = False
) -> Event:
    """The event as the outbox has it. Of a settlement or payout no order is named."""
    assert row.event_id is not None
    assert row.event is not None
    assert row.body is not None
    assert row.business_at is not None
    return Event(
        event_id=row.event_id,
        merchant_id=row.merchant_id,
        site_id=row.site_id,
        order_id=row.subject_id if row.subject_kind in ABOUT_ORDERS else None,
        external_order_id=row.external_id,
        name=row.event,
        sequence=seq,
        business_at=row.business_at,
        data=row.body,
        test_mode=test_mode,
        resent=resent,
    )
