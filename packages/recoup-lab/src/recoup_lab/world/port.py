"""What a world is to whoever plays a policy against it: the protocol recoup-world 1 as types.

A world holds customers, issuers, cards and the book, and is the judge; who plays it learns what a
merchant and a processor would. Ours implements `World` in process, a program behind a pipe does the
same.

Units: money in minor units, times aware and in UTC, whole seconds. Source:
docs/contributing/world-protocol.md.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, Protocol

import msgspec

PROTOCOL: Final = 1
Scheme = Literal["visa", "mastercard", "amex"]
Funding = Literal["debit", "credit"]


class WorldBroke(Exception):
    """A world gave no answer, or one that is none: the run ends.
    The message names what broke it."""


class _Wire(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A JSON object; members that are not listed here are ignored."""


class Costs(_Wire, frozen=True):
    """`send`, `excess` (a send beyond a network limit): minor units of the first currency. `harm`:
    the share of an order's amount that each send beyond its fourth costs when the order is not
    recovered."""

    send: int
    excess: int
    harm: float


class Hello(_Wire, frozen=True):
    """History lies before `now`, declined payments come in from `now` to `until`; `orders` is how
    many."""

    world: str
    protocol: int
    now: datetime
    until: datetime
    currencies: tuple[str, ...]
    orders: int
    costs: Costs


class WorldCard(_Wire, frozen=True):
    """Digits 7 to 9 of `number` name the issuer."""

    number: str
    exp_month: int
    exp_year: int
    scheme: Scheme
    funding: Funding


class HistoryRow(_Wire, frozen=True):
    """An attempt of the past. `attempt` 1 is the payment itself. `propensity`: the chance with
    which its instant was drawn, None where it was not drawn."""

    customer_id: str
    order_id: str
    attempt: int
    at: datetime
    amount: int
    currency: str
    country: str
    card: WorldCard
    approved: bool
    scheme_code: str
    propensity: float | None
    utc_offset_minutes: int | None = None
    advice_code: str | None = None


class WorldOrder(_Wire, frozen=True):
    """A declined payment that came in."""

    order_id: str
    customer_id: str
    declined_at: datetime
    expires_at: datetime
    amount: int
    currency: str
    country: str
    card: WorldCard
    scheme_code: str
    utc_offset_minutes: int | None = None
    advice_code: str | None = None


class WorldCharge(_Wire, frozen=True):
    """`id` is the idempotency key: the same id gets the same answer and counts once."""

    id: str
    order_id: str
    sent_at: datetime
    amount: int
    currency: str
    acceptor_id: str
    card: WorldCard
    initiator: Literal["merchant"] = "merchant"
    route: str | None = None


class WorldAnswer(_Wire, frozen=True):
    """With `error` the charge counted for nothing: it was dated before the arm's last one of its
    order, or before its decline, or named an order that did not come in."""

    id: str
    state: Literal["approved", "declined", "unknown", "not_processed"] | None = None
    scheme_code: str | None = None
    advice_code: str | None = None
    network_transaction_id: str | None = None
    error: str | None = None


class Signal(_Wire, frozen=True):
    """What a network tells unasked about a card: a new expiry or number, or that it is closed."""

    at: datetime
    kind: str
    card_number: str
    card: WorldCard | None = None


class Score(_Wire, frozen=True):
    """`orders`: declined payments that came in; shares are of the amount of all of them;
    `attempts`: the arm's sends; `breaches`: sends beyond a network limit (the declined payment
    counts as a send); `net_share`: net of costs and harm; `days_median`: from decline to approval.
    """

    orders: int
    recovered: int
    amount_share: float
    attempts: int
    breaches: int
    net_share: float
    days_median: float | None


class World(Protocol):
    """Arms are copies of one world: each is answered as if it alone existed, from the same draws.

    Each call: Raises WorldBroke.
    """

    def hello(self) -> Hello: ...

    def history(self, after: str | None, limit: int) -> tuple[Sequence[HistoryRow], str | None]:
        """Rows after the mark `after`, and the next mark: None when there are no more."""

    def orders(self, before: datetime, limit: int) -> tuple[Sequence[WorldOrder], bool]:
        """Declined payments that came in before it, each once, oldest first; True when more are
        waiting."""

    def charge(self, arm: str, charges: Sequence[WorldCharge]) -> Sequence[WorldAnswer]:
        """One answer for each, in order."""

    def signals(self, arm: str, before: datetime) -> Sequence[Signal]: ...

    def end(self, arm: str) -> Score: ...
