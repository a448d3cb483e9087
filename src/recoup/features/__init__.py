"""All features, in the order in which they are consulted: the core's rooms, then the rest.

Whoever asks what can stop a send reads this list.
"""

from typing import Final

from recoup.core.kit.feature import Feature
from recoup.features.cards_feature import CARDS
from recoup.features.chains.feature import CHAINS
from recoup.features.desk_feature import DESK
from recoup.features.engine.feature import LEARNING
from recoup.features.imports_feature import IMPORTS
from recoup.features.keys_feature import KEYS
from recoup.features.mail_feature import MAIL
from recoup.features.main_feature import MAIN
from recoup.features.mandates.feature import MANDATES
from recoup.features.network_tokens.feature import NETWORK_TOKENS
from recoup.features.notifications_feature import NOTIFICATIONS
from recoup.features.orders_feature import ORDERS
from recoup.features.parts.feature import PARTS
from recoup.features.people_feature import PEOPLE
from recoup.features.refunds_feature import REFUNDS
from recoup.features.risk_feature import RISK
from recoup.features.routes_feature import ROUTES
from recoup.features.stablecoin_feature import STABLECOIN
from recoup.features.webhooks_feature import WEBHOOKS

# Refunds lock the day of a person, then stablecoin the wallets.
FEATURES: Final[tuple[Feature, ...]] = (
    ORDERS,
    MAIL,
    PEOPLE,
    NOTIFICATIONS,
    CARDS,
    KEYS,
    IMPORTS,
    ROUTES,
    REFUNDS,
    STABLECOIN,
    RISK,
    WEBHOOKS,
    DESK,
    MAIN,
    MANDATES,
    LEARNING,
    NETWORK_TOKENS,
    PARTS,
    CHAINS,
)
