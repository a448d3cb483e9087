"""Tries to deliver an event to an endpoint."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from recoup.db.statement import Row

Result = Literal["delivered", "failed", "parked", "disabled"]


class TryHead(Row):
    """A try to deliver an event. `at` is wall time."""

    try_id: UUID
    merchant_id: UUID
    endpoint_id: UUID
    subject_id: UUID
    seq: int
    event_id: UUID
    try_no: int
    at: datetime
    status: int | None
    error: str | None
    latency_ms: int
    result: Result
    resent: bool


class NewTry(TryHead):
    answer: str
