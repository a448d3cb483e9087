"""A shop's months: which renewals are declined when, and what the issuers of their cards answer to
later attempts.

Customers, pay days, balances and issuers are those of the lab's base world. Here they get the
sandbox's cards, names and sites. No issuer hardens with attempts: the answers are fixed before the
first one.
"""

import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

from recoup.kernel.time import iso
from recoup.main.demo.example import Line
from recoup.main.demo.months import Site
from recoup.networks.magic import payer_card
from recoup.processors.gateways.sandbox.book import Timetable
from recoup_lab.compare.ground import history_of
from recoup_lab.shop.past_file import past_file
from recoup_lab.world.orders import Order, as_instant
from recoup_lab.world.parameter_file import read
from recoup_lab.world.port import HistoryRow, WorldCard
from recoup_lab.world.world import LabWorld, build

SEED: Final = 2026
WINDOW_DAYS: Final = 21
STEP_SECONDS: Final = 2 * 3600  # how finely an issuer's answers are told apart
MOMENT: Final = timedelta(hours=6)
MONTHLY: Final = "monthly"


@dataclass(frozen=True)
class Months:
    """`sites` and `names`: among which customers are spread."""

    world: LabWorld
    sites: Sequence[Site]
    names: Sequence[str]

    def pan(self, card: WorldCard) -> str:
        """The sandbox's number in the place of the world's."""
        return payer_card(*self._card(card))

    def _card(self, card: WorldCard) -> tuple[str, int, int]:
        return card.scheme, self._issuers[card.number[6:9]], int(card.number[9:-1])

    @cached_property
    def _issuers(self) -> dict[str, int]:
        return {issuer.digits: issuer.number for issuer in self.world.bank.issuers}

    @cached_property
    def moments(self) -> dict[timedelta, list[Order]]:
        """Orders by when the shop hands them over: a few times a day, after the decline."""
        found: dict[timedelta, list[Order]] = defaultdict(list)
        for order in self.world.all_orders:
            found[
                -(-(timedelta(seconds=order.declined_at - self.world.now)) // MOMENT) * MOMENT
            ].append(order)
        return found

    def lines(self, number: int) -> list[Line]:
        """The shop's requests, as lines of an examples file numbered from `number` on."""
        placed = [(at, order) for at, orders in sorted(self.moments.items()) for order in orders]
        return [
            Line(n, at, "evaluate", self._name(order), self._body(order))
            for n, (at, order) in enumerate(placed, number)
        ]

    @cached_property
    def _by_key(self) -> dict[tuple[str, int], list[Order]]:
        found: dict[tuple[str, int], list[Order]] = defaultdict(list)
        for order in self.world.all_orders:
            found[_key(order)].append(order)
        return found

    def timetables(self, orders: Sequence[Order]) -> list[Timetable]:
        """Timetables of cards and amounts that come for the first time, for all their orders."""
        return [
            self._timetable(self._by_key[_key(order)])
            for order in orders
            if self._by_key[_key(order)][0] is order
        ]

    def _timetable(self, orders: Sequence[Order]) -> Timetable:
        first, since, answers = orders[0], list[datetime](), list[str]()
        instants = {
            at for one in orders for at in range(one.declined_at, one.expires_at, STEP_SECONDS)
        }
        for at in sorted(instants):
            order = next(one for one in orders if one.declined_at <= at < one.expires_at)
            verdict = self.world.bank.answer(
                order.card, order.payment.card, order.payment.amount, at
            )
            answer = "/".join(
                filter(None, (verdict.code or _APPROVED[order.payment.card.scheme], verdict.advice))
            )
            if verdict.cause is None:
                answer = _APPROVED[order.payment.card.scheme]
            if not answers or answers[-1] != answer:
                since.append(as_instant(at))
                answers.append(answer)
        return Timetable(self.pan(first.payment.card), first.payment.amount, since, answers)

    def site_of(self, customer: str) -> Site:
        return self.sites[zlib.crc32(customer.encode()) % len(self.sites)]

    def name_of(self, customer: str) -> str:
        return self.names[zlib.crc32(customer.encode()) // 8 % len(self.names)]

    def _name(self, order: Order) -> str:
        return f"{self.site_of(order.payment.customer_id).letters}-{order.payment.order_id[-6:]}"

    def _body(self, order: Order) -> dict[str, Any]:
        payment, site, name = (
            order.payment,
            self.site_of(order.payment.customer_id),
            self.name_of(order.customer.name),
        )
        given, _, family = name.partition(" ")
        result = {"responseStatus": "DECLINED"} | dict.fromkeys(_CHECKS, "NA")
        zone = payment.utc_offset_minutes
        return {
            "isDeclined": True,
            "isMIT": True,
            "isRecurring": True,
            "orderId": self._name(order),
            "siteUrl": site.url,
            "expiryDateUtc": iso(payment.expires_at),
            "subscription": {
                "subscriptionId": f"sub-{payment.customer_id[-6:]}",
                "interval": MONTHLY,
                "price": f"{payment.amount // 100}.{payment.amount % 100:02d}",
                "currency": payment.currency,
            },
            "transaction": {
                "id": f"ch-{payment.order_id[-6:]}",
                "timestampUtc": iso(payment.declined_at),
                "transactionType": "CAPTURE",
                "amount": payment.amount,
                "currency": payment.currency,
                "responseCode": payment.scheme_code,
                "responseCodeSource": payment.card.scheme,
                "dynamicDescriptor": site.descriptor,
                **({"timezoneUtcOffset": zone // 60} if zone is not None else {}),
                **({"adviceCode": payment.advice_code} if payment.advice_code else {}),
                **result,
            },
            "payer": {"id": payment.customer_id, "email": f"{payment.customer_id}@example.org"},
            "billingInformation": {
                "firstName": given,
                "lastName": family,
                "countryCode": payment.country,
            },
            "paymentMethod": {
                "holderName": name,
                "cardType": payment.card.funding.upper(),
                "cardCountry": payment.country,
                "cardBrand": payment.card.scheme.upper(),
                "expirationMonth": payment.card.exp_month,
                "expirationYear": payment.card.exp_year,
                "token": True,
                "cardNumber": {"$token": {"payer": self._card(payment.card)}},
            },
        }

    def history(self) -> list[HistoryRow]:
        """The shop's attempts before the first day."""
        return history_of(self.world)

    def past(self) -> bytes:
        return past_file(self.history())


_APPROVED: Final = {"visa": "00", "mastercard": "00", "amex": "000"}
_CHECKS: Final = ("avsResultCode", "cvvResultCode", "cavvResultCode")


def _key(order: Order) -> tuple[str, int]:
    return order.payment.card.number, order.payment.amount


def months_of(
    begun: datetime,
    days: int,
    orders: int,
    sites: Sequence[Site],
    names: Sequence[str],
    drawn_share: float | None = None,
) -> Months:
    """`orders` declined renewals in `days` days from `begun`, which is a full second. The same ones
    each time that it begins then. `drawn_share`: of the past payments whose attempts were made at
    random times."""
    base = read(None, seed=SEED)
    general = replace(
        base.world, orders=orders, now=begun, intake_days=days, window_days=WINDOW_DAYS
    )
    mood, history = replace(base.mood, hardening=(0.0, 0.0)), base.history
    if drawn_share is not None:
        history = replace(history, drawn_share=drawn_share)
    return Months(build(replace(base, world=general, mood=mood, history=history)), sites, names)
