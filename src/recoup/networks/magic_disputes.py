"""The sandbox's cardholders who dispute: on the dispute cards, by amount, some days after the
charge was approved.

No other magic card is disputed by itself. Source: design §6.
"""

from datetime import timedelta
from typing import Final, Literal, NamedTuple


class Row(NamedTuple):
    """`percent` of the charge, `after` its approval (business time). `twice`: the notice comes
    twice."""

    kind: Literal["fraud", "service", "processing"]
    stage: Literal["inquiry", "first"]
    percent: int
    after: timedelta
    note: str
    twice: bool = False
    then: Literal["won", "lost", "first", None] = None


DISPUTES: Final[dict[int, Row]] = {
    90_001: Row("fraud", "first", 100, timedelta(days=5), "approved; after 5 days its holder "
                                                          "denies it (fraud)"),
    90_002: Row("service", "first", 100, timedelta(days=5), "approved; after 5 days disputed "
                                                            "(service)"),
    90_003: Row("service", "first", 40, timedelta(days=5), "approved; after 5 days 40 % of it is "
                                                           "disputed (service)"),
    90_004: Row("fraud", "first", 100, timedelta(days=5), "approved; disputed (fraud), told twice",
    True),
    90_005: Row("service", "inquiry", 100, timedelta(days=5),
                "approved; after 5 days an inquiry, 2 days later a dispute (service)",
                then="first"),
    90_006: Row("service", "first", 100, timedelta(days=5),
                "approved; disputed after 5 days and won 2 days later (service)", then="won"),
    90_007: Row("fraud", "first", 100, timedelta(days=5),
                "approved; disputed after 5 days and lost 2 days later (fraud)", then="lost"),
    90_008: Row("processing", "first", 100, timedelta(days=5), "approved; after 5 days disputed: "
                                                               "charged twice"),
}  # fmt: skip
THEN_AFTER: Final = timedelta(days=2)


def foreseen(magic: str | None, units: int) -> Row | None:
    """The dispute that the holder of this card will raise about this charge. `magic`: as the vault
    keeps it."""
    return DISPUTES.get(units) if magic == "disputes" else None
