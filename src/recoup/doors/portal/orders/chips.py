"""What is set, in words, each with what takes it off."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from recoup.doors.portal.orders.query import ALL_DAYS, ANY_AMOUNT, Query
from recoup.doors.portal.words import CHANNELS, STATUSES
from recoup.rules.lists.words import REASON_WORDS, scheme_word
from recoup.rules.stable.channels import CHANNELS as CHAINS
from recoup.store.merchants.merchants import MerchantSettings


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter that is set: in words, and the changes that take it off."""

    words: str
    without: Mapping[str, Any]


def chips(query: Query, settings: MerchantSettings) -> list[Chip]:
    """In the order of the filters."""
    return [
        Chip(words, without) for words, without in (*_of_kind(query, settings), *_of_order(query), *_of_money(query))
    ]


def _of_kind(query: Query, settings: MerchantSettings) -> Iterator[tuple[str, dict[str, Any]]]:
    if query.text:
        yield f"Search: {query.text}", {"text": ""}
    if query.statuses:
        yield f"Status: {', '.join(STATUSES[s].word for s in query.statuses)}", {"statuses": ()}
    if query.reasons:
        yield f"Reason: {', '.join(REASON_WORDS[one] for one in query.reasons)}", {"reasons": ()}
    if query.channels:
        yield f"Type: {', '.join(CHANNELS[c][0] for c in query.channels)}", {"channels": ()}
    if query.chain:
        yield f"Channel: {CHAINS[query.chain].name}", {"chain": ""}
    if query.site:
        names = {site.site_id: site.name for site in settings.sites}
        yield f"Site: {names.get(query.site, query.site)}", {"site": None}
    if query.campaign:
        keys = {one.campaign_id: one.name or one.key for one in settings.campaigns}
        yield f"Campaign: {keys.get(query.campaign, query.campaign)}", {"campaign": None}


def _of_order(query: Query) -> Iterator[tuple[str, dict[str, Any]]]:
    if query.order_ids:
        one = len(query.order_ids) == 1
        yield f"Order Id: {query.order_ids[0] if one else f'{len(query.order_ids)} chosen'}", {"order_ids": ()}
    if query.external:
        yield f"External order: {query.external}", {"external": ""}
    if query.placed != ALL_DAYS:
        yield f"Placed: {query.placed.words()}", {"placed": ALL_DAYS}
    if query.created != ALL_DAYS:
        yield f"Created: {query.created.words()}", {"created": ALL_DAYS}
    if query.attempts:
        yield f"Attempts: {query.attempts} or more", {"attempts": 0}
    if query.expires:
        yield f"Expires within {hours_words(query.expires)}", {"expires": 0}
    if query.attention:
        yield "Needs attention", {"attention": False}


def _of_money(query: Query) -> Iterator[tuple[str, dict[str, Any]]]:
    if query.amount != ANY_AMOUNT:
        yield f"Amount: {query.amount.words()}", {"amount": ANY_AMOUNT}
    if query.currency:
        yield f"Currency: {query.currency}", {"currency": ""}
    if query.descriptor:
        yield f"Descriptor: {query.descriptor}", {"descriptor": ""}
    if query.code:
        words = f"{query.code} ({query.code_source})" if query.code_source else query.code
        yield f"Decline code: {words}", {"code": "", "code_source": ""}
    if query.brand:
        yield f"Card brand: {scheme_word(query.brand)}", {"brand": ""}
    if query.issuer:
        yield f"Card begins with {query.issuer}", {"issuer": ""}
    if query.last4:
        yield f"Card ends in {query.last4}", {"last4": ""}
    if query.refunded is not None:
        yield "Refunded, all or in part" if query.refunded else "Nothing refunded", {"refunded": None}


def hours_words(hours: int) -> str:
    if hours % 24 or hours < 48:
        return f"{hours} hour{'' if hours == 1 else 's'}"
    return f"{hours // 24} days"
