"""What somebody typed into the one search box, as a condition on orders.

Exact ids first, ours, the sender's, a chain's; an e-mail address by its beginning; a whole descriptor; everything else
word by word: contained from three characters on, shorter words by how a word begins. `order_search.text` is lower
case, its words apart by one space.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg

from recoup.kernel.ids import parse_id, parse_wire_id
from recoup.store.read.order_filter import Arguments

TEXT_MAX: Final = 200
WORDS_MAX: Final = 8
How = Literal["all", "exact", "email", "descriptor", "text"]


@dataclass(frozen=True, slots=True)
class Search:
    """`joins` and `conditions` go into the list's statement; `values` are their arguments, in order of `{}`.

    `several`: of several words each may be common, and all together rare.
    """

    how: How
    joins: str = ""
    conditions: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()
    several: bool = False

    def words_first(self) -> "Search":
        """Finds all that match before the list's order is looked at. Without it a search for several common words
        that never meet walks the whole list."""
        if not self.several:
            return self
        found = f"h.order_id = ANY(ARRAY(SELECT s.order_id FROM order_search s WHERE {' AND '.join(self.conditions)}))"
        return Search(self.how, "", (found,), self.values)

    def bind(self, args: Arguments) -> list[str]:
        values = iter(self.values)
        return [c.format(*(args.add(next(values)) for _ in range(c.count("{}")))) for c in self.conditions]


NOTHING: Final = Search("all")

_EXACT: Final = """
SELECT order_id FROM orders WHERE merchant_id = $1 AND order_id = $2
UNION
SELECT order_id FROM attempts WHERE merchant_id = $1 AND attempt_id = $2
UNION
SELECT order_id FROM attempts WHERE merchant_id = $1 AND reference = $3 AND ladder = 'payment'
UNION
SELECT order_id FROM order_refs WHERE merchant_id = $1 AND door IN ('rescue', 'stablecoin') AND external_id = $3
LIMIT 100
"""
_EMAIL: Final = """
SELECT EXISTS (SELECT FROM order_payer WHERE merchant_id = $1 AND lower(email) LIKE $2)
"""
_DESCRIPTOR: Final = """
SELECT EXISTS (SELECT FROM order_heads WHERE merchant_id = $1 AND lower(descriptor) = $2)
"""
_TEXT_JOIN: Final = "JOIN order_search s ON s.merchant_id = h.merchant_id AND s.order_id = h.order_id"
_EMAIL_JOIN: Final = "JOIN order_payer m ON m.merchant_id = h.merchant_id AND m.order_id = h.order_id"


def tidy(typed: str) -> str:
    """One line of at most TEXT_MAX characters, without what the database cannot hold."""
    clean = "".join(c for c in typed[: TEXT_MAX * 8] if c not in "\x00\ufffe\uffff" and not "\ud800" <= c <= "\udfff")
    return " ".join(clean.split())[:TEXT_MAX]


def like(text: str) -> str:
    """The text with LIKE's own signs taken literally."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def exact_order(connection: asyncpg.Connection, merchant_id: UUID, typed: str) -> UUID | None:
    """The one order that this is an id of, if it is."""
    search = await understand(connection, merchant_id, typed)
    found = search.values[0] if search.how == "exact" else []
    return found[0] if len(found) == 1 else None


async def understand(connection: asyncpg.Connection, merchant_id: UUID, typed: str) -> Search:
    """How this text is looked for. Depends on what exists, never on the page that is shown."""
    text = tidy(typed)
    if not text:
        return NOTHING
    wire = parse_wire_id("ord", text) or parse_wire_id("pay", text)
    exact = await connection.fetch(_EXACT, merchant_id, wire or parse_id(text), text)
    if exact:
        return Search("exact", "", ("h.order_id = ANY({}::uuid[])",), ([r["order_id"] for r in exact],))
    lower = text.lower()
    if "@" in lower[1:] and " " not in lower:
        pattern = like(lower) + "%"
        if await connection.fetchval(_EMAIL, merchant_id, pattern):
            return Search(
                "email", _EMAIL_JOIN, ("m.merchant_id = {}", "lower(m.email) LIKE {}"), (merchant_id, pattern)
            )
    if await connection.fetchval(_DESCRIPTOR, merchant_id, lower):
        return Search("descriptor", "", ("lower(h.descriptor) = {}",), (lower,))
    tests: list[str] = ["s.merchant_id = {}"]
    values: list[Any] = [merchant_id]
    for word in lower.split()[:WORDS_MAX]:
        if len(word) >= 3:
            tests.append("s.text LIKE {}")
            values.append(f"%{like(word)}%")
        else:
            tests.append("(s.text LIKE {} OR s.text LIKE {})")
            values += [f"{like(word)}%", f"% {like(word)}%"]
    several = sum(len(word) >= 3 for word in lower.split()) > 1
    return Search("text", _TEXT_JOIN, tuple(tests), tuple(values), several)
