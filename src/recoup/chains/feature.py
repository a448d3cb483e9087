"""Chains: a payer's transfer of a stablecoin becomes a paid order, a settlement and a refund."""

from pathlib import Path
from typing import Final

from recoup.audit.rules import AUDIT, NOUN
from recoup.chains import credit, gateway, health, intake, loop, transfers
from recoup.chains.moves import TAKEN_BACK, UNEXPECTED, overpaid
from recoup.chains.words import AUDITS, NOTICES, NOUNS
from recoup.checkout.places import PAY_PAGE
from recoup.kernel.feature import Feature
from recoup.kernel.places import SETTING, TRIAL
from recoup.kit.cli.verb_group import VERB
from recoup.kit.places import LOOPS
from recoup.kit.retention import GOOD, ORDER, RETENTION, STANDS, lines
from recoup.notifications.rules.notifications import NOTICE
from recoup.orders.rules.attention import ATTENTION, DESK, Attention
from recoup.orders.rules.ledger import RECIPE
from recoup.orders.rules.lifecycle import ANY, FACT, Fact
from recoup.people.page.feature_parts import PORTAL
from recoup.refunds.flows.refund_destination import REFUND_TO
from recoup.rescue.flows.places import BALANCES, CHECKS, DUE, GATEWAYS, INTAKE
from recoup.stablecoin.api.places import PAYING

_REASONS: Final = (
    Attention(
        UNEXPECTED,
        "Money arrived that this order did not ask for. Look at its transfers, then mark it as "
        "resolved.",
        "Look at its transfers, agree with the customer, then mark it as resolved.",
        DESK,
        by_people=True,
    ),
    Attention(
        TAKEN_BACK,
        "A reorganisation of the chain took back this payment after it had been confirmed.",
        "Deliver nothing before it is there again; ask the customer to send it once more.",
        DESK,
        by_people=True,
    ),
)
CHAINS: Final = Feature(
    name="chains",
    folder=Path(__file__).parent,
    tables=(
        "deposit_addresses",
        "settlement_addresses",
        "shortfall_tolerances",
        "refund_destinations",
        "sends",
    ),
    adds=(
        RETENTION(
            (
                *lines("deposit_addresses refund_destinations", ORDER),
                *lines("settlement_addresses shortfall_tolerances", GOOD),
                *lines("logs sends transactions", GOOD),
                *lines("chain_mark comparisons cursors proofs senders sender_holders", STANDS),
            )
        ),
        *(
            FACT(Fact(happening, "payment", ANY, None, None))
            for happening in (
                "wrong_token",
                "wrong_token_swept",
                "unexplained",
                "taken_back",
                "came_back",
            )
        ),
        INTAKE(intake.complete),
        REFUND_TO(transfers.refund_to),
        GATEWAYS(gateway.gateways),
        LOOPS(loop.loops),
        CHECKS(health.troubles),
        BALANCES(health.differences),
        SETTING({"channels": intake.serve_tables}),
        TRIAL("recoup.chains.trial"),
        DUE({credit.DUE: credit.follow_ended}),
        VERB(
            {
                "terms address": (
                    "Shows the wallets that a merchant's stablecoins settle to; an option enters, "
                    "approves or "
                    "withdraws one.",
                    "recoup.chains.verbs",
                ),
                "terms tolerance": (
                    "Shows or sets how much less than its amount pays a stablecoin order on a "
                    "chain. The merchant "
                    "bears it.",
                    "recoup.chains.verbs",
                ),
                "sandbox deposit": (
                    "Makes the customer's transfer to the address of a stablecoin order, on a "
                    "development node.",
                    "recoup.chains.verbs",
                ),
            }
        ),
        *map(ATTENTION, _REASONS),
        RECIPE(overpaid),
        AUDIT(AUDITS),
        *map(NOUN, NOUNS),
        *map(NOTICE, NOTICES),
        PAYING("recoup.chains.paying"),
        PAY_PAGE("recoup.chains.paying"),
        PORTAL("recoup.chains.page"),
    ),
)
