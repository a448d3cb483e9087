"""Filters of a list of orders, and their conditions in SQL."""

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.networks.code_words import codes_of_reason

# channel -> (order_type, whether it came from the call centre): the columns of one index.
CHANNELS: Final[dict[str, tuple[tuple[str, bool], ...]]] = {
    "mit": (("MIT", False), ("MIT", True)),
    "cit_web": (("CIT", False),),
    "cit_callcenter": (("CIT", True),),
    "stable": (("STABLE", False), ("STABLE", True)),
}
# What may still end by itself.
_OPEN: Final = (0, 1, 3, 4, 5)
# What was given back was paid before: an order without a payment has nothing refunded, one that is
# returned everything.
_UNPAID: Final = (0, 4, 5)
_RETURNED: Final = 6
CLOCKS_APART: Final = timedelta(hours=1)
_DOORS: Final[dict[str, tuple[str, ...]]] = {
    "rescue": ("mit", "cit_web", "cit_callcenter"),
    "stablecoin": ("stable",),
}


class UnitRange(NamedTuple):
    """Range of amounts in some assets, in their smallest unit; both ends included, None for
    none."""

    assets: tuple[str, ...]
    units_from: int | None
    units_to: int | None


@frozen
class OrderFilter:
    """Empty means everything. Dates are business time: from is included, to is not. `text` is what
    was typed.

    `door` is a whole dialect: its channels. `refunded`: any amount of it is, or nothing.
    `order_ids`, `external_ids` and `tails` (how an id ends) name orders, any way, `external_id` in
    addition; `units_from` and `units_to` are both included, `amounts` say the same for assets of
    several scales. `chain`: the channel of a stablecoin order, named or picked by its payer.
    `last4`: of the card that an order came with. `expires_to` is included, and asks for what has
    not ended. `sight`: how the reader sees customers' data: other than `shown` masks names, and
    `masked` finds whole values only. `code_reason`: what the code of the decline stands for,
    whoever's it is. `reasons`: why orders ended without a payment. `code` and `code_source` are of
    the decline that an order came in with, `scheme` and `bin` of the card that it came with.
    """

    merchant_id: UUID
    statuses: tuple[int, ...] = ()
    channels: tuple[str, ...] = ()
    site_id: UUID | None = None
    placed_from: datetime | None = None
    placed_to: datetime | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    attention: bool = False
    refunded: bool | None = None
    door: str | None = None
    text: str = ""
    order_ids: tuple[UUID, ...] = ()
    external_ids: tuple[str, ...] = ()
    tails: tuple[str, ...] = ()
    source: str | None = None
    chain: str = ""
    asset: str | None = None
    descriptor: str = ""
    units_from: int | None = None
    units_to: int | None = None
    amounts: tuple[UnitRange, ...] = ()
    campaign_id: UUID | None = None
    external_id: str = ""
    last4: str = ""
    attempts_min: int = 0
    expires_from: datetime | None = None
    expires_to: datetime | None = None
    sight: str = "shown"
    reasons: tuple[str, ...] = ()
    code: str = ""
    code_source: str | None = None
    code_reason: str = ""
    scheme: str = ""
    bin: str = ""

    def pairs(self) -> list[tuple[str, bool]]:
        """(order_type, call centre) to look for; empty for all."""
        wanted = list(self.channels)
        if self.door is not None and wanted:
            of_door = _DOORS.get(self.door, ())
            wanted = [c for c in of_door if c in wanted]
            if not wanted:
                return [("none", False)]
        return [pair for channel in dict.fromkeys(wanted) for pair in CHANNELS[channel]]

    def faces(self) -> tuple[int, ...]:
        """The statuses that it may find, of those chosen or of all; (-1,) for none."""
        never = () if self.refunded is None else _UNPAID if self.refunded else (_RETURNED,)
        return tuple(status for status in self.statuses or range(9) if status not in never) or (-1,)

    def is_few(self) -> bool:
        """True when the filter has an index of its own that is better followed than the list's
        order."""
        return bool(
            self.attention
            or self.refunded
            or self.created_from
            or self.created_to
            or self.order_ids
            or self.external_ids
            or self.tails
            or self.source
            or self.asset
            or self.descriptor
            or self.has_amount()
            or self.campaign_id
            or self.external_id
            or self.expires_to
            or self.chain
            or self.attempts_min
            or self.reasons
            or self.code
            or self.code_reason
            or self.scheme
            or self.bin
        )

    @property
    def searches(self) -> bool:
        """True when words are looked for, of which the list's own indexes know nothing."""
        return bool(self.text or self.last4)

    def has_amount(self) -> bool:
        return bool(self.amounts) or self.units_from is not None or self.units_to is not None


class Arguments:
    """Values of one statement; `add` answers the placeholder."""

    def __init__(self, *first: Any) -> None:
        self.values: list[Any] = list(first)

    def add(self, value: Any) -> str:
        self.values.append(value)
        return f"${len(self.values)}"


def conditions(order_filter: OrderFilter, args: Arguments) -> list[str]:
    """Everything but status and channel, on `order_heads h`; $1 is the merchant and always comes
    first."""
    tests = ["h.merchant_id = $1"]
    for value, test in (
        (order_filter.site_id, "h.site_id = {}"),
        (order_filter.placed_from, "h.placed_at >= {}"),
        (order_filter.placed_to, "h.placed_at < {}"),
        (order_filter.created_from, "h.created_at >= {}"),
        (order_filter.created_to, "h.created_at < {}"),
        # An order is created after it was placed: a list by placed date may begin there.
        (order_filter.created_to and order_filter.created_to + CLOCKS_APART, "h.placed_at < {}"),
        (order_filter.units_from, "h.units >= {}"),
        (order_filter.units_to, "h.units <= {}"),
        (order_filter.source, "h.source = {}"),
        (order_filter.asset, "h.asset = {}"),
        (order_filter.descriptor.lower() or None, "lower(h.descriptor) = {}"),
        (order_filter.door, "h.door = {}"),
        (order_filter.campaign_id, "h.campaign_id = {}"),
        (order_filter.attempts_min or None, "h.attempts >= {}"),
        # Thirds of tries are indexed, those from the first whole one on.
        (order_filter.attempts_min // 3 or None, "h.tried > 0 AND h.tried >= {}"),
        (order_filter.expires_from, "h.expires_at > {}"),
        (order_filter.expires_to, "h.expires_at <= {}"),
        # Each index leaves out the orders that have none: the condition says so, for a plan that
        # does not know values.
        (order_filter.code.lower() or None, "h.decline_code <> '' AND lower(h.decline_code) = {}"),
        (order_filter.code_source, "h.decline_source = {}"),
        (order_filter.scheme or None, "h.card_scheme <> '' AND h.card_scheme = {}"),
        (order_filter.bin or None, "h.card_bin <> '' AND h.card_bin = {}"),
    ):
        if value is not None:
            tests.append(test.format(args.add(value)))
    if len(order_filter.reasons) == 1:
        tests.append(f"h.reason = {args.add(order_filter.reasons[0])}")
    elif order_filter.reasons:
        tests.append(f"h.reason = ANY({args.add(list(order_filter.reasons))}::text[])")
    if order_filter.code_reason:
        tests.append(_code_condition(order_filter.code_reason, args))
    if order_filter.attention:
        tests.append("h.attention IS NOT NULL")
    if order_filter.refunded is not None:
        tests.append("h.refunded_units > 0" if order_filter.refunded else "h.refunded_units = 0")
    if order_filter.last4:
        tests.append("h.order_type <> 'STABLE'")
    if order_filter.chain:
        named = args.add(order_filter.chain)
        tests.append(
            f"h.order_type = 'STABLE' AND (h.source = {named} OR h.source = '' AND EXISTS (SELECT "
            f"FROM attempts a"
            f" WHERE a.merchant_id = $1 AND a.order_id = h.order_id AND a.route = {named}))"
        )
    if order_filter.expires_to is not None:
        tests.append(f"h.status IN {_OPEN}")
    return (
        tests + _amount_condition(order_filter.amounts, args) + named_condition(order_filter, args)
    )


def _code_condition(reason: str, args: Arguments) -> str:
    """A code counts for what it stands for where it came from; the index knows codes alone."""
    meant = codes_of_reason(reason)
    every, own, codes, others = (
        args.add(list(reasons)) for reasons in (meant.every(), meant.own, meant.codes, meant.others)
    )
    pair = "h.decline_source || ':' || lower(h.decline_code)"
    return (
        f"h.decline_code <> '' AND lower(h.decline_code) = ANY({every}::text[]) AND ({pair} = "
        f"ANY({own}::text[])"
        f" OR lower(h.decline_code) = ANY({codes}::text[]) AND {pair} <> ALL({others}::text[]))"
    )


def _amount_condition(ranges: tuple[UnitRange, ...], args: Arguments) -> list[str]:
    """The widest range for the index, then each asset's own."""
    if not ranges:
        return []
    lows, highs = [r.units_from for r in ranges], [r.units_to for r in ranges]
    conditions, tests = [], []
    if None not in lows:
        conditions.append(f"h.units >= {args.add(min(low for low in lows if low is not None))}")
    if None not in highs:
        conditions.append(f"h.units <= {args.add(max(high for high in highs if high is not None))}")
    for amounts in ranges:
        test = f"h.asset = ANY({args.add(list(amounts.assets))}::text[])"
        test += (
            f" AND h.units >= {args.add(amounts.units_from)}"
            if amounts.units_from is not None
            else ""
        )
        test += (
            f" AND h.units <= {args.add(amounts.units_to)}" if amounts.units_to is not None else ""
        )
        tests.append(f"({test})")
    return [*conditions, "(" + " OR ".join(tests) + ")"]


def named_condition(order_filter: OrderFilter, args: Arguments) -> list[str]:
    """The orders that are named, if any are: by our id or by the sender's."""
    tests = []
    if order_filter.order_ids:
        tests.append(f"SELECT unnest({args.add(list(order_filter.order_ids))}::uuid[])")
    if order_filter.external_ids:
        named = args.add(list(order_filter.external_ids))
        tests.append(
            "SELECT order_id FROM order_refs WHERE merchant_id = $1 AND door IN ('rescue', "
            "'stablecoin')"
            f" AND external_id = ANY({named}::text[])"
        )
    if order_filter.tails:
        named = args.add(list(order_filter.tails))
        tests.append(
            "SELECT order_id FROM order_refs WHERE merchant_id = $1"
            f" AND right(order_id::text, 8) = ANY({named}::text[])"
        )
    conditions = [f"h.order_id = ANY(ARRAY({' UNION '.join(tests)}))"] if tests else []
    if order_filter.external_id:
        conditions.append(
            "h.order_id = ANY(ARRAY(SELECT order_id FROM order_refs WHERE merchant_id = $1"
            f" AND door IN ('rescue', 'stablecoin') AND external_id = "
            f"{args.add(order_filter.external_id)}))"
        )
    return conditions


def status_condition(statuses: tuple[int, ...], args: Arguments) -> list[str]:
    if not statuses:
        return []
    if len(statuses) == 1:
        return [f"h.status = {args.add(statuses[0])}::smallint"]
    return [f"h.status = ANY({args.add(list(statuses))}::smallint[])"]


def channel_condition(pairs: list[tuple[str, bool]], args: Arguments) -> list[str]:
    if not pairs:
        return []
    tests = []
    for kind in dict.fromkeys(kind for kind, _ in pairs):
        calls = [call for name, call in pairs if name == kind]
        test = f"h.order_type = {args.add(kind)}"
        if len(calls) == 1:
            test += f" AND (h.source = 'callcenter') = {args.add(calls[0])}::boolean"
        tests.append(f"({test})")
    return ["(" + " OR ".join(tests) + ")"]


def narrowing(order_filter: OrderFilter, args: Arguments) -> list[str]:
    """Conditions by statuses and channels, which `conditions` leaves out: some lists are merged
    from a scan for each."""
    return status_condition(
        order_filter.faces() if order_filter.statuses else (), args
    ) + channel_condition(order_filter.pairs(), args)


def dimensions(order_filter: OrderFilter) -> int:
    """The number of indexes that compete: with more than one, the plan must know the values."""
    return sum(
        bool(value)
        for value in (
            order_filter.statuses,
            order_filter.pairs(),
            order_filter.site_id,
            order_filter.created_from or order_filter.created_to,
            order_filter.attention,
            order_filter.refunded is not None,
            order_filter.searches,
            order_filter.order_ids or order_filter.external_ids or order_filter.tails,
            order_filter.source or order_filter.chain,
            order_filter.asset,
            order_filter.descriptor,
            order_filter.has_amount(),
            order_filter.campaign_id,
            order_filter.external_id,
            order_filter.attempts_min,
            order_filter.expires_to,
            order_filter.reasons,
            order_filter.code or order_filter.code_reason,
            order_filter.scheme,
            order_filter.bin,
        )
    )
