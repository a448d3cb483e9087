"""The address of the list: read as it was written, whatever stands in it; days and amounts as
people mean them."""

import time
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.datastructures import QueryParams
from tests.rings import each

from recoup.desk.page.orders.amounts import Amounts, read_amounts
from recoup.desk.page.orders.page import chips
from recoup.desk.page.orders.query import PRESETS, SIZES, Days, Query, read_days
from recoup.desk.page.orders.reading import read_query
from recoup.desk.store.columns import COLUMNS
from recoup.kernel.money import EXPONENTS
from recoup.kernel.nearest import nearest
from recoup.kit.local_time import zones
from recoup.kit.personal import SHOWN
from recoup.merchants.store.merchants import Campaign, MerchantSettings, Site
from recoup.orders.rules.words import REASON_WORDS

zones()  # read once, which takes longer than one example may
NOW = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
SITE, CAMPAIGN, MERCHANT = (
    uuid.UUID(int=number) for number in (1, 2, 3)
)  # every worker collects the same tests
KNOWN: Any = MerchantSettings(
    None,  # type: ignore[arg-type]
    (Site(SITE, "https://shop.example/de", "Leaf EU", "LEAF", True, True, True, True, NOW),),
    (),
    (Campaign(CAMPAIGN, SITE, "winter-26", "Winter", "", True, True, True, NOW),),
)
days = st.dates(date(2000, 1, 1), date(2199, 12, 30))
numbers = st.decimals(0, 10**15 - 1, places=2, allow_nan=False)
# A whole address is a large example: on a busy machine it takes its time.
calm = settings(suppress_health_check=[HealthCheck.too_slow])
texts = st.text(st.characters(codec="utf-8"), max_size=60).map(lambda t: " ".join(t.split()))


def read(address: str, zone: str = "GMT") -> Query:
    return read_query(QueryParams(address), KNOWN, zone=zone)


@st.composite
def queries(draw: st.DrawFn) -> Query:
    span = st.builds(lambda a, b: Days("", min(a, b), max(a, b)), days, days)
    spans = st.one_of(
        st.just(Days()),
        st.sampled_from(sorted(PRESETS)).map(Days),
        span,
        days.map(lambda d: Days("", d)),
    )
    amount = st.one_of(
        st.just(Amounts()),
        numbers.map(lambda n: Amounts(n, n)),
        st.builds(Amounts, numbers, st.none(), st.booleans()),
        st.builds(lambda n, b: Amounts(None, n, False, b), numbers, st.booleans()),
        st.builds(
            lambda a, b, *open_: Amounts(min(a, b), max(a, b), *open_),
            numbers,
            numbers,
            st.booleans(),
            st.booleans(),
        ),
    )
    return Query(
        reasons=tuple(sorted(draw(st.sets(st.sampled_from(sorted(REASON_WORDS)), max_size=6)))),
        **dict(
            zip(
                ("code", "code_source"),
                draw(st.sampled_from([("", ""), ("51", ""), ("R1", "nmi")])),
                strict=True,
            )
        ),
        brand=draw(st.sampled_from(["", "visa"])),
        issuer=draw(st.sampled_from(["", "424242"])),
        statuses=tuple(sorted(draw(st.sets(st.integers(0, 8), max_size=8)))),
        channels=tuple(
            sorted(draw(st.sets(st.sampled_from(["mit", "cit_web", "stable"]), max_size=3)))
        ),
        site=draw(st.one_of(st.none(), st.uuids())),
        campaign=draw(st.one_of(st.none(), st.uuids())),
        order_ids=tuple(sorted(draw(st.sets(st.uuids(), max_size=3)))),
        placed=draw(spans),
        created=draw(spans),
        amount=draw(amount),
        currency=draw(st.sampled_from(["", "USD", "JPY", "USDT"])),
        chain=draw(st.sampled_from(["", "mock"])),
        attempts=draw(st.integers(0, 9999)),
        expires=draw(st.integers(0, 8000)),
        attention=draw(st.booleans()),
        refunded=draw(st.sampled_from([None, True, False])),
        up=draw(st.booleans()),
        sort=draw(st.sampled_from(["placed", "created", "amount", "expires"])),
        size=draw(st.sampled_from(SIZES)),
        zone=draw(st.sampled_from(["GMT", "Europe/Berlin", "Pacific/Apia", "America/Sao_Paulo"])),
        columns=tuple(name for name in COLUMNS if draw(st.booleans())),
    )


@calm
@given(queries())
def test_an_address_is_read_as_it_was_written(query: Query) -> None:
    again = read(query.link().partition("?")[2])
    assert again.unclear == ()
    assert again.link() == query.link()
    assert again.filter(MERCHANT, NOW, SHOWN) == query.filter(MERCHANT, NOW, SHOWN)
    assert len(chips(query, KNOWN)) == sum(
        value != getattr(Query(), name)
        for name, value in (
            (n, getattr(query, n))
            for n in (
                "statuses",
                "channels",
                "site",
                "campaign",
                "order_ids",
                "placed",
                "created",
                "amount",
                "currency",
                "chain",
                "attempts",
                "expires",
                "attention",
                "refunded",
                "reasons",
                "code",
                "brand",
                "issuer",
            )
        )
    )


@calm
@given(queries())
def test_each_chip_takes_off_what_it_says(query: Query) -> None:
    for chip in chips(query, KNOWN):
        assert len(chips(replace(query, **chip.without), KNOWN)) == len(chips(query, KNOWN)) - 1


PARAMETERS = [
    "q",
    "status",
    "type",
    "site",
    "campaign",
    "id",
    "external",
    "placed",
    "placed_from",
    "placed_to",
    "created",
    "created_from",
    "amount",
    "min",
    "max",
    "currency",
    "descriptor",
    "channel",
    "attempts",
    "expires",
    "attention",
    "refunded",
    "reason",
    "code",
    "code_source",
    "brand",
    "issuer",
    "sort",
    "up",
    "size",
    "zone",
    "cols",
    "cursor",
    "view",
    "other",
]
odd = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "1",
            "-1",
            "9" * 30,
            "1e9",
            "../../etc/passwd",
            "Europe",
            "\x00",
            "NaN",
            "..",
            ">",
            "2026-02-30",
            "٣",
            "²",
            "0001-01-01",
            "9999-12-31..",
            "<script>",
            "نورا‮",
            "😀",
            "1w",
            "99999d",
            ",,",
        ]
    ),
)


@calm
@given(st.lists(st.tuples(st.sampled_from(PARAMETERS), odd), max_size=8))
def test_any_address_is_read_and_says_a_filter(pairs: list[tuple[str, str]]) -> None:
    query = read(urlencode(pairs, errors="replace"))
    query.filter(MERCHANT, NOW, SHOWN)
    again = read(query.link().partition("?")[2])
    assert again.link() == query.link()
    assert len(query.link()) < 20_000
    chips(query, KNOWN)


@given(texts)
def test_any_text_is_looked_for_or_said_to_be_unclear(text: str) -> None:
    query = read(urlencode({"q": text}, errors="replace"))
    query.filter(MERCHANT, NOW, SHOWN)
    assert read(query.link().partition("?")[2]).text == query.text


@each(
    ("typed", "address"),
    [
        ("status:paid amount:>50 site:shop.example", f"status=7&site={SITE}&amount=%3E50"),
        ("status:completed,processing type:mit", "status=4&status=7&type=mit"),
        ("ana status:Problem roe", "q=ana+roe&status=3"),
        ("type:cit", "type=cit_callcenter&type=cit_web"),
        ("site:eu", f"site={SITE}"),
        ('code:"insufficient funds" amount:86,50', "code=insufficient+funds&amount=86.50"),
        ('site:"Leaf EU" campaign:WINTER-26', f"site={SITE}&campaign={CAMPAIGN}"),
        (
            "placed:7d created:2026-11-01..2026-11-05",
            "placed=7d&created_from=2026-11-01&created_to=2026-11-05&zone=GMT",
        ),
        ("placed:2026-11-03", "placed_from=2026-11-03&placed_to=2026-11-03&zone=GMT"),
        ("placed:20261103", "placed_from=2026-11-03&placed_to=2026-11-03&zone=GMT"),
        (
            "is:attention has:refund attempts:>2 expires:3d",
            "attempts=3&expires=72h&attention=1&refunded=1",
        ),
        ("amount:20..99.90 currency:usd", "currency=USD&amount=20..99.90"),
        ("refund:no channel:mock external:SUB-1", "external=SUB-1&channel=mock&refunded=0"),
        ("status:declined", "reason=declined"),
        ("status:expired", "reason=expired"),
        (
            'reason:"by you" reason:paid_elsewhere',
            "reason=merchant_cancelled&reason=paid_elsewhere",
        ),
        ("code:51 brand:visa issuer:424242", "code=51&brand=visa&issuer=424242"),
        ("http://a.example note:this", "q=http%3A%2F%2Fa.example+note%3Athis"),
    ],
)
def test_typed_filters_become_the_address(typed: str, address: str) -> None:
    query = read(urlencode({"q": typed}))
    assert query.unclear == ()
    assert query.link().partition("?")[2] == address


def test_what_is_typed_counts_before_what_the_form_says_beside_it() -> None:
    """A form sends every status that is ticked; at first all are."""
    everything = "&".join(f"status={code}" for code in range(9))
    assert read(
        f"q=status%3Apaid+placed%3A7d&{everything}&placed_from=&placed=today&zone="
    ).statuses == (7,)


@each(
    "typed",
    [
        "status:nope",
        "reason:nope",
        "brand:nope",
        "issuer:42",
        "amount:much",
        "amount:100..50",
        "attempts:0",
        "expires:0h",
        "placed:someday",
        "placed:2026-11-10..2026-11-01",
        "currency:XXX",
    ],
)
def test_what_cannot_be_read_is_named_and_stays_in_the_box(typed: str) -> None:
    query = read(urlencode({"q": f"ana {typed}"}))
    assert query.text == "ana"
    assert query.unclear == (typed,)
    assert query.unread["q"] == f"ana {typed}"


def test_fields_of_the_form_that_cannot_be_read_keep_what_was_typed() -> None:
    query = read("min=abc&max=5&placed_from=2026-13-45&site=nope&attempts=many")
    assert set(query.unclear) == {"min", "max", "placed_from", "site", "attempts"}
    assert query.unread["min"] == "abc"
    assert query.is_plain()
    query = read("min=100&max=50&created_from=2026-11-10&created_to=2026-11-01")
    assert set(query.unclear) == {"min", "max", "created_from", "created_to"}
    assert query.is_plain()


def test_a_name_that_is_nearly_a_filters_is_offered_as_it_and_others_are_none_of_ours() -> None:
    meant = {"statsu": "status", "placed_form": "placed_from", "crated_to": "created_to"}
    for typed in (*meant, "utm_source", "utm_campaign", "page", "source", "action", "fbclid"):
        offered = ((f"{meant[typed]}=7d",) * 2,) if typed in meant else ()
        assert (read(f"{typed}=7d").better, read(f"{typed}=7d").misread) == (
            offered,
            typed in meant,
        ), typed


def test_dates_that_are_typed_count_before_the_preset_that_was_there() -> None:
    assert read("placed=7d&placed_from=2026-11-01").placed == Days("", date(2026, 11, 1))


@given(st.sampled_from(sorted(PRESETS)), st.dates(date(2001, 1, 1), date(2190, 1, 1)))
def test_each_preset_is_a_span_of_whole_days_up_to_today(name: str, today: date) -> None:
    first, last = PRESETS[name][1](today)
    assert first <= last <= today
    assert (last == today) != (name.startswith("last-") or name == "yesterday")


def test_presets_at_borders() -> None:
    friday = date(2026, 1, 2)
    of = {name: PRESETS[name][1](friday) for name in PRESETS}
    assert of["week"] == (date(2025, 12, 29), friday)
    assert of["last-week"] == (date(2025, 12, 22), date(2025, 12, 28))
    assert of["last-month"] == (date(2025, 12, 1), date(2025, 12, 31))
    assert of["quarter"] == (date(2026, 1, 1), friday)
    assert of["last-quarter"] == (date(2025, 10, 1), date(2025, 12, 31))
    assert of["7d"] == (date(2025, 12, 27), friday)


ZONES = [
    "GMT",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "America/Havana",
    "Asia/Beirut",
    "Pacific/Apia",
    "Asia/Kolkata",
    "Africa/Cairo",
    "America/Santiago",
]


@given(st.sampled_from(ZONES), st.dates(date(2001, 1, 1), date(2035, 12, 30)))
def test_days_of_a_zone_lie_side_by_side_whatever_its_clocks_do(zone: str, day: date) -> None:
    following = day + timedelta(days=1)
    first, between = Days("", day, day).span(zone, day)
    again, _ = Days("", following, following).span(zone, day)
    assert first is not None
    assert between is not None
    assert between == again
    assert first <= between
    if first < between:  # a zone that crossed the date line left out a day
        inside = [first, between - timedelta(microseconds=1), first + (between - first) / 2]
        assert {moment.astimezone(ZoneInfo(zone)).date() for moment in inside} == {day}
    assert between - first <= timedelta(hours=26)


def test_the_days_on_which_clocks_change_are_shorter_and_longer() -> None:
    def hours(day: str) -> float:
        first, last = read_days(day).span("Europe/Berlin", date(2026, 1, 1))
        assert first is not None
        assert last is not None
        return (last - first) / timedelta(hours=1)

    assert (hours("2026-03-29"), hours("2026-10-25"), hours("2026-11-20")) == (23, 25, 24)


def test_today_is_the_zones_today() -> None:
    """At 22:30 in London it is tomorrow in Tokyo."""
    wanted = read("placed=today&zone=Asia/Tokyo").filter(MERCHANT, NOW, SHOWN)
    assert wanted.placed_from == datetime(2026, 11, 20, 15, tzinfo=UTC)
    assert read("placed=today").filter(MERCHANT, NOW, SHOWN).placed_from == datetime(
        2026, 11, 20, tzinfo=UTC
    )


@given(
    numbers,
    numbers,
    st.booleans(),
    st.booleans(),
    st.sampled_from(["USD", "JPY", "KWD", "USDT", "CLF"]),
    st.integers(0, 10**12),
)
def test_an_amount_is_within_exactly_when_its_decimal_is(
    low: Decimal, high: Decimal, above: bool, below: bool, asset: str, units: int
) -> None:
    wanted = Amounts(low, high, above, below)
    least, most = wanted.units(asset)
    amount = Decimal(units).scaleb(-EXPONENTS[asset])
    inside = (amount > low if above else amount >= low) and (
        amount < high if below else amount <= high
    )
    assert least is not None
    assert most is not None
    assert (least <= units <= most) == inside
    (range_,) = [r for r in wanted.ranges() if asset in r.assets]
    assert (range_.units_from, range_.units_to) == (least, most)


@each("text", ["", "..", "-5", "1e3", "NaN", "1.2.3", "5 0", "٣", ">", "1" * 40, "50..x", "<>5"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match=".*"):
        read_amounts(text)


def test_amounts_are_read_as_people_write_them() -> None:
    written = {
        "1,200.50": "1200.50",
        "86,50": "86.50",
        "1.200,50": "1200.50",
        "1 200,50": "1200.50",
        "1,200": "1200",
        "1’200.50": "1200.50",
        "1.200": "1.200",
        "1,000,000": "1000000",
    }
    assert {text: str(read_amounts(text).low) for text in written} == written


def test_what_is_nearest_is_bounded_and_a_guess_of_few_letters() -> None:
    known = ("completed", "problem", "hold", "paid")
    typed = {
        "complted": "completed",
        "compelted": "completed",
        "prblem": "problem",
        "pald": "paid",
        "xyz": None,
        "": None,
        "p": None,
        "po": None,
        "completed" * 9: None,
    }
    assert {word: nearest(word, known) for word in typed} == typed
    begun = time.process_time()
    read("q=" + "+".join(f"status:{'x' * 30}{n}" for n in range(40)) + "&status=" + "y" * 5_000)
    assert time.process_time() - begun < 1


@each(
    "zone",
    ["Nowhere/City", "../../etc/passwd", "Europe", "x" * 500, "\x00", "localtime", "right/UTC"],
)
def test_an_unknown_zone_is_said_and_the_persons_own_stays(zone: str) -> None:
    query = read(urlencode({"zone": zone}), "Europe/Berlin")
    assert query.zone == "Europe/Berlin"
    assert query.unclear == ("zone",)


def test_the_zone_stands_in_every_link_whose_days_depend_on_it() -> None:
    assert dict(parse_qsl(read("placed=today").link().partition("?")[2]))["zone"] == "GMT"
    assert "zone" not in read("status=7").link()
    assert "zone=Europe%2FBerlin" in read("status=7", "Europe/Berlin").link()
    assert read("zone=europe/berlin").zone == "Europe/Berlin"
