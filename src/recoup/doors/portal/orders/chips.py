"""What is set, in words, each with what takes it off."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from recoup.doors.portal.orders.query import ALL_DAYS, ANY_AMOUNT, Query
from recoup.doors.portal.words import CHANNELS, STATUSES
from recoup.kernel.sentence import Sentence, joined
from recoup.rules.lists.cells import REASON_WORDS, scheme_word
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
        yield Sentence("Search: {0}", query.text), {"text": ""}
    if query.statuses:
        yield Sentence("Status: {0}", joined((STATUSES[s].word for s in query.statuses), ", ")), {"statuses": ()}
    if query.reasons:
        yield Sentence("Reason: {0}", joined((REASON_WORDS[one] for one in query.reasons), ", ")), {"reasons": ()}
    if query.channels:
        yield Sentence("Type: {0}", joined((CHANNELS[c][0] for c in query.channels), ", ")), {"channels": ()}
    if query.chain:
        yield Sentence("Channel: {0}", CHAINS[query.chain].name), {"chain": ""}
    if query.site:
        names = {site.site_id: site.name for site in settings.sites}
        yield Sentence("Site: {0}", names.get(query.site, query.site)), {"site": None}
    if query.campaign:
        keys = {one.campaign_id: one.name or one.key for one in settings.campaigns}
        yield Sentence("Campaign: {0}", keys.get(query.campaign, query.campaign)), {"campaign": None}


def _of_order(query: Query) -> Iterator[tuple[str, dict[str, Any]]]:
    if query.order_ids:
        one = len(query.order_ids) == 1
        yield (
            Sentence("Order Id: {0}", query.order_ids[0] if one else Sentence("{0} chosen", len(query.order_ids))),
            {"order_ids": ()},
        )
    if query.external:
        yield Sentence("External order: {0}", query.external), {"external": ""}
    if query.placed != ALL_DAYS:
        yield Sentence("Placed: {0}", query.placed.words()), {"placed": ALL_DAYS}
    if query.created != ALL_DAYS:
        yield Sentence("Created: {0}", query.created.words()), {"created": ALL_DAYS}
    if query.attempts:
        yield Sentence("Attempts: {0} or more", query.attempts), {"attempts": 0}
    if query.expires:
        yield Sentence("Expires within {0}", hours_words(query.expires)), {"expires": 0}
    if query.attention:
        yield "Needs attention", {"attention": False}


def _of_money(query: Query) -> Iterator[tuple[str, dict[str, Any]]]:
    if query.amount != ANY_AMOUNT:
        yield Sentence("Amount: {0}", query.amount.words()), {"amount": ANY_AMOUNT}
    if query.currency:
        yield Sentence("Currency: {0}", query.currency), {"currency": ""}
    if query.descriptor:
        yield Sentence("Descriptor: {0}", query.descriptor), {"descriptor": ""}
    if query.code:
        words = f"{query.code} ({query.code_source})" if query.code_source else query.code
        yield Sentence("Decline code: {0}", words), {"code": "", "code_source": ""}
    if query.brand:
        yield Sentence("Card brand: {0}", scheme_word(query.brand)), {"brand": ""}
    if query.issuer:
        yield Sentence("Card begins with {0}", query.issuer), {"issuer": ""}
    if query.last4:
        yield Sentence("Card ends in {0}", query.last4), {"last4": ""}
    if query.refunded is not None:
        yield "Refunded, all or in part" if query.refunded else "Nothing refunded", {"refunded": None}


def hours_words(hours: int) -> str:
    if hours % 24 or hours < 48:
        return Sentence("{0} hour{1}", hours, "" if hours == 1 else "s")
    return Sentence("{0} days", hours // 24)
