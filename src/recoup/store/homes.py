"""Where each table lives: a home is a schema. On one machine all homes are one database, but for people; a
statement stays inside one, so that homes can move to machines of their own.

| home | what | keys |
|---|---|---|
| MERCHANT | what belongs to merchants: orders, money, messages; a cell holds many merchants | `merchant_id` first |
| HUB | what is counted over merchants: cards and their sends, partners' feeds | its own |
| DIRECTORY | whom a key or an id belongs to, models, the installation; others' statements may read it | its own |
| CHAIN | what the watcher read of chains, and what the sender sent: by chain, of all merchants | `chain` first |
| PEOPLE | users, memberships and sessions: a database of its own | its own |

Statements name tables without a schema: each connection says `SEARCH_PATH`. What is created without one is a cell's.
"""

from typing import Final

from recoup.store.statement import Home

MERCHANT: Final = Home.MERCHANT
HUB: Final = Home.HUB
DIRECTORY: Final = Home.DIRECTORY
CHAIN: Final = Home.CHAIN
PEOPLE: Final = Home.PEOPLE

# In public: people's tables in their database, elsewhere which migrations were applied, and extensions.
SEARCH_PATH: Final = ", ".join(home.value for home in Home)
