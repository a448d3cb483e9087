"""Where each table lives. On one machine all homes are one database, but for people; a statement stays inside one, so
that homes can move to machines of their own.

| home | what | keys |
|---|---|---|
| MERCHANT | what belongs to merchants: orders, money, messages; a cell holds many merchants | `merchant_id` first |
| HUB | what is counted over merchants: cards and their sends, partners' feeds | its own |
| DIRECTORY | whom a key or an id belongs to, models, the installation; others' statements may read it | its own |
| PEOPLE | users, memberships and sessions: a database of its own | its own |
"""

from enum import Enum
from typing import Final


class Home(Enum):
    MERCHANT = "merchant"
    HUB = "hub"
    DIRECTORY = "directory"
    PEOPLE = "people"


MERCHANT: Final = Home.MERCHANT
HUB: Final = Home.HUB
DIRECTORY: Final = Home.DIRECTORY
PEOPLE: Final = Home.PEOPLE

# Of the world's database; every other table there is the merchants'.
SHARED: Final[dict[str, Home]] = {
    **dict.fromkeys((
        "cards", "card_prints", "network_sends", "card_blocks", "partner_feed", "partner_closers", "partner_reached",
        "partner_alerts",
    ), HUB),
    **dict.fromkeys((
        "world", "upkeep", "key_checks", "partners", "partner_keys", "partner_merchants", "partner_log",
        "heard_by_partners", "api_keys", "tokenization_keys", "signing_keys", "refresh_tokens", "seen_signatures",
        "signatures_since", "key_endings", "key_listeners", "endpoints", "applications",
        "application_log", "application_documents", "operator_exposure", "issuers", "engine_stops", "models",
        "model_choices", "trainings",
    ), DIRECTORY),
}  # fmt: skip


def home_of(table: str, database: str) -> Home:
    """`database`: "world" or "people"."""
    return PEOPLE if database == "people" else SHARED.get(table, MERCHANT)
