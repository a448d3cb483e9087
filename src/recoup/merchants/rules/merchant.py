"""The merchant of an order, as its settings stand."""

from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta
from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.kernel.time import BusinessTime, WallTime, business_at


@frozen
class Merchant:
    """Settings of a merchant. `version` rises with every change."""

    merchant_id: UUID
    version: int
    name: str
    offset_us: int
    mit_mode: str
    cit_web: bool
    cit_callcenter: bool
    mit: bool
    region: str
    acceptor_id: str
    cit_unresolved: str
    killed: bool
    capture_window_minutes: int
    unknown_sites: str
    state: str = "active"  # or paused: it takes no new orders
    country: str | None = (
        None  # of its account at the acquirer, where a route names none; None: never said
    )
    sight: Mapping[str, str] = field(default_factory=dict)  # role -> how it sees customers' data

    def business(self, wall: WallTime) -> BusinessTime:
        return business_at(wall, self.offset_us)

    @property
    def offset(self) -> timedelta:
        return timedelta(microseconds=self.offset_us)
