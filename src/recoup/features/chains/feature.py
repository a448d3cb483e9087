"""Chains: a payer's transfer of a stablecoin becomes a paid order, a settlement and a refund."""

from pathlib import Path
from typing import Final

from recoup.core.kit.feature import Feature
from recoup.core.places import SETTING, TRIAL
from recoup.doors.checkout.places import PAY_PAGE
from recoup.doors.clock.places import LOOPS
from recoup.doors.command.verb_group import VERB
from recoup.doors.portal.feature_parts import PORTAL
from recoup.doors.stablecoin.places import PAYING
from recoup.features.chains import credit, gateway, health, intake, loop, transfers
from recoup.features.chains.words import AUDITS, NOTICES
from recoup.flows.places import BALANCES, CHECKS, DUE, GATEWAYS, INTAKE
from recoup.flows.refund_destination import REFUND_TO
from recoup.rules.merchants.audit import AUDIT
from recoup.rules.messages.notifications import NOTICE
from recoup.rules.order.lifecycle import ANY, FACT, Fact

CHAINS: Final = Feature(
    name="chains",
    folder=Path(__file__).parent,
    tables=("deposit_addresses", "settlement_addresses", "shortfall_tolerances", "refund_destinations", "sends"),
    adds=(
        *(
            FACT(Fact(happening, "payment", ANY, None, None))
            for happening in ("wrong_token", "wrong_token_swept", "unexplained", "taken_back", "came_back")
        ),
        INTAKE(intake.complete),
        REFUND_TO(transfers.refund_to),
        GATEWAYS(gateway.gateways),
        LOOPS(loop.loops),
        CHECKS(health.troubles),
        BALANCES(health.differences),
        SETTING({"channels": intake.serve_tables}),
        TRIAL("recoup.features.chains.trial"),
        DUE({credit.DUE: credit.follow_ended}),
        VERB(
            {
                "terms address": (
                    "Shows the wallets that a merchant's stablecoins settle to; an option enters, approves or "
                    "withdraws one.",
                    "recoup.features.chains.verbs",
                ),
                "terms tolerance": (
                    "Shows or sets how much less than its amount pays a stablecoin order on a chain. The merchant "
                    "bears it.",
                    "recoup.features.chains.verbs",
                ),
                "sandbox deposit": (
                    "Makes the customer's transfer to the address of a stablecoin order, on a development node.",
                    "recoup.features.chains.verbs",
                ),
            }
        ),
        AUDIT(AUDITS),
        *map(NOTICE, NOTICES),
        PAYING("recoup.features.chains.paying"),
        PAY_PAGE("recoup.features.chains.paying"),
        PORTAL("recoup.features.chains.page"),
    ),
)
