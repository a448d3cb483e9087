"""Suggestions for a search: the values that filters know, those closest to a misspelt one, and the
filters that plain words stand for."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from recoup.desk.page.orders.amounts import read_amounts
from recoup.desk.page.orders.query import PRESETS
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import parse_tail
from recoup.kernel.money import EXPONENTS
from recoup.kernel.nearest import nearest
from recoup.kit.lists.folding import fold
from recoup.merchants.store.merchants import Campaign, MerchantSettings, Site
from recoup.networks.code_words import reason_in_words
from recoup.orders.rules.words import REASON_WORDS, SCHEME_WORDS
from recoup.people.page.words import CHANNELS, STATUSES
from recoup.stablecoin.rules.channels import CHANNELS as CHAINS

_TOKEN: Final = re.compile(r'(?<!\S)([A-Za-z][A-Za-z0-9_-]{1,19}):("[^"]*"|\S+)')
# as typed -> the address's parameter
NAMES: Final[dict[str, str]] = {
    "status": "status", "state": "status", "type": "type", "site": "site", "campaign": "campaign",
    "id": "id", "order": "id", "external": "external", "reference": "external", "ref": "external",
    "placed": "placed", "created": "created", "amount": "amount", "currency": "currency",
    "descriptor": "descriptor", "last4": "last4", "card": "last4", "channel": "channel",
    "attempts": "attempts", "expires": "expires", "attention": "attention", "refund": "refunded",
    "refunded": "refunded", "zone": "zone", "sort": "sort", "reason": "reason", "code": "code",
    "decline": "code", "brand": "brand", "scheme": "brand", "issuer": "issuer", "bin": "issuer",
}  # fmt: skip
UNCLEAR_MAX: Final = 5  # are looked into
_REFERENCES: Final = ("reference", "ref")
_IS: Final = {"attention": "attention", "refunded": "refunded"}


class Split(NamedTuple):
    """`text`: the words that are left. `values`: by parameter. `unclear`: filters that could not be
    read; `better`: as they were typed, with what may be meant."""

    text: str
    values: dict[str, list[Any]]
    unclear: list[str]
    better: list[tuple[str, str]]


class Near(Protocol):
    """The filter closest to an unknown name, and the values closest to an unreadable one."""

    def name(self, typed: str) -> str | None: ...
    def values(self, parameter: str, typed: str) -> list[str]: ...


def split_typed(typed: str, read: Callable[[str, str], Any], near: Near) -> Split:
    """`read` answers None for a value that it cannot read. A colon after another word is text,
    unless it is a slip in the name of a filter that takes this value."""
    values: dict[str, list[Any]] = {}
    unclear: list[str] = []
    better: list[tuple[str, str]] = []

    def take(match: re.Match[str]) -> str:
        name, value = match[1].lower(), match[2].strip('"')
        if name in ("is", "has") and value.lower() in (*_IS, "refund"):
            name, value = _IS.get(value.lower(), "refunded"), "1"
        if name not in NAMES or not value:
            meant = near.name(name) if value else None
            if meant is None or read(NAMES[meant], value) is None:
                return match[0]
            unclear.append(match[0])
            better.append((match[0], f"{meant}:{match[2]}"))
            return ""
        if name in _REFERENCES and parse_tail(value) is not None:
            return value  # a reference number of ours, which the search finds as it does any id
        got = read(NAMES[name], value)
        if got is None:
            unclear.append(match[0])
            better.extend(
                (match[0], f'{match[1]}:"{word}"' if " " in word else f"{match[1]}:{word}")
                for word in (near.values(NAMES[name], value) if len(better) < UNCLEAR_MAX else ())
            )
        else:
            values.setdefault(NAMES[name], []).append(got)
        return ""

    text = " ".join(_TOKEN.sub(take, typed).split())
    return Split(text, values, unclear, better)


OFFERED_MAX: Final = 5
CODE_MAX: Final = 64
STATUS_CODES: Final = {s.word.lower().replace(" ", ""): s.code for s in STATUSES.values()} | {
    "paid": 7,
    "pending": 4,
    "canceled": 2,
    "refunded": 6,
    "disputed": 8,
    "hold": 1,
}
# Typed as a status, each is why an order is Cancelled: that alone is meant.
ENDED: Final = {"declined": "declined", "expired": "expired"}


def _letters(text: str) -> str:
    return re.sub("[^a-z]", "", text.lower())


REASONS: Final = {
    _letters(said): reason for reason, word in REASON_WORDS.items() for said in (reason, word)
} | {"noanswer": "challenge_timeout"}
BRANDS: Final = {
    _letters(said): scheme for scheme, word in SCHEME_WORDS.items() for said in (scheme, word)
}
TYPES: Final = {
    "web": "cit_web",
    "phone": "cit_callcenter",
    "callcenter": "cit_callcenter",
    "chain": "stable",
    "on-chain": "stable",
    "stablecoin": "stable",
} | {name: name for name in CHANNELS}
_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "status": (*STATUS_CODES, *ENDED), "type": (*TYPES, "cit"), "reason": (*REASON_WORDS, *REASONS),
    "brand": (*SCHEME_WORDS, *BRANDS), "channel": tuple(CHAINS), "placed": tuple(PRESETS),
    "created": tuple(PRESETS), "currency": tuple(EXPONENTS), "attention": ("yes", "no"),
    "refunded": ("yes", "no"),
}  # fmt: skip
_AMOUNT: Final = re.compile(
    r"(?:([A-Za-z]{3,4}|[€£]) ?)?([<>]?=?[0-9][0-9.,’' ]*)(?: ?([A-Za-z]{3,4}|[€£]))?"
)
_SIGNS: Final = {"€": "EUR", "£": "GBP"}
T = TypeVar("T", Site, Campaign)


@frozen
class NearFilters:
    """Filters of one merchant, with the names of its sites and campaigns."""

    settings: MerchantSettings

    def name(self, typed: str) -> str | None:
        return nearest(typed, NAMES)

    def values(self, parameter: str, typed: str) -> list[str]:
        """All values that it may stand for, else the nearest; at most OFFERED_MAX."""
        if parameter == "site":
            several = [site.name for site in sites_named(typed, self.settings)]
            known = [site.name for site in self.settings.sites]
        elif parameter == "campaign":
            several = [campaign.key for campaign in campaigns_named(typed, self.settings)]
            known = [campaign.key for campaign in self.settings.campaigns]
        else:
            several, known = [], list(_VALUES.get(parameter, ()))
        near = None if several else nearest(fold(typed), known)
        return several[:OFFERED_MAX] or ([near] if near else [])


def sites_named(typed: str, settings: MerchantSettings) -> list[Site]:
    """The one with this name or address, else all with such a part of it."""
    return _named(
        typed, [(site, (site.name, _host(site.url), site.url)) for site in settings.sites]
    )


def campaigns_named(typed: str, settings: MerchantSettings) -> list[Campaign]:
    """The one with this key or name, else all with such a part of it."""
    return _named(
        typed, [(campaign, (campaign.key, campaign.name)) for campaign in settings.campaigns]
    )


def _named(typed: str, known: Sequence[tuple[T, Iterable[str]]]) -> list[T]:
    wanted = fold(typed)
    folded = [(choice, [fold(word) for word in words]) for choice, words in known]
    whole = [choice for choice, words in folded if wanted in words]
    return whole[:1] or [
        choice for choice, words in folded if wanted and any(wanted in word for word in words)
    ]


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0] or url


def word_of(typed: str, known: Mapping[str, str]) -> str:
    """Raises: ValueError for a word that is none of them."""
    word = known.get(_letters(typed))
    if word is None:
        raise ValueError(typed)
    return word


def meanings(text: str, settings: MerchantSettings) -> Iterator[dict[str, Any]]:
    """The filters that these words are by themselves, each as changes of the list's query."""
    word = fold(text).replace(" ", "").replace("-", "")
    for known in (word, word.removesuffix("s")):
        if known in STATUS_CODES:
            yield {"statuses": (STATUS_CODES[known],)}
            break
    if reason := REASONS.get(_letters(word)):
        yield {"reasons": (reason,)}
    if reason_in_words(text):
        yield {"code": text[:CODE_MAX]}
    if brand := BRANDS.get(_letters(word)):
        yield {"brand": brand}
    if word == "cit" or word in TYPES:
        yield {"channels": (TYPES[word],) if word in TYPES else ("cit_callcenter", "cit_web")}
    if word in CHAINS:
        yield {"chain": word}
    if len(sites := sites_named(text, settings)) == 1 and len(word) > 2:
        yield {"site": sites[0].site_id}
    if len(campaigns := campaigns_named(text, settings)) == 1 and len(word) > 2:
        yield {"campaign": campaigns[0].campaign_id}
    yield from _amount(text)


def _amount(text: str) -> Iterator[dict[str, Any]]:
    """`68.80`, `86,50 EUR`, `€ 1.200,50`, `>50 usd`."""
    match = _AMOUNT.fullmatch(text)
    if match is None or match[1] and match[3]:
        return
    sign = match[1] or match[3] or ""
    currency = _SIGNS.get(sign, sign.upper())
    if currency and currency not in EXPONENTS:
        return
    try:
        amount = read_amounts(match[2].strip())
    except ValueError:
        return
    yield {"amount": amount} | ({"currency": currency} if currency else {})
