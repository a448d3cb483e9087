"""Where each table lives: a home is a schema. On one machine all homes are one database, but for people; a
statement stays inside one, so that homes can move to machines of their own.

| home | what | keys |
|---|---|---|
| MERCHANT | what belongs to merchants: orders, money, messages; a cell holds many merchants | `merchant_id` first |
| HUB | what is counted over merchants: cards and their sends, partners' feeds | its own |
| DIRECTORY | whom a key or an id belongs to, models, the installation; others' statements may read it | its own |
| PEOPLE | users, memberships and sessions: a database of its own | its own |

Statements name tables without a schema: each connection says `SEARCH_PATH`. What is created without one is a cell's.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from recoup.store.statement import Declare, Sql, statement


class Home(Enum):
    """The value is its schema."""

    MERCHANT = "cell"
    HUB = "hub"
    DIRECTORY = "directory"
    PEOPLE = "public"

    def statement(self, sql: Sql) -> Declare:
        """Declares the function below as a statement on this home's tables."""
        return statement(self, sql)

    def within(self, seconds: float) -> "Slow":
        """For statements that may take this long, and no longer."""
        return Slow(self, seconds)


@dataclass(frozen=True, slots=True)
class Slow:
    home: Home
    seconds: float

    def statement(self, sql: Sql) -> Declare:
        return statement(self.home, sql, seconds=self.seconds)


MERCHANT: Final = Home.MERCHANT
HUB: Final = Home.HUB
DIRECTORY: Final = Home.DIRECTORY
PEOPLE: Final = Home.PEOPLE

# In public: people's tables in their database, elsewhere which migrations were applied, and extensions.
SEARCH_PATH: Final = ", ".join(home.value for home in Home)
