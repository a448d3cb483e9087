"""Writes `examples/day.jsonl`: one day of a subscription business, and what becomes of it in three
weeks.

python scripts/make_examples.py [FILE]

Seeded: the same program writes the same bytes. `examples/README.md` tells the format. Card numbers
are not in the file: a line names a test card, and whoever plays the file puts its number in.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Final

from example_declines import CATEGORIES, Category, Life, code_of, lives
from example_people import Person, person
from example_plans import SITES, Plan, Site

OUT: Final = Path(__file__).resolve().parent.parent / "examples" / "day.jsonl"
SEED: Final = 20_260_302
APPROVED: Final = 2_040
SLOT_MINUTES: Final = 20
SCHEMES: Final = {"visa": 52, "mastercard": 34, "amex": 9, "discover": 5}
BRANDS: Final = {"visa": "VISA", "mastercard": "MASTERCARD", "amex": "AMEX", "discover": "DISCOVER"}
BINS: Final = {"visa": "400022", "mastercard": "510510", "amex": "371449", "discover": "601100"}
EXPIRIES: Final = {"21d": 87, "28d": 10, "14d": 3}
FAULT_SLOT: Final = 19  # all time-outs of one moment, so that whoever waits for them waits once
COUNTING_CLIENTS: Final = 8
LAST_DAY: Final = 16


@dataclass
class Maker:
    """Numbers that must not come twice."""

    random: Random
    customers: int = 10_000
    payments: int = 480_000
    serials: int = 0

    def customer(self, country: str | None = None) -> Person:
        self.customers += 1
        return person(self.random, self.customers, country)

    def payment(self) -> str:
        self.payments += self.random.randrange(1, 9)
        return f"psp-{self.payments}"

    def serial(self) -> int:
        self.serials += 1
        return self.serials

    def pick(self, weights: dict[str, int]) -> str:
        return self.random.choices(list(weights), list(weights.values()))[0]


@dataclass(frozen=True)
class Bill:
    """One payment that a site asked for."""

    site: Site
    plan: Plan
    who: Person
    number: int
    scheme: str
    debit: bool
    slot: int
    payment: str

    @property
    def order_id(self) -> str:
        return f"{self.site.prefix}-{self.who.payer_id.removeprefix('cust-')}-{self.number:02d}"


def main(out: Path = OUT) -> None:
    maker = Maker(Random(SEED))
    declined = list(declines(maker))
    lines = [*approvals(maker), *(line for one in declined for line in one[2])]
    lines += [*later(maker, declined), *last_day(maker)]
    lines.sort(key=lambda line: (minutes(line["at"]), line["do"] != "transmit", line["order"]))
    out.parent.mkdir(exist_ok=True)
    with out.open("w", encoding="utf-8") as file:
        for line in [about(lines), *lines]:
            file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")


def about(lines: list[dict[str, Any]]) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for line in lines:
        counts[line["do"]] = counts.get(line["do"], 0) + 1
    return {
        "do": "about",
        "format": 1,
        "name": "A day of four subscription sites",
        "days": 22,
        "lines": counts,
        "sites": [{"url": s.url, "descriptor": s.descriptor} for s in SITES],
    }


# the day
# --------------------------------------------------------------------------------------------------


def bill(maker: Maker, *, site: Site | None = None, slot: int | None = None) -> Bill:
    random = maker.random
    site = site or random.choices(SITES, [s.weight for s in SITES])[0]
    plan = random.choices(site.plans, [p.weight for p in site.plans])[0]
    hour = random.choices(range(24), site.hours)[0]
    if slot is None:
        slot = hour * (60 // SLOT_MINUTES) + random.randrange(60 // SLOT_MINUTES)
    return Bill(
        site,
        plan,
        maker.customer(plan.country),
        random.randrange(2, 25),
        maker.pick(SCHEMES),
        random.random() < 0.4,
        slot,
        maker.payment(),
    )


def approvals(maker: Maker) -> Iterator[dict[str, Any]]:
    for _ in range(APPROVED):
        one = bill(maker)
        outside = {
            "cardBrand": BRANDS[one.scheme],
            "cardBinNumber": BINS[one.scheme],
            "cardLast4Digits": f"{maker.random.randrange(10_000):04d}",
        }
        result = {"responseCode": one.site.approval, "responseStatus": "APPROVED"}
        yield line(
            one.slot * SLOT_MINUTES,
            "transmit",
            one.order_id,
            copy_of(one, result, outside, declined=False),
        )


def declines(maker: Maker) -> Iterator[tuple[Bill, Life, list[dict[str, Any]]]]:
    """Each decline as the merchant saw it, and the life that its card leads afterwards."""
    planned = [(category, life) for category in CATEGORIES for life in lives(category)]
    maker.random.shuffle(planned)
    for category, life in planned:
        slot = FAULT_SLOT if life.kind == "faults" else None
        one = bill(maker, site=SITES[0] if life.units else None, slot=slot)
        yield one, life, decline_lines(maker, one, category, life)
    yield from one_card(maker)


def one_card(maker: Maker) -> Iterator[tuple[Bill, Life, list[dict[str, Any]]]]:
    """A cafe company pays several branches with one card: together they use up the card's
    allowance."""
    site, funds = SITES[0], CATEGORIES[0]
    company = maker.customer("US")
    for branch in range(COUNTING_CLIENTS):
        who = company._replace(payer_id=f"cust-{10_000 - COUNTING_CLIENTS + branch}")
        one = Bill(site, site.plans[-1], who, 1, "visa", False, 18 + 4 * branch, maker.payment())
        life = Life("counting", 0, expires="30d" if branch >= COUNTING_CLIENTS - 3 else "21d")
        yield one, life, decline_lines(maker, one, funds, life)


def decline_lines(maker: Maker, one: Bill, category: Category, life: Life) -> list[dict[str, Any]]:
    scheme = life.scheme or one.scheme
    one = replace(one, scheme=scheme)
    card = card_of(maker, scheme, life, category)
    code, text = code_of(category, one.site.source, maker.random)
    result = {"responseCode": code, "responseDescription": text, "responseStatus": "DECLINED"}
    outside = {
        "cardBrand": BRANDS[scheme],
        "cardBinNumber": {"$bin": card},
        "cardLast4Digits": {"$last4": card},
    }
    at = one.slot * SLOT_MINUTES
    lines = [line(at, "evaluate", one.order_id, evaluation(maker, one, result, card, life))]
    if one.site.transmits_declines:
        lines.append(
            line(
                at,
                "transmit",
                one.order_id,
                copy_of(one, result, outside, declined=True, units=life.units),
            )
        )
    return lines


def card_of(maker: Maker, scheme: str, life: Life, category: Category) -> dict[str, Any]:
    if life.kind == "script":
        code = life.card_code(scheme, category)
        return {"script": [scheme, code, life.declines, maker.serial()]}
    return {life.kind: 0 if life.kind == "counting" else scheme}


# what is sent
# --------------------------------------------------------------------------------------------------


def line(minute: int, do: str, order: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"at": step(minute), "do": do, "order": order, "body": body}


def step(minute: int) -> str:
    """Minutes from the file's beginning as `3d6h20m`."""
    days, rest = divmod(minute, 1440)
    hours, rest = divmod(rest, 60)
    return (
        "".join(f"{n}{unit}" for n, unit in ((days, "d"), (hours, "h"), (rest, "m")) if n) or "0m"
    )


def minutes(text: str) -> int:
    total, number = 0, ""
    for char in text:
        if char.isdigit():
            number += char
        else:
            total, number = total + int(number) * {"d": 1440, "h": 60, "m": 1}[char], ""
    return total


def transaction(one: Bill, result: dict[str, str], units: int | None) -> dict[str, Any]:
    return {
        "id": one.payment,
        "timestampUtc": {"$time": f"-{20 + one.number * 7 % 240}s"},
        "timezoneUtcOffset": one.who.utc_offset_hours,
        "transactionType": "CAPTURE",
        "amount": units or one.plan.units,
        "currency": one.plan.currency,
        "responseCodeSource": one.site.source,
        **result,
        "avsResultCode": "NA",
        "cvvResultCode": "NA",
        "cavvResultCode": "NA",
    }


def method(one: Bill, outside: dict[str, Any]) -> dict[str, Any]:
    return {
        "holderName": one.who.holder,
        "cardType": "DEBIT" if one.debit else "CREDIT",
        "cardCountry": one.who.address["countryCode"],
        **outside,
        "expirationMonth": one.number % 12 + 1,
        "expirationYear": {"$year": 1 + one.number % 4},
    }


def copy_of(
    one: Bill,
    result: dict[str, str],
    outside: dict[str, Any],
    *,
    declined: bool,
    units: int | None = None,
) -> dict[str, Any]:
    """The body of /transmit."""
    return {
        "isDeclined": declined,
        "orderId": one.order_id,
        "isMIT": True,
        "isRecurring": True,
        "siteUrl": one.site.url,
        "subscription": {"subscriptionId": f"sub-{one.order_id.rpartition('-')[0]}"},
        "transaction": transaction(one, result, units),
        "payer": {"id": one.who.payer_id, "email": one.who.email},
        "paymentMethod": method(one, outside),
    }


def evaluation(
    maker: Maker, one: Bill, result: dict[str, str], card: dict[str, Any], life: Life
) -> dict[str, Any]:
    """The body of a managed /evaluate; the player adds `mid` and `idempotencyKey`."""
    units = life.units or one.plan.units
    said = transaction(one, result, units) | {
        "cardNotPresent": True,
        "dynamicDescriptor": one.site.descriptor,
    }
    whole = {"firstName": one.who.first_name, "lastName": one.who.last_name, **one.who.address}
    body: dict[str, Any] = {
        "isDeclined": True,
        "isMIT": True,
        "isRecurring": True,
        "orderId": one.order_id,
        "siteUrl": one.site.url,
        "expiryDateUtc": {"$time": "30d"}
        if life.expires == "30d"
        else {"$hour": life.expires or maker.pick(EXPIRIES)},
        "subscription": {
            "subscriptionId": f"sub-{one.order_id.rpartition('-')[0]}",
            "interval": one.plan.interval,
            "price": one.plan.text(units),
            "currency": one.plan.currency,
            "paymentNumber": str(one.number),
        },
        "transaction": said,
        "payer": {"id": one.who.payer_id, "email": one.who.email, "phone": one.who.phone},
        "billingInformation": whole,
        "paymentMethod": {
            **method(one, {"cardBrand": BRANDS[one.scheme]}),
            "token": True,
            "cardNumber": {"$token": card},
        },
    }
    if units == one.plan.units:
        body["orderItems"] = [
            {"sku": i.sku, "name": i.name, "amount": i.units * i.quantity, "quantity": i.quantity}
            for i in one.plan.items
        ]
    if maker.random.random() < 0.25:
        body["threeDSecure"] = {
            "threeDsVersion": "2.2.0",
            "ecommerceIndicator": "05",
            "enrolled": "Y",
            "authenticationResponseStatus": "Y",
            "directoryResponseStatus": "Y",
        }
    return body


# what comes later
# -----------------------------------------------------------------------------------------------


def later(
    maker: Maker, declined: list[tuple[Bill, Life, list[dict[str, Any]]]]
) -> Iterator[dict[str, Any]]:
    """Refunds of what was rescued, cancellations and own payments of what was not."""
    random = maker.random
    rescued = [
        b
        for b, life, _ in declined
        if life.kind == "script" and life.declines <= 1 and len(b.plan.items) > 1
    ]
    never = [b for b, life, _ in declined if life.kind == "script" and life.waits]
    random.shuffle(rescued)
    random.shuffle(never)
    for number, one in enumerate(rescued[:22]):
        when = random.randrange(11, 21) * 1440 + random.randrange(8, 20) * 60
        for again, body in enumerate(refund_bodies(one, number)):
            yield line(when + again * 1440, "refund", one.order_id, body)
    for one in never[:11]:
        yield line(
            random.randrange(1, 13) * 1440 + random.randrange(8, 22) * 60,
            "cancel",
            one.order_id,
            {},
        )
    for number, one in enumerate(never[11:18]):
        yield own_try(
            maker,
            one,
            random.randrange(2, 10) * 1440 + random.randrange(8, 20) * 60,
            paid=number < 4,
        )


def own_try(maker: Maker, one: Bill, minute: int, *, paid: bool) -> dict[str, Any]:
    """The merchant tries the payment itself while its rescue goes on."""
    outside = {
        "cardBrand": BRANDS[one.scheme],
        "cardBinNumber": BINS[one.scheme],
        "cardLast4Digits": "0000",
    }
    said = {"responseCode": one.site.approval, "responseStatus": "APPROVED"}
    if not paid:
        code, text = code_of(CATEGORIES[1], one.site.source, maker.random)
        said = {"responseCode": code, "responseDescription": text, "responseStatus": "DECLINED"}
    body = copy_of(replace(one, payment=maker.payment()), said, outside, declined=not paid)
    return line(minute, "transmit", one.order_id, body)


def refund_bodies(one: Bill, number: int) -> list[dict[str, Any]]:
    """Whole, part by amount, part by items, or two parts."""
    units, text = one.plan.units, one.plan.text
    if number < 8:
        return [
            {"amountToRefund": text(units), "refundMessage": "Subscription ended by the customer"}
        ]
    if number < 15:
        return [{"amountToRefund": text(max(1, units // 3)), "refundMessage": "Goodwill"}]
    if number < 20:
        return [{"items": [{"line": 2, "quantity": 1}], "refundMessage": "Item not delivered"}]
    part = text(max(1, units // 4))
    return [
        {"amountToRefund": part, "refundMessage": f"{which} part"} for which in ("First", "Second")
    ]


def last_day(maker: Maker) -> Iterator[dict[str, Any]]:
    """Declines of the day that the story ends on: they are still in work when somebody looks."""
    for number in range(LAST_DAY):
        category = CATEGORIES[(0, 0, 1, 0, 1, 7)[number % 6]]
        one = bill(maker, slot=(21 * 1440 + 480 + number * 60) // SLOT_MINUTES)
        life = Life("script", number % 3, expires="21d")
        yield from decline_lines(maker, one, category, life)
        if number in (2, 7):
            yield own_try(maker, one, 21 * 1440 + 23 * 60 + 20, paid=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else OUT)
