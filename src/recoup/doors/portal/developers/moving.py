"""The clocks that are on their way."""

import asyncio
from uuid import UUID


class Moving:
    """Of one running portal."""

    def __init__(self) -> None:
        self.tasks: dict[UUID, asyncio.Task[None]] = {}  # by merchant
        self.one_clock = asyncio.Lock()  # held by the move that is being made
