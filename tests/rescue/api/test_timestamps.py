"""When the payment was declined, in whatever form it is sent: read, or said; never dropped
without a word."""

from typing import Any

import pytest
from tests.door import FUNDS, Caller, Door, transmit_body
from tests.rings import each
from tests.uploads.api.test_uploads import worked

from recoup.rescue.rules.intake_warnings import FUTURE, UNREAD_TIME, in_sentences

[UNREAD] = in_sentences([UNREAD_TIME])
[AHEAD] = in_sentences([FUTURE])
SAME = [
    1795955850,
    "1795955850",
    " 1795955850 ",
    1795955850000,
    "1795955850000",
    1795955850.25,
    "1795955850.25",
    "2026-11-29T12:37:30Z",
    "2026-11-29T13:37:30+01:00",
    "2026-11-29 12:37:30",
    "20261129T123730Z",
    "20261129123730",
    "Sun, 29 Nov 2026 12:37:30 GMT",
]
NONE = [
    "01/04/2027",
    "yesterday",
    "2027-13-40",
    "99",
    99,
    1e300,
    -5,
    True,
    [],
    {"at": 1},
    "9" * 5000,
    "1795955850 s",
]


def kept(door: Door, order_id: str) -> Any:
    [row] = door.sql(
        "SELECT facts -> 'decline' ->> 'at' AS at, placed_at FROM orders WHERE order_id = "
        "$1::text::uuid",
        order_id,
    )
    return row


@each("sent", SAME)
def test_every_form_of_one_moment_is_that_moment(door: Door, shop: Caller, sent: Any) -> None:
    told = shop.evaluate(transaction__timestampUtc=sent).json()
    assert UNREAD not in told["customProperties"].get("warning", "")
    assert kept(door, told["orderId"])["at"].startswith("2026-11-29T12:37:30")


@each("sent", NONE)
def test_what_cannot_be_read_is_said_and_the_time_of_the_call_counts(
    door: Door, shop: Caller, sent: Any
) -> None:
    body = shop.body(transaction__timestampUtc=sent)
    checked = shop.post("/evaluate/check", body).json()
    assert checked["valid"]
    assert UNREAD in checked["remarks"]
    assert "transaction.timestampUtc" in [one["field"] for one in checked["improvements"]]
    told = shop.evaluate(body).json()
    assert UNREAD in told["customProperties"]["warning"]
    row = kept(door, told["orderId"])
    assert row["at"] == row["placed_at"].isoformat()


def test_a_time_to_come_is_said_and_counts_as_now(door: Door, shop: Caller) -> None:
    body = shop.body(transaction__timestampUtc="2040-01-01T00:00:00Z")
    assert AHEAD in shop.post("/evaluate/check", body).json()["remarks"]
    told = shop.evaluate(body).json()
    assert AHEAD in told["customProperties"]["warning"]
    row = kept(door, told["orderId"])
    assert row["at"] == row["placed_at"].isoformat()
    copy = shop.post(
        "/transmit", transmit_body(shop, transaction__timestampUtc="2040-01-01T00:00:00Z")
    ).json()
    assert AHEAD in copy["customProperties"]["warning"]
    [row] = door.sql(
        "SELECT transacted_at FROM transmissions WHERE transmit_id = $1::text::uuid",
        copy["transmitId"],
    )
    assert row["transacted_at"].year < 2040


def test_nothing_is_said_where_it_is_left_out_or_another_name_has_it(shop: Caller) -> None:
    for sent in (
        {"timestampUtc": None},
        {"timestampUtc": ""},
        {"timestampUtc": "soon", "timestamp": "2026-11-29T12:37:30Z"},
    ):
        body = shop.body()
        body["transaction"] |= sent
        assert UNREAD not in shop.evaluate(body).json()["customProperties"].get("warning", "")


@pytest.mark.parametrize("sent", ["yesterday", 1795955850])
def test_a_copy_and_a_row_of_a_file_say_it_too(door: Door, shop: Caller, sent: Any) -> None:
    body = transmit_body(shop, transaction__timestampUtc=sent)
    copy = shop.post("/transmit", body).json()
    unread = sent == "yesterday"
    assert (UNREAD in copy["customProperties"].get("warning", "")) is unread
    [row] = door.sql(
        "SELECT transacted_at FROM transmissions WHERE transmit_id = $1::text::uuid",
        copy["transmitId"],
    )
    assert row["transacted_at"] is not None
    assert row["transacted_at"].isoformat().startswith("2026-11-29T12:37:30") is not unread
    for kind in ("transmit", "evaluate"):
        copied = transmit_body(shop, transaction__timestampUtc=sent)
        declined = shop.body(
            transaction__timestampUtc=sent, paymentMethod__cardNumber=shop.token_for(FUNDS)
        )
        _, [answer] = worked(shop, [copied if kind == "transmit" else declined], f"?kind={kind}")
        assert (UNREAD in (answer["warning"] or "")) is unread
