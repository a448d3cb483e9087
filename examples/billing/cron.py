"""A cron job without a billing system: yesterday's declines go in as a file, what became of them
comes out as a file.

BASE=… APP_KEY=… APP_SECRET=… python3 examples/billing/cron.py declines-2026-03-02.csv outcomes.csv

The columns of the declines stand in docs/connect.md. A run that was interrupted is run again: the
same file is the same upload, and OUTCOMES.next remembers up to which event the outcomes were
written.
"""

import csv
import os
import sys
from pathlib import Path

from recoup_client import Recoup

ENDS = ("order.completed", "order.expired", "order.cancelled")


def main(declines: Path, outcomes: Path) -> None:
    place = outcomes.with_suffix(outcomes.suffix + ".next")
    with Recoup(os.environ["BASE"], os.environ["APP_KEY"], os.environ["APP_SECRET"]) as recoup:
        file = declines.read_bytes()  # as it is: CSV and JSON lines are taken too
        upload = recoup.uploads.create(file, kind="evaluate", filename=declines.name)
        print(f"upload {upload['id']}: {'the same as before' if upload['repeated'] else 'taken'}")
        after = int(place.read_text()) if place.exists() else 0
        for page in recoup.events.list(after=after, event=ENDS).pages():
            _append(outcomes, page["data"])
            place.write_text(page["next"])


def _append(outcomes: Path, events: list) -> None:  # type: ignore[type-arg]
    """A line written twice, by a run that died between file and place, has the same event id."""
    fresh = not outcomes.exists()
    with outcomes.open("a", newline="") as file:
        lines = csv.writer(file)
        if fresh:
            lines.writerow(["eventId", "orderId", "outcome", "amount", "currency"])
        for one in events:
            data = one["EventData"]
            ended = one["Event"].removeprefix("order.")
            lines.writerow(
                [data["EventId"], one["ExternalOrderId"], ended, data["Amount"], data["Currency"]]
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
