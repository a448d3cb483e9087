"""Whether a server takes writes: one that was demoted answers all else as ever."""

from recoup.store.homes import DIRECTORY
from recoup.store.statement import Read


@DIRECTORY.statement("SELECT NOT current_setting('transaction_read_only')::bool")
async def is_writable(db: Read) -> bool: ...
