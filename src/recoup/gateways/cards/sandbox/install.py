"""Makes the book of a sandbox twin where it is missing."""

from importlib.resources import files

import asyncpg

_RACES = (asyncpg.UniqueViolationError, asyncpg.DuplicateObjectError, asyncpg.DuplicateTableError)


async def install_book(connection: asyncpg.Connection, package: str) -> None:
    """Runs `schema.sql` of `package`. Safe to repeat and to run twice at once."""
    script = (files(package) / "schema.sql").read_text("utf-8")
    for last_try in (False, False, True):
        try:
            async with connection.transaction():
                await connection.execute(script)
            return
        except _RACES:
            if last_try:
                raise
