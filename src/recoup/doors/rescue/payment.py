"""What /evaluate and /transmit read alike: the transaction, the payer, the addresses, the card's outside."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from recoup.doors.rescue.complaints import Complaints
from recoup.doors.rescue.fields import Fields
from recoup.doors.rescue.resource import Call
from recoup.flows.cards.taken import Person
from recoup.rules.rescue.engine import zones
from recoup.rules.rescue.slots import offset_minutes

ADDRESS: Final = ("country", "countryCode", "addressLine1", "addressLine2", "city", "state", "zipcode", "phone")
NOT_YOUR_MID: Final = (
    "The Mid does not belong to this credential. Leave it out, or sign in with a key of the merchant that it names."
)
RESULTS: Final = ("avsResultCode", "cvvResultCode", "cavvResultCode")


def check_mid(call: Call, fields: Fields) -> None:
    """A merchant id in the body must be the credential's. Partners send it, others may."""
    check_own_fields(fields, call.caller.merchant_id if call.caller is not None else None)


def check_own_fields(fields: Fields, merchant_id: UUID | None) -> None:
    mid = fields.identifier("mid")
    if mid is not None and merchant_id is not None and mid != merchant_id:
        fields.complain("mid", text=NOT_YOUR_MID)


def check_own(mid: UUID | None, merchant_id: UUID, complaints: Complaints) -> None:
    """A merchant id in the body must be the credential's. Partners send it, others may."""
    if mid is not None and mid != merchant_id:
        complaints.add("Mid", text=NOT_YOUR_MID)


def code_text(fields: Fields, *, required: bool) -> str:
    """A response code as text; a JSON number is taken too. What a single digit means depends on its source."""
    return fields.text("responseCode", required=required, maximum=64)


def happened_at(fields: Fields) -> datetime | None:
    return fields.moment("timestampUtc", quiet=True) or fields.moment("timestamp", quiet=True)


def offsets_of(fields: Fields, country: str) -> dict[str, Any]:
    """`timezoneUtcOffset` as clients send it: hours (-5, "-5") or minutes (-300); else the country's. `zone` is how the
    engine counts, and whether it was told."""
    given = fields.whole("timezoneUtcOffset", low=-900, high=900)
    minutes, told = zones.offset_minutes(given, country)
    return {"utc_offset": offset_minutes(given, country), "zone": {"minutes": minutes, "told": told}}


def person_of(fields: Fields, ip: str) -> Person:
    payer, billing = fields.object("payer"), fields.object("billingInformation")
    shipping = fields.object("shippingInformation")
    holder = fields.object("paymentMethod").text("holderName")
    first, last = billing.text("firstName"), billing.text("lastName")
    if not first and not last and holder:
        first, _, last = holder.rpartition(" ") if " " in holder else (holder, "", "")
    return Person(
        external_id=payer.reference("id"), first_name=first, last_name=last, email=payer.text("email"),
        phone=payer.text("phone"), ip=ip, billing=_address(billing), shipping=_address(shipping),
    )  # fmt: skip


def _address(fields: Fields) -> dict[str, Any] | None:
    if fields.is_empty():
        return None
    kept = {name: text for name in ("firstName", "lastName", *ADDRESS) if (text := fields.text(name))}
    return kept or None


def items_of(fields: Fields) -> list[dict[str, Any]]:
    """Order lines; amounts in minor units."""
    items = []
    for item in fields.objects("orderItems", maximum=500):
        line: dict[str, Any] = {name: item.text(name) for name in ("sku", "name", "description", "discountType")}
        for name in ("amount", "discountAmount", "tax"):
            line[name] = item.units(name, low=0, high=10**12)
        line["quantity"] = item.whole("quantity", low=1, high=10**6)
        items.append({name: value for name, value in line.items() if value not in (None, "")})
    return items


def token_or_pan(method: Fields) -> tuple[UUID | None, str | None]:
    """`cardNumber` is a vault token when it is a GUID or `token` says so, else a card number."""
    given = method.text("cardNumber", required=True, maximum=64)
    if not given:
        return None, None
    plain = given.replace(" ", "").replace("-", "")
    if method.flag("token") or not plain.isdigit():
        found = method.identifier("cardNumber", "is not a card token; send what /tokenize answered, or a card number")
        return found, None
    if len(plain) > 19:
        method.complain("cardNumber", "must be a card number of 12 to 19 digits, or a token of /tokenize")
        return None, None
    return None, plain
