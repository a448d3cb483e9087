"""The words of files, the same on both pages."""

from typing import Final

from recoup.doors.portal.words import State

STATES: Final = {
    "received": State("Received", "hold", "draft", "Stored; its rows are queued."),
    "working": State("Processing", "run", "processing", "Its rows are processed in order."),
    "completed": State("Completed", "ok", "completed", "All rows are processed."),
    "stopped": State("Stopped", "off", "cancelled", "Stopped; rows not yet started are skipped."),
}
KINDS: Final = {"transmit": "Transmissions", "evaluate": "Declined MITs"}
