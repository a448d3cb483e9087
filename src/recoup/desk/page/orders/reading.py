"""Reads a list's address: what makes no sense is named and kept as typed; the list is empty until
it is mended."""

import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.datastructures import QueryParams

from recoup.desk.page.orders import meant as filters
from recoup.desk.page.orders.amounts import between, read_amounts
from recoup.desk.page.orders.query import GMT, SIZES, Days, Query, read_day, read_days
from recoup.desk.page.orders.query import between as days_between
from recoup.desk.store.columns import COLUMNS
from recoup.desk.store.order_cursor import COLUMNS as ORDERS
from recoup.desk.store.order_search import TEXT_MAX, normalise_query
from recoup.kernel.ids import parse_id, parse_wire_id
from recoup.kernel.money import EXPONENTS
from recoup.kernel.nearest import nearest
from recoup.kernel.problem import Sentence
from recoup.kernel.texts import is_digits, parse_whole
from recoup.kit.local_time import read_zone
from recoup.merchants.store.merchants import MerchantSettings
from recoup.orders.rules.words import REASON_WORDS
from recoup.people.page.words import CHANNELS, STATUSES
from recoup.stablecoin.rules.channels import CHANNELS as CHAINS

VALUES_MAX: Final = 100
HOURS_MAX: Final = 24 * 366
BETTER_MAX: Final = 5
STRANGERS_MAX: Final = 10
# how alike a filter's name one in an address is that means it: `page` and `source` are no slips
SLIP: Final = 0.75
# What a form says in fields of its own.
FIELDS: Final = ("placed_from", "placed_to", "created_from", "created_to", "min", "max")
# Parameters of one value that a query has under the same name.
_SAME: Final = (
    "site", "campaign", "external", "placed", "created", "amount", "currency", "descriptor",
    "last4", "attempts", "expires", "attention", "code", "brand", "issuer", "refunded", "sort",
    "up", "size",
)  # fmt: skip
_HOURS: Final = re.compile(r"([0-9]{1,5})\s*(h|d|w)?")
_YES: Final = {"1": True, "yes": True, "true": True, "0": False, "no": False, "false": False}


def read_query(params: QueryParams, settings: MerchantSettings, *, zone: str = GMT) -> Query:
    """Whatever stands in the address. `zone` is this person's, for an address that says none."""
    readers = _readers(settings)
    typed = params.get("q", "")
    near = filters.NearFilters(settings)
    split = filters.split_typed(
        normalise_query(typed[: TEXT_MAX * 8]),
        lambda name, value: _tried(readers[name], value),
        near,
    )
    unread: dict[str, str] = {}
    read_values: dict[str, Any] = {}
    better: list[tuple[str, str]] = []
    for name, read in readers.items():
        given = [value.strip() for value in params.getlist(name)[:VALUES_MAX] if value.strip()]
        values = [_tried(read, value) for value in given]
        if None in values:
            unread[name] = given[values.index(None)][:TEXT_MAX]
            better += [
                (f"{name}:{word}", _with(params, name, unread[name], word))
                for word in near.values(name, unread[name])
            ]
        fields = _of_fields(params, name, unread)
        # What is typed takes the place of what the form says beside it.
        read_values[name] = split.values.get(name) or [
            *fields,
            *(value for value in values if value is not None),
        ]
    unclear = [*unread, *split.unclear]
    if len(typed.strip()) > TEXT_MAX:
        unclear.append(Sentence("q (only its first {0} characters are searched)", TEXT_MAX))
    if split.unclear:
        unread["q"] = " ".join([split.text, *split.unclear]).strip()
        better += [
            (new, _with(params, "q", typed, typed.replace(old, new, 1)))
            for old, new in split.better
        ]
    for name, meant in _misspelt(params, readers).items():
        unread[name] = params[name][:TEXT_MAX]
        unclear.append(name)
        better.append(
            (
                f"{meant}={params[name][:TEXT_MAX]}",
                _with(params, name, params[name], params[name], meant),
            )
        )
    channels, reasons = _merged(read_values["type"]), _merged(read_values["reason"])
    statuses = tuple(status for status in _merged(read_values["status"]) if isinstance(status, int))
    ended = {
        status for several in read_values["status"] for status in several if isinstance(status, str)
    }
    if ended and statuses:
        unclear.append(
            Sentence(
                "status ({0} is a reason: it cannot stand beside other statuses)",
                ", ".join(sorted(ended)),
            )
        )
        unread.setdefault(
            "q" if split.values.get("status") else "status", typed or params.get("status", "")
        )
    reasons = tuple(sorted({*reasons, *ended})) if not statuses else reasons
    first_values = {name: values[0] for name, values in read_values.items() if values}
    return Query(
        text=split.text,
        statuses=() if len(statuses) == len(STATUSES) else statuses,
        channels=() if len(channels) == len(CHANNELS) else channels,
        order_ids=_merged(read_values["id"]),
        chain=first_values.get("channel", ""),
        reasons=() if len(reasons) == len(REASON_WORDS) else reasons,
        code_source=first_values.get("code_source", "") if "code" in first_values else "",
        zone=first_values.get("zone", zone),
        home=zone,
        columns=first_values.get("cols", ()),
        view=params.get("view", "")[:40],
        cursor=params.get("cursor", "")[:100],
        unclear=tuple(unclear),
        unread=unread,
        better=tuple(better[:BETTER_MAX]),
        **{name: first_values[name] for name in _SAME if name in first_values},
    )


def _with(params: QueryParams, name: str, old: str, new: str, meant: str = "") -> str:
    """The address's query with another value, or with its name put right."""
    pairs = [
        (meant or key, new) if (key, value.strip()) == (name, old.strip()) else (key, value)
        for key, value in params.multi_items()
        if key != "cursor"
    ]
    return urlencode(pairs[: VALUES_MAX * 2])


def _misspelt(params: QueryParams, readers: Mapping[str, Any]) -> dict[str, str]:
    """Names in an address that are nearly a filter's, each with it. Others are none of ours, as
    what is told by a link's sender: `utm_campaign` is no campaign."""
    names = (*readers, *FIELDS)
    known = {*names, "q", "cursor", "view", "in"}
    strangers = (
        name for name in dict.fromkeys(params) if name not in known and not name.startswith("utm_")
    )
    near = {
        name: nearest(name, names, SLIP)
        for name in islice(strangers, STRANGERS_MAX)
        if params[name].strip()
    }
    return {name: meant for name, meant in near.items() if meant is not None}


def _readers(settings: MerchantSettings) -> Mapping[str, Callable[[str], Any]]:
    """parameter -> its value, None or a ValueError for what cannot be one."""
    return {
        "status": lambda v: tuple(_status(word) for word in v.split(",")),
        "type": lambda v: tuple(kind for word in v.split(",") for kind in _type(word)),
        "site": lambda v: _site(v, settings),
        "campaign": lambda v: _campaign(v, settings),
        "id": lambda v: tuple(_order_id(part) for part in v.split(",")),
        "external": lambda v: normalise_query(v) or None,
        "descriptor": lambda v: normalise_query(v) or None,
        "last4": lambda v: v if is_digits(v, 4) else None,
        "placed": read_days,
        "created": read_days,
        "amount": read_amounts,
        "currency": lambda v: v.upper() if v.upper() in EXPONENTS else None,
        "channel": lambda v: v.lower() if v.lower() in CHAINS else None,
        "attempts": _attempts,
        "expires": _hours,
        "reason": lambda v: tuple(filters.word_of(word, filters.REASONS) for word in v.split(",")),
        "code": lambda v: normalise_query(v)[: filters.CODE_MAX] or None,
        "code_source": lambda v: normalise_query(v.lower())[: filters.CODE_MAX] or None,
        "brand": lambda v: filters.word_of(v, filters.BRANDS),
        "issuer": lambda v: v if is_digits(v, 6) else None,
        "attention": lambda v: _YES.get(v.lower()),
        "refunded": lambda v: _YES.get(v.lower()),
        "sort": lambda v: v if v in ORDERS else None,
        "up": lambda v: _YES.get(v),
        "size": {str(number): number for number in SIZES}.get,
        "zone": read_zone,
        "cols": read_columns,
    }


def read_columns(text: str) -> tuple[str, ...]:
    """Reads columns in the list's own order. Raises: ValueError when none is left."""
    wanted = set(text.split(","))
    columns = tuple(name for name in COLUMNS if name in wanted)
    if not columns:
        raise ValueError(text)
    return columns


def _tried(read: Callable[[str], Any], value: str) -> Any:
    """Reads the value, or None where it cannot be read."""
    try:
        return read(value)
    except ValueError:
        return None


def _merged(values: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    return tuple(sorted({value for several in values for value in several}, key=str))


def _order_id(text: str) -> UUID:
    order_id = (
        parse_wire_id("ord", text.strip())
        or parse_wire_id("pay", text.strip())
        or parse_id(text.strip())
    )
    if order_id is None:
        raise ValueError(text)
    return order_id


def _status(text: str) -> int | str:
    """Reads a status by its number or name, or as the APIs call it; the reason, where that word
    says why it was cancelled."""
    text = text.strip().lower().replace(" ", "").replace("-", "")
    if is_digits(text, 1) and int(text) in STATUSES:
        return int(text)
    if text in filters.ENDED:
        return filters.ENDED[text]
    if text not in filters.STATUS_CODES:
        raise ValueError(text)
    return filters.STATUS_CODES[text]


def _type(text: str) -> tuple[str, ...]:
    text = text.strip().lower()
    if text == "cit":
        return ("cit_web", "cit_callcenter")
    if text not in filters.TYPES:
        raise ValueError(text)
    return (filters.TYPES[text],)


def _site(value: str, settings: MerchantSettings) -> UUID | None:
    """Finds a site by its id, name or address, or by a part that is unique."""
    sites = filters.sites_named(value, settings)
    return sites[0].site_id if len(sites) == 1 else parse_id(value)


def _campaign(value: str, settings: MerchantSettings) -> UUID | None:
    """Finds a campaign by its id, key or name, or by a part that is unique."""
    campaigns = filters.campaigns_named(value, settings)
    return campaigns[0].campaign_id if len(campaigns) == 1 else parse_id(value)


def _attempts(value: str) -> int:
    number = parse_whole(value.removeprefix(">=").removeprefix(">"), 4)
    above = value.startswith(">") and not value.startswith(">=")
    if number is None or not number + above:
        raise ValueError(value)
    return number + above


def _hours(value: str) -> int:
    """`36`, `36h`, `3d`, `1w`."""
    match = _HOURS.fullmatch(value.strip().lower().removeprefix("<"))
    if not match:
        raise ValueError(value)
    hours = int(match[1]) * {"d": 24, "w": 168}.get(match[2] or "h", 1)
    if not 1 <= hours <= HOURS_MAX:
        raise ValueError(value)
    return hours


def _of_fields(params: QueryParams, name: str, unread: dict[str, str]) -> list[Any]:
    """Values that a form gives in two fields."""
    if name in ("placed", "created"):
        return _custom_days(params, name, unread)
    return _custom_amounts(params, unread) if name == "amount" else []


def _custom_days(params: QueryParams, name: str, unread: dict[str, str]) -> list[Days]:
    ends = {}
    for side in (f"{name}_from", f"{name}_to"):
        text = params.get(side, "").strip()
        ends[side] = _tried(read_day, text) if text else None
        if text and ends[side] is None:
            unread[side] = text[:TEXT_MAX]
    days = _tried(lambda _: days_between(*ends.values()), "")
    if days is None:
        unread |= {side: params.get(side, "")[:TEXT_MAX] for side in ends}
        return []
    return [days] if days != Days() else []


def _custom_amounts(params: QueryParams, unread: dict[str, str]) -> list[Any]:
    low, high = params.get("min", "").strip(), params.get("max", "").strip()
    if not low and not high:
        return []
    amounts = _tried(lambda _: between(low, high), "")
    if amounts is None:
        unread |= {name: value[:TEXT_MAX] for name, value in (("min", low), ("max", high)) if value}
        return []
    return [amounts]
