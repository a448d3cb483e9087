"""Every code that a vendor publishes has a row with its source and date, and is read as the
vendor's own words say."""

import csv
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.rings import each

from recoup.networks.codes import SCHEMES, code_of, read_decline
from recoup.networks.decline_code import DeclineCode
from recoup.networks.limits import Refused, Send, Wish, may_send
from recoup.networks.tables import read_table
from recoup.policies.rules.policy import group_of

NOW = date(2026, 11, 29)
FOLDER = Path(__file__).with_name("published")
VENDORS = sorted(path.stem for path in FOLDER.glob("*.csv"))
FINAL = (
    "lost",
    "stolen",
    "closed",
    "stopped billing",
    "stopped all",
    "revoke",
    "disabled the token",
    "stop all",
    "stop this",
    "pick up",
)


def published(vendor: str) -> list[dict[str, str]]:
    lines = [
        line
        for line in (FOLDER / f"{vendor}.csv").read_text().splitlines()
        if not line.startswith("#")
    ]
    return list(csv.DictReader(lines))


def test_each_list_is_whole() -> None:
    assert {vendor: len(published(vendor)) for vendor in VENDORS} == {
        "adyen": 45,
        "braintree": 133,
        "nmi": 35,
        "stripe": 75,
    }


@each("vendor", VENDORS)
def test_every_published_code_has_a_row_with_source_and_date(vendor: str) -> None:
    rows = {
        row["code"].lower(): row
        for row in read_table("processor-codes.csv")
        if row["source"] == vendor
    }
    for one in published(vendor):
        row = rows.get(one["code"].lower()) or (
            rows["2109-2999"] if one["code"] == "2999" else None
        )
        assert row is not None, one
        assert re.search(r"\d{4}-\d{2}-\d{2}", row["source_document"]), row
        assert row["class"], row
        assert row["reason"], row


@each("scheme", (*SCHEMES, "generic"))
@each("vendor", VENDORS)
def test_every_published_code_is_read_as_its_vendor_says(vendor: str, scheme: str) -> None:
    for one in published(vendor):
        reading = read_decline(scheme=scheme, code=DeclineCode(vendor, one["code"]), on=NOW)
        again = group_of(reading) is not None
        match one["verdict"]:
            case "approved":
                assert reading.is_generic, one
            case "final":
                assert (reading.klass, reading.retry) == ("hard", "never"), one
            case "hard" | "not_again":
                assert not again, (one, reading)
            case "soft":
                assert reading.klass != "hard" or scheme == "elo", (
                    one,
                    reading,
                )  # whose rows are irreversible
            case _:
                assert again or scheme != "generic", (one, reading)
        assert reading.unlisted_code is None, one


@each("vendor", ["adyen", "braintree", "nmi", "stripe"])
def test_what_a_merchant_sends_with_the_vendors_name_is_the_vendors(vendor: str) -> None:
    """A number has an owner: `12` of Adyen is not the network's."""
    for one in published(vendor):
        named = read_decline(scheme="visa", code=code_of(None, f"{vendor}:{one['code']}"), on=NOW)
        assert (
            read_decline(scheme="visa", code=code_of(vendor.upper(), one["code"]), on=NOW) == named
        ), one


@each("scheme", (*SCHEMES, "generic"))
@each("vendor", VENDORS)
def test_no_card_is_sent_for_30_days_after_a_vendor_called_it_lost_closed_or_revoked(
    vendor: str, scheme: str
) -> None:
    for one in published(vendor):
        reading = read_decline(scheme=scheme, code=DeclineCode(vendor, one["code"]), on=NOW)
        if one["verdict"] != "final" or reading.reason not in (
            "lost_stolen",
            "closed_or_invalid_account",
            "revoked",
        ):
            continue
        at = datetime(2026, 12, 1, tzinfo=UTC)
        sent = Send(
            at,
            4590,
            "USD",
            "merchant",
            "acceptor",
            "merchant",
            declined=True,
            code=reading.code,
            klass=reading.klass,
            visa_category=reading.visa_category,
        )
        wish = Wish(
            units=100,
            currency="EUR",
            initiator="merchant",
            acceptor_id="acceptor",
            merchant_id="merchant",
        )
        for days in (0, 1, 7, 29):
            verdict = may_send(scheme, [sent], at + timedelta(days=days, hours=1), wish)
            assert isinstance(verdict, Refused), (one, days)


def test_words_of_the_list_that_sound_final_are_final() -> None:
    """So that a verdict of ours cannot be milder than the words beside it."""
    for vendor in VENDORS:
        for one in published(vendor):
            said = one["says"].lower()
            if (
                any(word in said for word in FINAL)
                and "business account" not in said
                and "outcome" not in said
            ):
                assert one["verdict"] in ("final", "hard"), one
