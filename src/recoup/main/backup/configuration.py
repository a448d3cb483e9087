"""Configuration of Barman, and what the server lets it do."""

import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from recoup.db.connect import connect
from recoup.db.server import ServerAddress
from recoup.kernel.private_files import write_whole
from recoup.kernel.problem import Problem, invalid

SERVER: Final = "recoup"  # as Barman calls it
SLOT: Final = "recoup_backup"
ROLE: Final = "recoup_backup"
FILE: Final = "barman.conf"
AGE_HOURS_MAX: Final = 26  # a day, and the time that a copy takes
KEYS: Final = ("keyring.json", "keyring-retired.json")
# As Barman's manual asks (pre-requisites). Only the owner reaches the socket, so the role has no
# password.
RIGHTS: Final = f"""
DO $$ BEGIN CREATE ROLE {ROLE} LOGIN REPLICATION; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT EXECUTE ON FUNCTION pg_backup_start(text, boolean), pg_backup_stop(boolean), pg_switch_wal(),
  pg_create_restore_point(text) TO {ROLE};
GRANT pg_read_all_settings, pg_read_all_stats, pg_checkpoint TO {ROLE};
"""
_LACKING: Final = """
SELECT name, setting FROM pg_settings
WHERE name = 'max_wal_senders' AND setting::int < 3 OR name = 'max_slot_wal_keep_size'
  AND setting::bigint < 0
  OR name = 'synchronous_standby_names' AND setting = '' OR name = 'wal_level'
    AND setting = 'minimal'
"""


class Plan(NamedTuple):
    """`home`: the folder of the copies. `gpg_key`: empty for copies in clear."""

    home: Path
    programs: Path
    socket: str
    days: int
    gpg_key: str = ""

    @property
    def file(self) -> Path:
        return self.home / FILE


def user_name() -> str:
    """The user of this process; by itself Barman becomes `barman`."""
    return pwd.getpwuid(os.geteuid()).pw_name


def text_of(plan: Plan) -> str:
    """Barman's global section and the server's."""
    place = f"host={_quoted(plan.socket)} port=5432 user={ROLE}"
    lines = {
        "[barman]": {
            "barman_user": user_name(),
            "barman_home": plan.home,
            "log_file": plan.home / "barman.log",
            "log_level": "INFO",
            "path_prefix": plan.programs,
        },
        f"[{SERVER}]": {
            "description": "Recoup's embedded PostgreSQL",
            "conninfo": f"{place} dbname=postgres",
            "streaming_conninfo": place,
            "backup_method": "postgres",
            "immediate_checkpoint": "true",
            "streaming_archiver": "on",
            "archiver": "off",
            "slot_name": SLOT,
            "create_slot": "auto",
            "retention_policy": f"RECOVERY WINDOW OF {plan.days} DAYS",
            "minimum_redundancy": 1,
            "last_backup_maximum_age": f"{AGE_HOURS_MAX} HOURS",
        }
        | (_encrypted(plan.gpg_key) if plan.gpg_key else {}),
    }
    head = "; Written by `recoup backup init`; run it again rather than edit this.\n"
    return head + "\n".join(
        f"{section}\n"
        + "".join(f"{name} = {str(value).replace('%', '%%')}\n" for name, value in values.items())
        for section, values in lines.items()
    )


def _encrypted(key: str) -> dict[str, str | int]:
    return {
        "encryption": "gpg",
        "encryption_key_id": key,
        "backup_compression": "gzip",
        "backup_compression_level": 1,
        "backup_compression_format": "tar",
    }


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def check_home(home: Path, data_dir: Path) -> None:
    """Raises: Problem(invalid) for a folder that no copy belongs in."""
    if any(ord(sign) < 32 for sign in str(home)):
        raise invalid(
            "The name of the folder has a control character.", "to", "Choose another folder."
        )
    data_dir = data_dir.resolve()
    if home == data_dir or data_dir in home.parents or home in data_dir.parents:
        raise invalid(
            f"{home} and the data folder {data_dir} hold each other: what loses one loses both.",
            "to",
            "Choose a folder on another disk.",
        )
    if key := next(keys_in(home), None):
        raise invalid(
            f"{home} holds keys ({key}): who has them and the copy has the cards.",
            "to",
            "Choose another folder, or move the keys elsewhere.",
        )
    if home.is_dir() and not (home / FILE).exists() and any(home.iterdir()):
        raise invalid(
            f"{home} is not empty, and holds no copies of Recoup.",
            "to",
            "Choose a new folder inside it.",
        )


def keys_in(home: Path) -> Iterator[Path]:
    """Files of keys in it, outside the copies themselves."""
    for folder, inside, files in os.walk(home):
        if Path(folder) == home / SERVER:
            inside[:] = []
        yield from (Path(folder) / name for name in files if name in KEYS)


def check_socket(address: ServerAddress, data_dir: Path) -> None:
    """Raises: Problem(invalid) where the socket is in another place after each start."""
    if Path(address.host) != Path(os.path.abspath(data_dir)) / "socket":
        message = (
            f"The path of {data_dir} is too long for a socket, so the server's address "
            f"changes at each start."
        )
        raise invalid(message, "data_dir", "Move the data folder to a shorter path.")


async def allow(dsn: str) -> list[str]:
    """Makes the role, and answers which settings of the running server fall short until it is
    started again."""
    connection = await connect(dsn)
    try:
        await connection.execute(RIGHTS)
        return [f"{row['name']} = {row['setting']}" for row in await connection.fetch(_LACKING)]
    finally:
        await connection.close()


def write_configuration(plan: Plan) -> None:
    """Raises: Problem(unavailable)."""
    try:
        plan.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        plan.home.chmod(0o700)
        write_whole(plan.file, text_of(plan).encode())
    except OSError as error:
        message = f"{plan.file} cannot be written: {error.strerror}."
        raise Problem(
            "unavailable", message, cure="Mount the disk, or make the folder yours."
        ) from None
