"""Chains: a payer's transfer of a stablecoin becomes a paid order, a settlement and a refund."""

from pathlib import Path
from typing import Final

from recoup.core.kit.feature import Feature
from recoup.features.chains import intake

CHAINS: Final = Feature(
    name="chains",
    folder=Path(__file__).parent,
    intake=intake.complete,
    paying="recoup.features.chains.api",
    tables=("deposit_addresses", "cursors", "logs", "settlement_addresses"),
)
