"""Condition in SQL for rows that were there at a moment of the past."""


def known_at(
    row: str, first: int, booked: str = "business_at", recorded: str = "recorded_at"
) -> str:
    """Condition for a row that was known as of a `Cut`: its instants are the parameters `first` and
    the next, both included. `booked`: the column of its date by the merchant's clock; `recorded`:
    of wall time.

    Source: decision 0073.
    """
    return f"{row}.{booked} <= ${first} AND {row}.{recorded} <= ${first + 1}"
