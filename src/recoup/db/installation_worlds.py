"""The worlds of an installation, as its people's database knows them."""

from datetime import datetime

from recoup.db.statement import PEOPLE, Read, Tx


@PEOPLE.statement(
    "INSERT INTO installation_worlds (name, since) VALUES ($1, $2) ON CONFLICT DO NOTHING"
)
async def note_world(db: Tx, name: str, now: datetime) -> None: ...


@PEOPLE.statement("SELECT name FROM installation_worlds")
async def installation_worlds(db: Read) -> list[str]: ...
