"""Shapes that several resources share. Source: contract §1.1."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Annotated, Any, ClassVar, Final, Self, dataclass_transform
from uuid import UUID

from msgspec import UNSET, Meta, Struct, StructMeta, field

from recoup.kernel.money import UNITS_MAX
from recoup.kernel.time import iso
from recoup.kernel.worth import AMOUNT_MAX
from recoup.kit.api.field_rules import cents, currency, reference
from recoup.kit.edge.field_names import UnreadFields

Moment = Annotated[
    str, Meta(description="ISO 8601 in UTC.", extra_json_schema={"format": "date-time"})
]
Instant = Annotated[datetime, Meta(description="ISO 8601 in UTC.")]  # as a body says it
Queried = Annotated[Instant, Meta(extra_json_schema={"format": "date-time"})]  # as a query does
Text = Annotated[str, Meta(max_length=256)]
Counted = Annotated[int, Meta(ge=0)]
Text4 = Annotated[str, Meta(max_length=4)]
Text16 = Annotated[str, Meta(max_length=16)]
Text32 = Annotated[str, Meta(max_length=32)]
Text64 = Annotated[str, Meta(max_length=64)]
Text128 = Annotated[str, Meta(max_length=128)]
Text512 = Annotated[str, Meta(max_length=512)]
# The place in a list at which a page begins, as it is sent and as it is answered.
AFTER: Final = "`next` of the previous page."
_NEXT: Final = "Send it as `after`; null on the last page."
AfterId = Annotated[UUID | None, Meta(description=AFTER)]
NextId = Annotated[UUID | None, Meta(description=_NEXT)]
UnusedMid = Annotated[UUID | None, Meta(description="Optional; not used.")]
NextText = Annotated[str | None, Meta(description=_NEXT)]
Currency = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=4,
        description="ISO 4217.",
        examples=["USD"],
        extra={"rule": currency},
    ),
]
Reference128 = Annotated[str, Meta(max_length=128, extra={"rule": reference})]
Amount = Annotated[
    int,
    Meta(ge=1, le=AMOUNT_MAX, description="Minor units.", examples=[4590], extra={"rule": cents}),
]
Cents = Annotated[
    int,
    Meta(
        ge=0,
        le=UNITS_MAX,
        description="Minor units of the currency: 4590 for 45.90.",
        extra={"rule": cents},
    ),
]


_OURS: Final = {"amount": "units", "currency": "asset", "external_order_id": "external_id"}
_NOTHING: Final = object()


@cache
def _names(shape: type[Struct]) -> tuple[tuple[str, str], ...]:
    """Each member's name here, and ours."""
    return tuple(
        (name, _OURS.get(name) or name.replace("_date", "_at")) for name in shape.__struct_fields__
    )


class _Named(StructMeta):
    """Makes fields that are given by their names."""

    def __new__(
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **config: Any
    ) -> Any:
        return super().__new__(cls, name, bases, namespace, **{"kw_only": True} | config)


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
class Shape(Struct, metaclass=_Named, rename="camel"):
    """An object of the wire: members in camel case unless one names itself. `unread`: of a body,
    members that a base of it reads and that are not looked at here."""

    unread: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def of(cls, *rows: object, **others: Any) -> Self:
        """The object with what the first of the rows has under the same name, or under ours; times
        as text. `others`: the rest."""
        for name, ours in _names(cls):
            if name in others:
                continue
            for row in rows:
                value = getattr(row, name, _NOTHING)
                if value is _NOTHING:
                    value = getattr(row, ours, _NOTHING)
                if value is not _NOTHING:
                    others[name] = iso(value) if isinstance(value, datetime) else value
                    break
        return cls(**others)


def shape_named(name: str, doc: str, fields: Iterable[Sequence[Any]], base: Any = Shape) -> Any:
    """A shape whose fields are data: each a name, a type and, where it has one, the default."""
    named = {"__doc__": doc, "__annotations__": {name: kind for name, kind, *_ in fields}}
    return type(base)(
        name, (base,), named | {name: default[0] for name, _, *default in fields if default}
    )


class ErrorTuple(Shape):
    """One thing that was wrong."""

    item1: str
    """What happened and what to do."""
    item2: str
    """Its code: six digits, or a refund's response code."""
    item3: str
    """The code as a word, or the response code again."""
    item4: bool
    """Always true."""


class Members(Shape):
    """What every JSON answer carries; `status` comes with the answers,
    for not all give it as text."""

    success: bool = True
    """False for a decline, too; a decline is not an error."""
    result: str | None = None
    """A word or a sentence about the result."""
    status_code: str | None = None
    """Six digits of a refusal, HTTP status first."""
    errors: list[ErrorTuple] = field(default_factory=list)
    custom_properties: dict[str, str] = field(default_factory=dict)
    """`warning`: information for the caller."""
    warnings: UnreadFields = UNSET


class Envelope(Members):
    """An answer, or the whole of a refusal other than 400."""

    status: str | None = None
    """The state, if there is one."""


class Nothing(Shape):
    """`{}`: any member would read as a failure to existing clients."""


def iso_or_null(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None
