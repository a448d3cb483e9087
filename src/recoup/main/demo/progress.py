"""The demo's progress, and what the supervisor does for it: little, and with little in its
memory."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from recoup.db.server.folder import write_private
from recoup.db.server.footing import end_with_parent
from recoup.kernel.frozen import frozen
from recoup.kernel.time import iso
from recoup.main.settings import Settings

DAYS: Final = 31
BEHIND: Final = timedelta(days=DAYS)
TRIES_MAX: Final = 3


@frozen
class Mark:
    """The demo's progress: `begun` is the business time of its beginning, `behind` how much earlier
    that was than the wall's time, `done` the last finished point."""

    state: Literal["playing", "done"]
    begun: datetime
    done: timedelta | None
    behind: timedelta = BEHIND

    @staticmethod
    def read(data_dir: Path) -> "Mark | None":
        try:
            kept = json.loads((data_dir / "demo.json").read_text())
            done = (
                timedelta(seconds=kept["done_seconds"])
                if kept["done_seconds"] is not None
                else None
            )
            begun = datetime.fromisoformat(kept["begun"]).astimezone(UTC)
            return Mark(kept["state"], begun, done, timedelta(days=kept["days"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, data_dir: Path) -> None:
        seconds = self.done // timedelta(seconds=1) if self.done is not None else None
        kept = {
            "state": self.state,
            "begun": iso(self.begun),
            "days": self.behind.days,
            "done_seconds": seconds,
        }
        write_private(data_dir / "demo.json", json.dumps(kept) + "\n")


class Demo:
    """Demo that the supervisor asks five times a second: starts the player as a child, sees it end.
    Never waits."""

    def __init__(self, settings: Settings, months: int) -> None:
        self._settings, self._months = settings, months
        self._child: subprocess.Popen[bytes] | None = None
        self._tries = 0
        self._over = False

    def tick(self) -> bool:
        """Goes on with the demo; True when there is nothing more to do. The child waits for the
        doors by itself, and ends with us."""
        if self._over:
            return True
        if self._child is not None and self._child.poll() is None:
            return False
        mark = Mark.read(self._settings.data_dir)
        self._over = mark is not None and mark.state == "done" or self._tries >= TRIES_MAX
        if not self._over:
            self._tries += 1
            command = [
                sys.executable,
                "-m",
                "recoup.main",
                "demo",
                "--url",
                address(self._settings),
                "--data-dir",
                str(self._settings.data_dir),
                "--months",
                str(self._months),
            ]
            self._child = subprocess.Popen(
                command, preexec_fn=end_with_parent(), stdin=subprocess.DEVNULL
            )  # noqa: S603
        return self._over


def address(settings: Settings) -> str:
    """Our own doors, from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"{'https' if settings.tls_cert else 'http'}://{host}:{settings.port}"
