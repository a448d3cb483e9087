"""As of when a merchant's money is read. Source: decision 0073."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

BusinessAsOf = Annotated[
    datetime | None, Meta(description="As it stood at this business time: the bytes of an answer made then.")
]
RecordedAsOf = Annotated[
    datetime | None, Meta(description="As it had been recorded at this real time; instead of `asOf`.")
]
