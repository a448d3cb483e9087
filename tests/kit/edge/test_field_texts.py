"""The text below a field is its description in the document."""

from typing import Annotated

import msgspec

from recoup.kit.edge.openapi import query_schema


class Inner(msgspec.Struct):
    amount: Annotated[int, msgspec.Meta(ge=0)]
    """Minor units,
    as everywhere."""


class Base(msgspec.Struct, kw_only=True):
    kept: Annotated[str, msgspec.Meta(description="of the type")]
    told: Annotated[str, msgspec.Meta(description="of the type")]
    """Below the field."""
    again: str
    """Of the base."""


class Whole(Base, rename="camel"):
    again: str
    own_name: list[Inner | None]
    """A list."""
    bare: int = 0


def test_a_text_below_a_field_describes_it_wherever_it_is_inherited() -> None:
    told = {
        name: field.get("description") for name, field in query_schema(Whole)["properties"].items()
    }
    assert told == {
        "kept": "of the type",
        "told": "Below the field.",
        "again": None,
        "ownName": "A list.",
        "bare": None,
    }


def test_limits_stay_and_lines_are_joined() -> None:
    assert query_schema(Inner)["properties"]["amount"] == {
        "description": "Minor units, as everywhere.",
        "type": "integer",
        "minimum": 0,
    }
