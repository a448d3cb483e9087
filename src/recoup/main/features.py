"""All features, in the order in which they are consulted: the core's rooms, then the rest.

Whoever asks what can stop a send reads this list.
"""

from typing import Final

from recoup.cards.feature import CARDS
from recoup.chains.feature import CHAINS
from recoup.desk.feature import DESK
from recoup.disputes.feature import DISPUTES
from recoup.engine.feature import LEARNING
from recoup.imports.feature import IMPORTS
from recoup.kernel.feature import Feature
from recoup.keys.feature import KEYS
from recoup.mail.feature import MAIL
from recoup.main.feature import MAIN
from recoup.mandates.feature import MANDATES
from recoup.network_tokens.feature import NETWORK_TOKENS
from recoup.notices.feature import NOTICES
from recoup.notifications.feature import NOTIFICATIONS
from recoup.orders.feature import ORDERS
from recoup.parts.feature import PARTS
from recoup.people.feature import PEOPLE
from recoup.refunds.feature import REFUNDS
from recoup.risk.feature import RISK
from recoup.routes.feature import ROUTES
from recoup.stablecoin.feature import STABLECOIN
from recoup.webhooks.feature import WEBHOOKS

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
    DISPUTES,
    NOTICES,
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
