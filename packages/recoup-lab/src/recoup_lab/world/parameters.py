"""The parameters of a world: their kinds and ranges. base.toml says what each means and why it has
its value."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated


@dataclass(frozen=True, slots=True)
class Between:
    """Both ends are allowed."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low}..{self.high}"


Share = Annotated[float, Between(0, 1)]
Weight = Annotated[float, Between(0, 1000)]
Factor = Annotated[float, Between(0, 10)]
Rate = Annotated[float, Between(0, 30)]
Hours = tuple[Annotated[float, Between(0, 2400)], ...]
Days = tuple[Annotated[float, Between(0, 400)], ...]
Shares = tuple[Annotated[float, Between(0, 1)], ...]
Amounts = tuple[Annotated[int, Between(1, 10_000_000)], ...]


@dataclass(frozen=True, slots=True)
class General:
    name: str
    seed: Annotated[int, Between(0, 1_000_000_000_000)]
    orders: Annotated[int, Between(1, 200_000)]
    now: datetime
    intake_days: Annotated[int, Between(1, 365)]
    window_days: Annotated[int, Between(1, 60)]
    currency: str


@dataclass(frozen=True, slots=True)
class History:
    days: Annotated[int, Between(0, 730)]
    share: Share
    drawn_share: Share
    schedule_days: Days
    drawn_blocks_hours: Hours


@dataclass(frozen=True, slots=True)
class Rhythms:
    month_first: Weight
    month_last: Weight
    half_months: Weight
    fortnight_friday: Weight
    week_friday: Weight
    benefits_third: Weight
    irregular: Weight


@dataclass(frozen=True, slots=True)
class Countries:
    US_EAST: Weight
    US_CENTRAL: Weight
    US_WEST: Weight
    CA: Weight
    GB: Weight
    DE: Weight
    AU: Weight


@dataclass(frozen=True, slots=True)
class Customers:
    amounts: Amounts
    second_order_share: Share
    weekly_share: Share
    zone_known_share: Share
    second_card_share: Share
    dry_rate: Rate
    countries: Countries
    rhythms: Rhythms


@dataclass(frozen=True, slots=True)
class Money:
    steady_share: Share
    lean_again_share: Share
    lean_chance: Shares
    level: Amounts
    lasts_hours: Hours
    bill_share: Share
    bill_after_hours: Hours
    bill_size: Shares
    late_share: Share
    late_days: Days
    posting_hour: Hours
    elsewhere_rate: Rate
    elsewhere_level: Amounts
    elsewhere_hours: Hours


@dataclass(frozen=True, slots=True)
class Credit:
    share: Share
    steady_share: Share
    lasts_factor: Annotated[float, Between(0.1, 100)]
    late_share: Share


@dataclass(frozen=True, slots=True)
class Endings:
    closed: Weight
    lost: Weight
    revoked: Weight
    replaced: Weight


@dataclass(frozen=True, slots=True)
class Cards:
    visa: Weight
    mastercard: Weight
    amex: Weight
    end_rate: Rate
    endings: Endings
    expiry_stale_share: Share
    updater_share: Share
    updater_days: Days
    customer_tells_share: Share
    customer_tells_days: Days
    hold_rate: Rate
    hold_days: Days
    hold_for_ever_share: Share
    hold_easy_share: Share
    fraud_rate: Rate
    fraud_days: Days
    fraud_for_ever_share: Share
    limit_rate: Rate


@dataclass(frozen=True, slots=True)
class Issuers:
    number: Annotated[int, Between(1, 300)]
    approval: Shares
    strict_hours_share: Share
    strict_hours: Hours
    strict_hours_factor: Shares
    strict_weekdays_share: Share
    strict_weekdays_factor: Shares
    easy_hours: Hours
    generic_share: Shares
    generic_ending_share: Share
    advice_share: Share
    advice_true_share: Share
    outage_rate: Rate
    outage_hours: Hours
    maintenance_share: Share
    maintenance_hours: Hours


@dataclass(frozen=True, slots=True)
class Mood:
    hardening: Shares
    mend_hours: Hours
    factors: Shares
    strict_hours_add: Annotated[float, Between(0, 20)]


@dataclass(frozen=True, slots=True)
class Routes:
    names: tuple[str, ...]
    outage_rate: Rate
    outage_hours: Hours
    weak_share: Share
    weak_factor: Share
    unknown_share: Share


@dataclass(frozen=True, slots=True)
class Costs:
    send: Annotated[int, Between(0, 100_000)]
    excess: Annotated[int, Between(0, 10_000_000)]
    harm: Share


@dataclass(frozen=True, slots=True)
class Change:
    after_days: Annotated[int, Between(0, 365)]
    issuers_share: Share
    customers_share: Share
    lasts_factor: Annotated[float, Between(0.1, 10)]


@dataclass(frozen=True, slots=True)
class Parameters:
    world: General
    history: History
    customers: Customers
    money: Money
    credit: Credit
    cards: Cards
    issuers: Issuers
    mood: Mood
    routes: Routes
    costs: Costs
    change: Change
