"""The hosted page of an order on a chain: where to send what, what came, and what to do when something went wrong.

The QR code is the plain address: one with a payment URI has sent money to tokens' contracts, so links to wallets stand
beside it. The page asks for itself again while something may still come, unless its reader holds it still.
"""

from typing import Any, Final, Literal
from urllib.parse import parse_qsl

import segno
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from recoup.doors.checkout.visit import Visit, problem_texts, render
from recoup.features.chains import intake, store
from recoup.features.chains.abi import to_hex
from recoup.features.chains.addresses import shown
from recoup.features.chains.channels import NETWORK_PRESETS, ChannelSettings
from recoup.features.chains.seen import Seen, seen_of
from recoup.features.chains.transfers import can_refund, give_address
from recoup.flows.world import World
from recoup.kernel.problem import Problem
from recoup.rules.order.lifecycle import OPEN
from recoup.rules.stable.amounts import text_like
from recoup.rules.stable.words import order_status
from recoup.store.stable.stable_orders import StableOrder

WAITING_SECONDS: Final = 10
COUNTING_SECONDS: Final = 5
FIELDS_MAX: Final = 20
State = Literal["waiting", "partial", "counting", "paid", "expired", "closed"]


async def chain_page(visit: Visit, order: StableOrder) -> Response | None:
    """None for an order of another channel, or of one that is not served any more."""
    world = visit.checkout.world
    merchant = (await visit.checkout.merchants.get(order.merchant_id)).merchant
    now = merchant.business(world.clocks.wall())
    over = order.expires_at is not None and order.expires_at <= now
    common = {
        "order": order,
        "merchant": merchant.name,
        "subject": order.facts.get("subject") or "",
        "description": order.facts.get("description") or "",
        "return_url": order.facts.get("return_url"),
        "cancel_url": order.facts.get("cancel_url"),
        "test": world.policy.test_mode,
        "link": visit.address,
        "now": now,
    }
    seen = await seen_of(world, order)
    typed, problem = "", None
    if visit.request.method == "POST":
        fields = await _fields(visit)
        typed = fields.get("to_address", "")
        try:
            if "channel" not in fields:
                await give_address(world, order, typed)
            elif not (order.channel or over):
                await intake.pick(
                    world, await visit.checkout.merchants.get(order.merchant_id), order, fields["channel"]
                )
        except Problem as wrong:
            if wrong.code != "invalid" or seen is None:
                raise
            problem = wrong
        else:
            saved = "" if "channel" in fields else "?saved=1"
            return RedirectResponse(f"{visit.address}{saved}", status_code=303)
    if seen is None:
        networks = [] if over or "simulate" in visit.request.query_params else await intake.choices(world, order)
        named = [{"code": one.code, "title": NETWORK_PRESETS[one.network].title} for one in networks]
        return render("chains/network.html", visit.language, common | {"networks": named}) if named else None
    status = order_status(order.stage, order.units, order.refunded_units)
    state = _state(order, seen, over=over)
    still = visit.request.query_params.get("still") == "1"
    moving = {"waiting": WAITING_SECONDS, "partial": WAITING_SECONDS, "counting": COUNTING_SECONDS}.get(state)
    chain = order.facts["chain"]
    values = common | {
        "state": state,
        "status": status,
        "still": still,
        "moving": moving is not None,
        "network": NETWORK_PRESETS[seen.channel.network].title,
        "others": ", ".join(_others(seen.channel)),
        "deposit_address": chain["address"],
        "qr": qr_svg(chain["address"]) if state in ("waiting", "partial") else "",
        "wallets": _wallet_links(seen, chain["address"]),
        "progress": seen.progress,
        "refund": await _refund(world, order, seen, typed) if state == "paid" else None,
        "saved": "saved" in visit.request.query_params and not problem,
        "wrong": problem_texts(visit.language, problem) if problem else None,
        **_amounts(order, seen, state),
    }
    status_code = 400 if problem else 200
    return render("chains/charge.html", visit.language, values, status=status_code, again_in=None if still else moving)


async def _fields(visit: Visit) -> dict[str, str]:
    """Raises: Problem(invalid)."""
    try:
        return dict(parse_qsl((await visit.request.body()).decode("latin-1"), max_num_fields=FIELDS_MAX))
    except ValueError:
        raise Problem("invalid", "That is not the page's form.", cure="Press the button on the page.") from None


async def _refund(world: World, order: StableOrder, seen: Seen, typed: str) -> str | None:
    """The value of the field for the refund address; None: nothing can be refunded from here."""
    if not can_refund(order):
        return None
    row = await store.address_of_order(world.db.reader, order.merchant_id, order.order_id)
    if row is not None and row.refund_by == "merchant":
        return None
    given = row.refund_to if row is not None else None
    return typed or (shown(given, seen.channel.kind) if given else "")


def _others(own: ChannelSettings) -> list[str]:
    """Networks on which the same address is watched for the same asset."""
    alike = (one for one in intake.all_served(own.world) if (one.kind, one.asset) == (own.kind, own.asset))
    return sorted({NETWORK_PRESETS[one.network].title for one in alike if one.network != own.network})


def _state(order: StableOrder, seen: Seen, *, over: bool) -> State:
    if order.paid_at is not None:
        return "paid"
    came = seen.received_units + seen.on_its_way_units > 0
    if came and not seen.rest_units and (order.stage in OPEN or not seen.outcome.unmatched and seen.outcome.seen):
        return "counting"
    if order.stage in OPEN and not over:
        return "partial" if came else "waiting"
    ended_by_time = order.stage in OPEN or order_status(order.stage, order.units, order.refunded_units) == "expired"
    return "expired" if ended_by_time else "closed"


def _amounts(order: StableOrder, seen: Seen, state: State) -> dict[str, Any]:
    """`listed`: the transfers that count, where the page says no other word of them."""

    def text(units: int) -> str:
        return text_like(units, order.asset, order.amount_text)

    excess = seen.channel.book(seen.outcome.excess)
    counting = [one for one in seen.deposits if one.counts]
    has_explorer = any(one.channel and one.channel.explorer for one in counting)
    return {
        "listed": len(counting) > (state in ("counting", "paid")) or has_explorer,
        "kept": any(one.log.state != "orphaned" for one in seen.deposits),
        "rest": text(seen.rest_units),
        "came": text(seen.received_units + seen.on_its_way_units),
        "excess": text(excess) if excess else "",
        "deposits": [
            {
                "amount": one.amount_like(order.amount_text),
                "asset": one.channel.asset if one.channel else "",
                "counts": one.counts,
                "state": one.log.state,
                "progress": one.progress,
                "link": one.channel.link("tx", one.log.tx) if one.channel else "",
            }
            for one in seen.deposits
        ],
    }


def qr_svg(text: str) -> Markup:
    """Dark on the stylesheet's light ground, whose padding is the rest of its quiet zone."""
    drawn = segno.make(text, error="m", micro=False)
    svg = drawn.svg_inline(border=2, dark="#10201b", omitsize=True, svgclass="qr", lineclass=None)
    return Markup(svg)  # noqa: S704 - drawn by us: squares and numbers only


def _wallet_links(seen: Seen, address: str) -> tuple[str, str] | None:
    """An EIP-681 link and MetaMask's own, with token, network and the remaining amount; none on TRON."""
    channel = seen.channel
    if channel.kind != "evm":
        return None
    token = to_hex(channel.token)
    units = channel.base(seen.rest_units)
    target = f"{token}@{channel.chain_id}/transfer?address={address}&uint256={units}"
    return f"ethereum:{target}", f"https://link.metamask.io/send/{target}"
