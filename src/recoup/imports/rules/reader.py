"""Rows of a file as attempts, with the reasons for a decline as an export says them: each code
stays in its own field, a text only names a class. A row that cannot be read says why and costs
nothing but itself; nothing here raises for what stands in a row."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from operator import itemgetter
from typing import Any, Final, NamedTuple

from recoup.imports.rules import cells as cell
from recoup.imports.rules.answers import Answers
from recoup.imports.rules.attempt import OPEN, STAGES, Attempt, BadLine, Skipped, State
from recoup.imports.rules.profile import HISTORY, Layout, StateRule, recognise
from recoup.kernel.cached import cached
from recoup.kernel.money import decimals_of, was_currency, withdrawn_by
from recoup.kernel.problem import Sentence
from recoup.kit.files import ids
from recoup.kit.files.amounts import NoAmount, units_of
from recoup.kit.files.ids import BadCell
from recoup.kit.files.moments import AMBIGUOUS, Order, instant, read_moment, zone_named
from recoup.kit.files.table import Cells, plain, shown_name
from recoup.networks.codes import (
    SOURCES,
    UNREADABLE,
    network_of,
    phrase_in,
    plain_advice,
    plain_code,
)
from recoup.networks.decline_code import NETWORK
from recoup.networks.tables import PROCESSOR_CODES

_CODE: Final = re.compile(r"[0-9A-Za-z_.:\-]{1,64}")
_LEADING: Final = re.compile(r"\s*([0-9A-Z]{1,2})\s*(?:[:;\-]|$)")
_QUOTED: Final = re.compile(r"`([a-z_]{3,60})`")
_SCHEME: Final = re.compile(r"[0-9A-Z]{1,3}")
_LISTED: Final = frozenset((row.source, row.code.lower()) for row in PROCESSOR_CODES)
_BY_TEXT: Final = {(row.source, plain(row.text)): row.code for row in reversed(PROCESSOR_CODES)}
# What the processor advises, in words of its own: as the network's advice, whose number is not
# told.
_ADVICE: Final = {"do_not_try_again": "03", "try_again_later": "02", "confirm_card_data": "01"}
_SOURCES: Final = {
    **{source: source for source in SOURCES}, "checkoutcom": "checkout", "checkout": "checkout",
    "nmi": "nmi",
}  # fmt: skip


class Reasons(NamedTuple):
    source: str
    scheme_code: str
    advice_code: str
    processor_code: str
    text: str


NOTHING: Final = Reasons("", "", "", "", "")


@cached(4_096)
def reasons_of(
    source: str,
    digits: int,
    processor: str,
    code: str,
    scheme_code: str,
    leading: str,
    advice: str,
    word: str,
    text: str,
    brand: str = "",
) -> Reasons:
    """`source`: whose codes they are, unless the row names its `processor`. `digits`: to which a
    number is padded that a spreadsheet made shorter. `leading`: a text that begins with the
    scheme's code. `word`: the processor's advice. `brand`: that answered, whose field 39 may mean
    what no other's does."""
    source = source or _processor(processor)
    lost = scheme_code if not _scheme(scheme_code) else ""
    scheme_code = _scheme(scheme_code) or _scheme(_first(leading))
    code, phrase = _own(source, code, digits), phrase_in(text, saying_why=False)
    if not code and (quoted := _QUOTED.search(text)) is not None and (source, quoted[1]) in _LISTED:
        code = quoted[1]
    if lost and not code and not scheme_code:
        code = UNREADABLE
    if not advice and word and source == "stripe":
        advice = _ADVICE.get(word.strip().lower(), "")
    if (owner := network_of(brand)) != NETWORK and scheme_code:
        source, code, scheme_code = (source, code, "") if code else (owner, scheme_code, "")
    return Reasons(
        source if code else "", scheme_code, _advice(advice), code, phrase.code if phrase else ""
    )


def _first(text: str) -> str:
    match = _LEADING.match(text)
    return match[1] if match else ""


def _scheme(text: str) -> str:
    """Field 39: two characters, of Amex three digits; one digit is two whose first is a nought."""
    code = plain_code("", text).upper()
    return code.zfill(2) if _SCHEME.fullmatch(code) else ""


def _advice(text: str) -> str:
    """The advice in its own form, or as it came where it has none: it is named among the codes that
    no list has."""
    return plain_advice(text) or text.strip().upper()


def _own(source: str, text: str, digits: int) -> str:
    """The processor's code; a word that it lists for one of its codes is that code."""
    text = plain_code(source, text)
    if not text:
        return ""
    if digits and text.removesuffix(".0").isdecimal():
        text = text.removesuffix(".0").zfill(digits)
    if (source, text.lower()) not in _LISTED and (
        named := _BY_TEXT.get((source, plain(text)))
    ) is not None:
        return named
    return text if _CODE.fullmatch(text) and not re.search(r"[0-9]{7}", text) else UNREADABLE


def _processor(name: str) -> str:
    """A gateway's name, as billing systems write it: `Stripe`, `checkout_com`,
    `adyen_ecommerce`."""
    word = plain(name)
    return (
        next((source for known, source in _SOURCES.items() if word.startswith(known)), "")
        if word
        else ""
    )


Outcome = Attempt | BadLine | Skipped
Values = Mapping[str, str]
STATES_CACHED: Final = 65_536
ATTEMPTS_MAX: Final = 10_000  # of one payment, as a file may number them
OFFSET_MAX: Final = 16 * 60
_CARD_DATA: Final = Sentence("holds what looks like a card number; nothing of it was kept")
_NO_NUMBER: Final = Sentence(
    "if it is an id, export a hash of it in its place, or leave the column out"
)
_OTHER_HEADER: Final = Sentence("is a header with other columns, or in another order")
_BELOW_OTHER: Final = Sentence(
    "stands below another header; import those lines as a file of their own"
)
_WRITE_DATE: Final = "write it like 2026-03-31 14:05:00"
_IDS: Final = ("ref", "payment", "customer", "card", "subscription")
_TOTAL: Final = Sentence("looks like a line of totals")
_MAYBE_TOTAL: Final = frozenset({"no_id", "status", "currency", "amount", "date"})
_TOTALS: Final = re.compile(r"(?:grand |sub)?totals?\b|sum\b|summe|gesamt", re.IGNORECASE)
_LINKED: Final = re.compile(r'"?invoice_id"?\s*[:=]\s*"?([^",}\s\]]+)')
_PROVIDER: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_GUESSED: Final = ("true", "yes", "1")
_CUSTOMERS: Final = ("false", "no", "0")


class Reader:
    """The rows of one file, in its order. `until`: nothing of a file happened later; `world`:
    numbers of simulated worlds are read."""

    def __init__(
        self,
        layout: Layout,
        answers: Answers,
        decimal: str,
        order: Order,
        until: datetime,
        world: bool,
    ) -> None:
        profile = layout.profile
        self.layout, self._profile, self._until, self._world = layout, profile, until, world
        self._sign, self._order = decimal or ".", order
        units = profile.amount if profile.amount != "unsure" else answers.units
        self._minor = units == "minor"
        self._answered = zone_named(answers.zone) if answers.zone else None
        self._named = zone_named(layout.zone) if layout.zone else None
        self._fixed = zone_named(profile.zone) if profile.zone else None
        self._fields = tuple(layout.places)
        self._first_cells = _picking([places[0] for places in layout.places.values()])
        self._stand_ins = [
            (field, places[1:]) for field, places in layout.places.items() if len(places) > 1
        ]
        dates = {place for field in ("at", "modified_at") for place in layout.places.get(field, ())}
        # Cells that are looked at for card numbers; a bad date costs the line too.
        self._watched = _picking(
            [place for place in range(len(layout.header)) if place not in dates]
        )
        self._watched_names = self._watched(layout.header)
        self._keys = tuple(sorted({field for rule in profile.states for field in rule.fields}))
        read = {field for rule in profile.states for field in (*rule.equal, *rule.starts)}
        self._filled = frozenset(self._keys) - read  # of these only whether they are filled
        self._names = list(map(plain, layout.header))
        self._states: dict[tuple[str, ...], StateRule | None] = {}
        self._before: datetime | None = None
        self._row = 0

    def rows(self, records: Iterable[Cells]) -> Iterator[Outcome]:
        """Reads the rows of a table. Its header again is passed over; below another one, as in
        files put together, nothing is read."""
        ours = True
        for line, cells, code, why, misfit in records:
            self._row += 1
            outcome: Outcome
            if cells is not None:
                outcome = self._outcome(
                    line, self._values(cells), self._watched_names, self._watched(cells)
                )
            elif misfit and _is_total(misfit):
                outcome = BadLine(line, "total", _TOTAL)
            else:
                outcome = BadLine(line, code, why)
            header = [] if isinstance(outcome, Attempt) else self._header(cells or misfit)
            if not header:
                yield outcome if ours else BadLine(line, "header", _BELOW_OTHER)
                continue
            ours = header == self._names
            if not ours:
                yield BadLine(line, "header", _OTHER_HEADER)

    def _header(self, cells: Sequence[str]) -> list[str]:
        """The names of columns, of a row that is a header of an export that is known."""
        place = self.layout.places["amount"][0]
        amount = cells[place] if place < len(cells) else "".join(cells)
        if not amount or any(map(str.isdigit, amount)):
            return []
        return list(map(plain, cells)) if recognise(cells) else []

    def objects(
        self, records: Iterable[tuple[int, Mapping[str, str] | None, str, str]]
    ) -> Iterator[Outcome]:
        """Reads the objects of JSON: (line, members by their plain names, code, why)."""
        columns, fields_of = self._profile.columns, dict[str, list[str]]()
        for field, names in columns.items():
            for name in names:
                fields_of.setdefault(name, []).append(field)
        for line, members, code, why in records:
            self._row += 1
            if members is None:
                yield BadLine(line, code, why)
                continue
            filled = {
                field for name, text in members.items() if text for field in fields_of.get(name, ())
            }
            values = {
                field: next(text for name in columns[field] if (text := members.get(name, "")))
                for field in columns
                if field in filled
            }
            yield self._outcome(line, values, list(members), list(members.values()))

    def _values(self, cells: Sequence[str]) -> dict[str, str]:
        values = dict(zip(self._fields, map(str.strip, self._first_cells(cells)), strict=True))
        for field, others in self._stand_ins:
            if not values[field]:
                values[field] = next(
                    (more for other in others if (more := cells[other].strip())), ""
                )
        return values

    def _outcome(
        self, line: int, values: dict[str, str], names: Sequence[str], cells: Sequence[str]
    ) -> Outcome:
        for field in _IDS:
            if values.get(field, "")[:1] == "'":
                values[field] = ids.plain_cell(values[field], is_id=True)
        try:
            return self._attempt(line, values, names, cells)
        except BadCell as bad:
            complaint = bad.complaint
            total = complaint.code in _MAYBE_TOTAL and _is_total(cells)
            return (
                BadLine(line, "total", _TOTAL)
                if total
                else BadLine(line, complaint.code, complaint.text())
            )

    def _attempt(
        self, line: int, values: Values, names: Sequence[str], cells: Sequence[str]
    ) -> Attempt | Skipped:
        get = values.get
        if card_cell := cell.with_card(self._checked(values, cells)):
            raise BadCell(
                "card_data", _CARD_DATA, shown_name(names[cells.index(card_cell)]), _NO_NUMBER
            )
        ref, payment = get("ref", ""), get("payment", "")
        if self._profile.name == HISTORY and not ref and payment:
            ref = f"{payment}#{get('attempt_no') or 1}"
        if not ref:
            raise BadCell(
                "no_id", Sentence("is empty: an attempt needs an id"), self._column("ref")
            )
        rule = self._rule(values)
        if rule is None:
            shown = self._shown_status(values)
            raise BadCell(
                "status",
                Sentence("holds a status that is not known: {0}", shown),
                self._column("status"),
            )
        if rule.skip:
            return Skipped(line, rule.skip)
        if not cell.is_card(method := get("method", ""), self._profile.cards):
            return Skipped(line, "no_card", cell.method_shown(method))
        state: State = (
            get("status", "").lower()  # type: ignore[assignment]
            if rule.state == "as_status"
            else rule.state
        )
        asset = get("currency", "").upper()
        if not was_currency(asset):
            unknown = Sentence("holds a currency that is not known: {0}", repr(asset[:8]))
            raise BadCell(
                "currency",
                unknown,
                self._column("currency"),
                "write three letters of ISO 4217, like USD",
            )
        units, negative = self._units(get("amount", ""), asset)
        if negative or not units:
            return Skipped(line, "refund" if negative else "card_check")
        at = self._moment(get("at", ""), get("zone", ""))
        if at > self._until:
            raise BadCell("future", Sentence("holds a date that lies ahead"), self._column("at"))
        if (last := withdrawn_by(asset, at)) is not None:
            raise BadCell(
                "currency",
                Sentence("holds {0}, which ended on {1}", asset, last),
                self._column("currency"),
            )
        self._before = at
        modified = get("modified_at", "")
        labels = self._labels(ref, payment, values)
        why = self._reasons(values) if state == "declined" or state == "not_sent" else NOTHING
        first, last4 = cell.card_parts(
            get("first6", ""), get("last4", ""), get("number", ""), world=self._world
        )
        return Attempt(
            self._row,
            line,
            self._provider(get("provider", "")),
            ref,
            labels[0],
            get("guessed", "").lower() in _GUESSED,
            labels[1],
            labels[2] or _card_label(first, last4, values),
            labels[3],
            get("token", ""),
            _method(values) if get("method_id") else None,
            get("acceptor", ""),
            get("mit", "").lower() in _CUSTOMERS,
            first,
            last4,
            cell.scheme_named(get("brand", ""), first),
            cell.funding_named(get("funding", ""), get("debit", "")),
            cell.country_named(get("country", "")),
            at,
            units,
            asset,
            state,
            STAGES[rule.stage] if rule.state != "as_status" or state != "unknown" else OPEN,
            rule.failed_later or get("failed_later", "").lower() in _GUESSED,
            *why,
            self._whole(values, "attempt_no", 1, ATTEMPTS_MAX),
            self._whole(values, "attempt_count", 0, ATTEMPTS_MAX),
            self._whole(values, "utc_offset", -OFFSET_MAX, OFFSET_MAX),
            _share(get("propensity", "")),
            self._moment(modified, get("zone", "")) if modified else None,
        )

    def _checked(self, values: Values, cells: Sequence[str]) -> Sequence[str]:
        """The cells that are looked at for card numbers: all, but for a simulated world's own
        number."""
        number = values.get("number", "")
        if self._world and number and cell.is_world_number(number):
            return [text for text in cells if text.strip() != number]
        return cells

    def _labels(self, ref: str, payment: str, values: Values) -> tuple[str, str, str, str]:
        """Payment, customer, card and subscription."""
        if payment[:1] in "[{" and payment:
            linked = _LINKED.search(payment)
            payment = linked[1] if linked else ""
        customer, card, series = (
            values.get("customer", ""),
            values.get("card", ""),
            values.get("subscription", ""),
        )
        for name, text in (("ref", ref), ("payment", payment)):
            if cell.is_grouped_card(text):
                raise BadCell("card_data", _CARD_DATA, self._column(name), _NO_NUMBER)
        if not ids.are_plain(ref + payment + customer + card + series):
            for name, text in zip(_IDS, (ref, payment, customer, card, series), strict=True):
                ids.check_id(text, self._column(name))
        return payment, customer, card, series

    def _column(self, field: str) -> str:
        return shown_name(self.layout.column(field))

    def _units(self, text: str, asset: str) -> tuple[int, bool]:
        exponent = self._profile.exponents.get(asset, decimals_of(asset)) if self._minor else None
        amount = units_of(text, asset, self._sign, exponent)
        if isinstance(amount, NoAmount):
            raise BadCell("amount", amount.what, self._column("amount"), amount.cure)
        return amount

    def _moment(self, text: str, column: str) -> datetime:
        read = read_moment(text, self._order)
        if read is None:
            raise BadCell(
                "date", Sentence("holds no date that can be read"), self._column("at"), _WRITE_DATE
            )
        zone = UTC if read.zone is None else self._zone(column, read.zone)
        at = instant(read.at, zone, self._before)
        if at is None:
            never = Sentence("holds a time that never existed, or is not in the years 2000 to 2200")
            raise BadCell("date", never, self._column("at"))
        return at

    def _zone(self, column: str, word: str) -> tzinfo:
        """The header's, else the column's, else the cell's, else as it was answered."""
        zone = self._named
        for name in (column, word) if zone is None else ():
            if name:
                zone = self._answered if name.upper() in AMBIGUOUS else zone_named(name)
                if zone is None:
                    unknown = Sentence(
                        "holds a time zone that is not known: {0}", _shown_zone(name)
                    )
                    raise BadCell("zone", unknown, self._column("zone" if column else "at"))
                break
        zone = zone or self._fixed or self._answered
        if zone is None:
            raise BadCell("zone", Sentence("holds a time without a time zone"), self._column("at"))
        return zone

    def _provider(self, name: str) -> str:
        if name and not _PROVIDER.fullmatch(name):
            raise BadCell(
                "bad_id",
                Sentence("is longer than {0} characters, or holds other than a-z", 32),
                "provider",
            )
        return name or self._profile.provider

    def _reasons(self, values: Values) -> tuple[str, str, str, str, str]:
        get = values.get
        return reasons_of(
            self._profile.source,
            self._profile.digits,
            get("processor", ""),
            get("processor_code", "")[:200],
            get("scheme_code", "")[:20],
            get("leading_code", "")[:20],
            get("advice_code", "")[:20],
            get("advice_word", "")[:60],
            get("text", "")[:400],
            get("brand", "")[:40],
        )

    def _rule(self, values: Values) -> StateRule | None:
        get, filled = values.get, self._filled
        key = tuple(
            ("1" if get(field) else "") if field in filled else get(field, "")
            for field in self._keys
        )
        try:
            return self._states[key]
        except KeyError:
            pass
        if len(self._states) >= STATES_CACHED:
            self._states.clear()
        words = {field: _word(text) for field, text in zip(self._keys, key, strict=True)}
        raw = {field: text.lower() for field, text in zip(self._keys, key, strict=True)}
        rule = next((rule for rule in self._profile.states if _holds(rule, words, raw)), None)
        self._states[key] = rule
        return rule

    def _shown_status(self, values: Values) -> str:
        texts = (
            values.get(field, "")
            for field in ("type", "status", "network_status", "answer", "approved")
        )
        return repr(" ".join(text[:30] for text in texts if text)[:60])

    @staticmethod
    def _whole(values: Values, name: str, low: int, high: int) -> int | None:
        text = values.get(name, "").removesuffix(".0")
        if not text:
            return None
        if not re.fullmatch(r"-?[0-9]{1,6}", text) or not low <= int(text) <= high:
            raise BadCell("number", Sentence("holds no number from {0} to {1}", low, high), name)
        return int(text)


def _picking(places: Sequence[int]) -> Callable[[Sequence[str]], Sequence[str]]:
    """Takes the cells at those places out of a row."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda cells: [cells[place] for place in places]


def _holds(rule: StateRule, words: Values, raw: Values) -> bool:
    return (
        all(words[field] in among for field, among in rule.equal.items())
        and all(raw[field].startswith(heads) for field, heads in rule.starts.items())
        and all(raw[field] for field in rule.has)
    )


def _shown_zone(name: str) -> str:
    """Cells of dates are not looked at for card numbers: what has so many digits is none that helps
    anybody."""
    return repr(name[:20]) if sum(map(str.isdigit, name)) <= 4 else "–"  # of an offset


def _word(text: str) -> str:
    """Form in which statuses are compared: `Partial Refund`, `partial-refund` and `partial_refund`
    are one."""
    return re.sub(r"[\s\-_]+", "_", text.strip().lower()).removesuffix(".0")


def _is_total(cells: Sequence[str]) -> bool:
    first = next((text.strip() for text in cells if text.strip()), "")
    return _TOTALS.match(first) is not None


def _card_label(first: str, last4: str, values: Mapping[str, Any]) -> str:
    """Label of a card without a fingerprint: what is known of it; empty where that is too
    little."""
    if not last4:
        return ""
    expiry = (
        values.get("expiry", "") or f"{values.get('exp_month', '')}/{values.get('exp_year', '')}"
    )
    return f"{first}-{last4}-{re.sub(r'[^0-9/]', '', expiry)[:7]}"


def _method(values: Values) -> tuple[str, str, str]:
    return (
        values.get("method_processor", ""),
        values["method_id"],
        values.get("method_customer", ""),
    )


def _share(text: str) -> float | None:
    try:
        share = float(text) if text and len(text) < 40 else -1.0
    except ValueError:
        return None
    return share if 0 < share <= 1 else None
