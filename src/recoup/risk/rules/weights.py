"""Weights for and against fraud, as data: a version with a weight for each term. Pure.

Weights are thousandths of a logit, whole numbers. What the prior takes from published figures: the
lifts of AVS and CVV mismatches, alone and together, over an average payment (of a million orders
93.4 %, 93.5 % and 82.1 % with them were genuine); of several users at one device (8 times as often
fraud from two on, 14 times from four on) and of very small amounts (twice), from 1.3 million orders
(Sift Science, United States of Fraud, 2015). Its base is one fraud in a hundred payments, the
average that these lifts stand on; an IP address, which many share, counts half as much as a device.
The other weights are this project's own and modest. What an installation learns replaces them; each
version that ever decided is found in the decisions themselves, which hold the weights that they
used.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

LOGIT: Final = 1_000
WEIGHT_MAX: Final = 6 * LOGIT
BASE_MAX: Final = 12 * LOGIT


@dataclass(frozen=True, slots=True)
class Weights:
    """`base`: the logit of fraud where no term holds."""

    version: str
    base: int
    terms: Mapping[str, int] = field(default_factory=dict)


PRIOR_NAME: Final = "risk-prior-"
PRIOR: Final = Weights(
    f"{PRIOR_NAME}2",
    -4_600,
    {
        "avs_match": -500,
        "avs_partial": 300,
        "avs_mismatch": 1_900,
        "cvv_match": -300,
        "cvv_mismatch": 1_900,
        "both_mismatch": -800,
        "code_missing": 400,
        "card_day_2": 400,
        "card_day_4": 1_200,
        "payer_cards_1": 300,
        "payer_cards_3": 1_000,
        "address_cards_1": 200,
        "address_cards_3": 1_100,
        "device_cards_1": 2_080,
        "device_cards_3": 2_640,
        "ip_cards_1": 1_040,
        "ip_cards_3": 1_500,
        "device_hour_3": 600,
        "ip_hour_5": 700,
        "amount_3": 600,
        "amount_6": 1_200,
        "amount_tiny": 690,
        "shipped_abroad": 800,
        "foreign_card": 600,
        "decline_fraud": 1_300,
        "decline_code": 700,
        "decline_address": 500,
        "decline_funds": -200,
        "authenticated": -2_500,
        "paid_before_1": -900,
        "paid_before_3": -2_000,
        "processor_low": -300,
        "processor_elevated": 900,
        "processor_high": 2_000,
    },
)


def named(base: int, terms: Mapping[str, int]) -> Weights:
    """Learned weights, named after what they are.

    Raises: ValueError for weights that none may have.
    """
    if abs(base) > BASE_MAX or any(abs(weight) > WEIGHT_MAX for weight in terms.values()):
        raise ValueError("a weight is out of its bounds")
    content = json.dumps([base, dict(sorted(terms.items()))], separators=(",", ":"))
    return Weights(f"risk-{hashlib.sha256(content.encode()).hexdigest()[:12]}", base, terms)
