"""A world of payments whose customers wait, one in a hundred of them fraud.

What AVS and CVV say agrees with a published count over a million orders: of AVS mismatches 6.6 %
were fraud, of CVV mismatches 6.5 %, of both together 17.9 % (apruvd.com, "Over 93 % of AVS and CVV
mismatches are not fraud"). How fraud divides into kinds, and how they look, is assumed: a third
tests cards, a third orders with a stolen card, a third cannot be told from genuine payments by
anything that a merchant sees, as where a customer disputes their own order. Genuine customers share
addresses on the internet, travel, send gifts and mistype. Nothing here knows the weights.
"""

import random
from typing import Final, NamedTuple

from recoup.risk.rules.facts import Check, RiskFacts, Seen

FRAUD: Final = 0.01
OF_AVS, OF_CVV, OF_BOTH = 0.066, 0.065, 0.179  # fraud among mismatches, as published
AVS_FRAUD, CVV_FRAUD, BOTH_FRAUD = 0.35, 0.20, 0.09  # how often fraud mismatches


def _among_genuine(fraud: float, of: float) -> float:
    """How often genuine payments show what `fraud` of the frauds show, where that is fraud `of` the
    time."""
    return fraud * FRAUD * (1 - of) / (of * (1 - FRAUD))


AVS_GENUINE = _among_genuine(AVS_FRAUD, OF_AVS)
CVV_GENUINE = _among_genuine(CVV_FRAUD, OF_CVV)
BOTH_GENUINE = _among_genuine(BOTH_FRAUD, OF_BOTH)


class Payment(NamedTuple):
    facts: RiskFacts
    fraud: bool


def payments(seed: int, count: int) -> list[Payment]:
    draw = random.Random(seed)
    return [_payment(draw) for _ in range(count)]


def _payment(draw: random.Random) -> Payment:
    fraud = draw.random() < FRAUD
    kind = draw.choice(("testing", "stolen", "like_genuine")) if fraud else "genuine"
    avs, cvv = _checks(draw, fraud=fraud)
    usual = 6_000
    amount = draw.lognormvariate(0.0, 0.8)
    if kind == "testing":
        amount = draw.lognormvariate(-1.0, 1.0)
    elif kind == "stolen":
        amount = draw.lognormvariate(0.6, 0.8)
    return Payment(
        RiskFacts(
            units=max(100, int(usual * amount)),
            currency="USD",
            usual_units=usual,
            seen=_seen(draw, kind),
            avs=avs,
            cvv=cvv,
            decline=_decline(draw, kind),
            shipped_abroad=draw.random() < (0.20 if kind == "stolen" else 0.04),
            foreign_card=draw.random()
            < (0.30 if kind == "stolen" else 0.15 if kind == "testing" else 0.05),
            paid_before=0 if kind in ("testing", "stolen") else draw.choice((0, 0, 0, 1, 2, 5)),
        ),
        fraud,
    )


def _checks(draw: random.Random, *, fraud: bool) -> tuple[Check, Check]:
    avs, cvv, both = (
        (AVS_FRAUD, CVV_FRAUD, BOTH_FRAUD) if fraud else (AVS_GENUINE, CVV_GENUINE, BOTH_GENUINE)
    )
    at = draw.random()
    if at < both:
        return "mismatch", "mismatch"
    if at < avs:
        return "mismatch", "match"
    rest: Check = draw.choices(
        ("match", "partial", "unknown"),
        (0.8, 0.1, 0.1),
    )[0]  # type: ignore[arg-type]
    return rest, "mismatch" if at < avs + cvv - both else "match"


def _seen(draw: random.Random, kind: str) -> dict[str, Seen]:
    """Other orders and cards of the day, by name. A tester changes addresses on the internet half
    of the time."""
    if kind == "testing":
        many = draw.randint(2, 12)
        ip = Seen(many // 2, many, many, many) if draw.random() < 0.5 else Seen()
        device = Seen(many // 2, many, many, many) if draw.random() < 0.4 else Seen()
        card = draw.choice((0, 0, 1, 2, 4))
    elif kind == "stolen":
        few = draw.choice((0, 0, 0, 1, 2, 3))
        ip, device, card = (
            Seen(0, few, few, few),
            Seen(0, few // 2, few // 2, few // 2),
            draw.choice((0, 0, 0, 1, 2)),
        )
    else:
        office = draw.choices((0, 1, 2, 4), (0.92, 0.04, 0.025, 0.015))[0]
        home = draw.choices((0, 1, 3), (0.97, 0.025, 0.005))[0]
        ip, device = Seen(0, office, office, office), Seen(0, home, home, home)
        card = draw.choices((0, 1, 2, 4), (0.90, 0.06, 0.03, 0.01))[0]
    return {"ip": ip, "device": device, "card": Seen(0, card, card, 0)}


def _decline(draw: random.Random, kind: str) -> str:
    """Of declines about 44 % are for lack of money and 9 % suspect fraud (Ethoca 2016)."""
    fraud = {"testing": 0.20, "stolen": 0.30}.get(kind, 0.09)
    return draw.choices(
        ("fraud_suspected", "insufficient_funds", "do_not_honor"),
        (fraud, 0.44 if fraud < 0.1 else 0.25, 0.47),
    )[0]
