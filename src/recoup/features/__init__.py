"""All features, in the order in which they are consulted. Whoever asks what can stop a send reads this list."""

from typing import Final

from recoup.core.kit.feature import Feature
from recoup.features.chains.feature import CHAINS
from recoup.features.engine.feature import LEARNING
from recoup.features.mandates.feature import MANDATES
from recoup.features.network_tokens.feature import NETWORK_TOKENS
from recoup.features.parts.feature import PARTS
from recoup.features.refunds_feature import REFUNDS
from recoup.features.risk_feature import RISK
from recoup.features.stablecoin_feature import STABLECOIN
from recoup.features.webhooks_feature import WEBHOOKS

# Refunds lock the day of a person, then stablecoin the wallets.
FEATURES: Final[tuple[Feature, ...]] = (
    REFUNDS,
    STABLECOIN,
    RISK,
    WEBHOOKS,
    MANDATES,
    LEARNING,
    NETWORK_TOKENS,
    PARTS,
    CHAINS,
)
