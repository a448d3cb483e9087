"""The text typed into the one search box, as a condition on orders.

Exact ids first, ours, the sender's, a chain's, then how ours ends; an e-mail address by its
beginning; a whole descriptor; everything else word by word: contained from three characters on,
shorter words by how a word begins; or all of it together, as a name may be written.
`order_search.text` is made by the same rules as the query is read by (`kit/lists/folding.py`), its
words apart by one space.
"""

import re
from typing import Final, Literal
from uuid import UUID

from recoup.db.statement import Read
from recoup.desk.store.order_filter import Arguments, OrderFilter, conditions, narrowing
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import parse_id, parse_tail, parse_wire_id
from recoup.kit.lists.folding import coded, fold, joined, whole_name

TEXT_MAX: Final = 200
WORDS_MAX: Final = 8
ENDS_MAX: Final = 100
EMAIL_ORDERS: Final = 500  # of one address: they are named; of more the list is looked through
How = Literal["all", "exact", "email", "descriptor", "text"]


@frozen
class Search:
    """`joins` and `conditions` go into the list's statement; `values` are their arguments, in order
    of `{}`.

    `several`: of several words each may be common, and all together rare.
    """

    how: How
    joins: str = ""
    conditions: tuple[str, ...] = ()
    values: tuple[str | UUID | list[UUID], ...] = ()
    several: bool = False

    def words_first(self) -> "Search":
        """Finds all that match before the list's order is looked at. Without it a search for
        several common words that never meet walks the whole list."""
        return self.found_first() if self.several else self

    def found_first(self) -> "Search":
        """The same of any words: how common one is, is guessed, at times by a hundred times too
        high."""
        if _TEXT_JOIN not in self.joins:
            return self
        within = (
            f"h.order_id = ANY(ARRAY(SELECT s.order_id FROM order_search s WHERE "
            f"{' AND '.join(self.conditions)}))"
        )
        return Search(self.how, "", (within,), self.values)

    def bind(self, args: Arguments) -> list[str]:
        values = iter(self.values)
        return [
            c.format(*(args.add(next(values)) for _ in range(c.count("{}"))))
            for c in self.conditions
        ]


NOTHING: Final = Search("all")

_EXACT: Final = """
SELECT order_id FROM orders WHERE merchant_id = $1 AND order_id = $2
UNION
SELECT order_id FROM attempts WHERE merchant_id = $1 AND attempt_id = $2
UNION
SELECT a.order_id FROM charges c JOIN attempts a USING (merchant_id, attempt_id)
WHERE c.merchant_id = $1 AND c.reference = $3 AND a.ladder IN ('payment', 'unexpected')
UNION
SELECT order_id FROM order_refs WHERE merchant_id = $1 AND door IN ('rescue', 'stablecoin')
  AND external_id = $3
LIMIT 100
"""
# An index knows how ids end by eight digits: of six all that may stand before them are asked for.
_ENDS: Final = f"""
SELECT DISTINCT order_id FROM order_refs WHERE merchant_id = $1
  AND right(order_id::text, 8) = ANY($2::text[])
  AND order_id::text LIKE $3 ORDER BY order_id DESC LIMIT {ENDS_MAX}
"""
_TAIL: Final = (
    "SELECT order_id FROM order_refs WHERE merchant_id = $1 AND right(order_id::text, "
    "8) = $2 LIMIT 100"
)
# The plans of these do not know the values, so that each says in its own words where its index
# begins and ends: a LIKE whose pattern is not known reads every address, and a descriptor that may
# be anywhere is looked for everywhere.
_EMAIL: Final = """
SELECT order_id FROM order_payer WHERE merchant_id = $1 AND lower(email) ~>=~ $2
  AND lower(email) ~<=~ $3 LIMIT 501
"""
_DESCRIPTOR: Final = """
SELECT lower(descriptor) = $2 FROM order_heads WHERE merchant_id = $1 AND lower(descriptor) >= $2
ORDER BY lower(descriptor) LIMIT 1
"""
_SHORT: Final = re.compile(
    "([0-9a-f]{4})?(…|[.]{2,3})?([0-9a-f]{6})"
)  # an id as pages shorten it, or its end
_HASH: Final = re.compile("[0-9a-fA-F]{64}")  # a transaction's, as TRON's own pages show it
_HEX: Final = [f"{number:02x}" for number in range(256)]
_NAME: Final = re.compile(r"[^\d@:/_#*%=]+")  # what may be somebody's
_LAST: Final = "\U0010ffff"  # behind it no address with the same beginning comes
_TEXT_JOIN: Final = (
    "JOIN order_search s ON s.merchant_id = h.merchant_id AND s.order_id = h.order_id"
)
_EMAIL_JOIN: Final = (
    "JOIN order_payer m ON m.merchant_id = h.merchant_id AND m.order_id = h.order_id"
)


def normalise_query(typed: str) -> str:
    """Cuts the text to one line of at most TEXT_MAX characters, without what the database cannot
    hold."""
    clean = "".join(
        c
        for c in typed[: TEXT_MAX * 8]
        if c not in "\x00\ufffe\uffff" and not "\ud800" <= c <= "\udfff"
    )
    return " ".join(clean.split())[:TEXT_MAX]


def like(text: str) -> str:
    """The text with LIKE's own signs taken literally."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def exact_order(connection: Read, merchant_id: UUID, typed: str) -> UUID | None:
    """The one order that this is an id of, if it is."""
    search = await understand(connection, merchant_id, typed)
    ids = search.values[0] if search.how == "exact" else None
    return ids[0] if isinstance(ids, list) and len(ids) == 1 else None


async def search_of(connection: Read, order_filter: OrderFilter) -> Search:
    """The search that a list's filter asks for."""
    return await understand(
        connection,
        order_filter.merchant_id,
        order_filter.text,
        order_filter.sight,
        order_filter.last4,
    )


def every_condition(order_filter: OrderFilter, search: Search, args: Arguments) -> list[str]:
    """All that an order of the list meets."""
    return conditions(order_filter, args) + search.bind(args) + narrowing(order_filter, args)


async def understand(
    connection: Read, merchant_id: UUID, typed: str, sight: str = "shown", last4: str = ""
) -> Search:
    """The way this text is looked for, and beside it a card's last four. Depends on what exists,
    never on the page that is shown. For whom customers' data is `masked` only whole values are
    found, so that nobody spells a name out letter by letter."""
    search = await _words(connection, merchant_id, normalise_query(typed), sight)
    if not last4:
        return search
    # The last four stand at the end of what an order with a card is found by.
    join = "" if _TEXT_JOIN in search.joins else _TEXT_JOIN
    how: How = "text" if search is NOTHING else search.how
    conditions = (*search.conditions, "s.merchant_id = {}", "s.text LIKE {}")
    values = (*search.values, merchant_id, f"% {like(last4)}")
    return Search(how, f"{search.joins} {join}".strip(), conditions, values, search.several)


async def _words(connection: Read, merchant_id: UUID, text: str, sight: str) -> Search:
    if not text:
        return NOTHING
    wire = parse_wire_id("ord", text) or parse_wire_id("pay", text)
    exact = await connection.fetch(_EXACT, merchant_id, wire or parse_id(text), text)
    if not exact and _HASH.fullmatch(text):
        exact = await connection.fetch(_EXACT, merchant_id, None, f"0x{text.lower()}")
    tail = parse_tail(text)
    if not exact and tail is not None:
        exact = await connection.fetch(_TAIL, merchant_id, tail)
    ids = [row["order_id"] for row in exact]
    if not ids and text[4:5] in ("…", "."):
        ids = await orders_by_end(connection, merchant_id, text)
    if ids:
        return Search("exact", "", ("h.order_id = ANY({}::uuid[])",), (ids,))
    lower = text.lower()
    if "@" in lower[1:] and " " not in lower:
        pattern = like(lower) + ("%" if sight != "masked" else "")
        last = lower + (_LAST if sight != "masked" else "")
        named = [
            row["order_id"] for row in await connection.fetch(_EMAIL, merchant_id, lower, last)
        ]
        if 0 < len(named) <= EMAIL_ORDERS:
            return Search("email", "", ("h.order_id = ANY({}::uuid[])",), (named,))
        if named:
            return Search(
                "email",
                _EMAIL_JOIN,
                ("m.merchant_id = {}", "lower(m.email) LIKE {}"),
                (merchant_id, pattern),
            )
    if await connection.fetchval(_DESCRIPTOR, merchant_id, lower):
        return Search("descriptor", "", ("lower(h.descriptor) = {}",), (lower,))
    return _by_words(merchant_id, text, sight)


def _by_words(merchant_id: UUID, text: str, sight: str) -> Search:
    if sight == "masked":
        whole = whole_name(text)
        conditions = ("s.merchant_id = {}", "s.text LIKE {}" if whole else "false")
        return Search(
            "text", _TEXT_JOIN, conditions, (merchant_id, *([_contains(whole)] if whole else []))
        )
    words = [
        plain for word in fold(text).split()[:WORDS_MAX] if (plain := word.strip("="))
    ]  # as no whole name is
    tests, values = [], list[str]()
    for word in words:
        if len(coded(word)) >= 3:
            tests.append("s.text LIKE {}")
            values.append(_contains(word))
        else:
            tests.append("(s.text LIKE {} OR s.text LIKE {})")
            values += [f"{like(word)}%", f"% {like(word)}%"]
    together = joined(text)
    if (
        len(together) >= 3
        and _NAME.fullmatch(text)
        and any("-" in word or len(coded(word)) < 3 for word in words)
    ):
        tests = [f"({' AND '.join(tests)} OR s.text LIKE {{}})"]  # `De La Cruz` for `DelaCruz`
        values.append(_contains(together))
    several = sum(len(word) >= 3 for word in words) > 1
    return Search(
        "text",
        _TEXT_JOIN,
        ("s.merchant_id = {}", *(tests or ["false"])),
        (merchant_id, *values),
        several,
    )


def _contains(folded: str) -> str:
    return f"%{like(coded(folded))}%"


async def orders_by_end(connection: Read, merchant_id: UUID, typed: str) -> list[UUID]:
    """The orders whose ids a page shortens to this, or whose ids end so; newest first, at most
    ENDS_MAX."""
    match = _SHORT.fullmatch(typed.strip().lower())
    if match is None or bool(match[1]) != bool(match[2]):
        return []
    ends = [f"{two}{match[3]}" for two in _HEX]
    rows = await connection.fetch(_ENDS, merchant_id, ends, f"{match[1] or ''}%")
    return [row["order_id"] for row in rows]
