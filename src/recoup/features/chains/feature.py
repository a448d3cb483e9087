"""Chains: a payer's transfer of a stablecoin becomes a paid order, a settlement and a refund."""

from pathlib import Path
from typing import Final

from recoup.core.kit.feature import Feature
from recoup.features.chains import credit, gateway, health, intake, loop, transfers
from recoup.features.chains.words import AUDITS, NOTICES
from recoup.rules.order.lifecycle import ANY, Fact

CHAINS: Final = Feature(
    name="chains",
    folder=Path(__file__).parent,
    facts=tuple(
        Fact(happening, "payment", ANY, None, None)
        for happening in ("wrong_token", "wrong_token_swept", "unexplained", "taken_back", "came_back")
    ),
    intake=intake.complete,
    refund_to=transfers.refund_to,
    gateways=gateway.gateways,
    loops=loop.loops,
    checks=health.troubles,
    balances=health.differences,
    settings={"channels": intake.serve_tables},
    trial="recoup.features.chains.trial",
    due={credit.DUE: credit.follow_ended},
    verbs={
        "terms address": (
            "Shows the wallets that a merchant's stablecoins settle to; an option enters, approves or withdraws one.",
            "recoup.features.chains.verbs",
        ),
        "terms tolerance": (
            "Shows or sets how much less than its amount pays a stablecoin order on a chain. The merchant bears it.",
            "recoup.features.chains.verbs",
        ),
        "sandbox deposit": (
            "Makes the customer's transfer to the address of a stablecoin order, on a development node.",
            "recoup.features.chains.verbs",
        ),
    },
    audits=AUDITS,
    notifies={notice.kind.name: notice for notice in NOTICES},
    tables=("deposit_addresses", "settlement_addresses", "shortfall_tolerances", "refund_destinations", "sends"),
    paying="recoup.features.chains.paying",
    portal="recoup.features.chains.page",
)
